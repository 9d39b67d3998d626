"""How a setting of a PostgreSQL session is read, and set in another."""

from __future__ import annotations

from typing import Any

# Under SERIALIZABLE a replica answers nothing (PostgreSQL manual, hot standby).
ISOLATION = "default_transaction_isolation"

# What a session has set (manual, pg_settings), when its texts do not tell.
SESSION_SETTINGS = "SELECT name FROM pg_catalog.pg_settings WHERE source = 'session'"


def asking_text(name: str) -> str:
    """Return the text that asks for a setting's value; NULL when there is none."""
    return f"SELECT pg_catalog.current_setting('{name}', true)"


def setting_text(name: str, value: Any) -> tuple[str, Any]:
    """Return the text that gives the setting `name` this value, and its parameters."""
    return f"SELECT pg_catalog.set_config('{name}', %s, false)", (value,)
