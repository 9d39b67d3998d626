"""How a setting of a PostgreSQL session is read, and set in another."""

from __future__ import annotations

from typing import Any

# Under SERIALIZABLE a replica answers nothing (PostgreSQL manual, hot standby).
ISOLATION = "default_transaction_isolation"


def asking_text(name: str) -> str:
    """Return the text that asks for a setting's value."""
    return f"SELECT pg_catalog.current_setting('{name}')"


def setting_text(name: str, value: Any) -> tuple[str, Any]:
    """Return the text that gives the setting `name` this value, and its parameters."""
    return f"SELECT pg_catalog.set_config('{name}', %s, false)", (value,)
