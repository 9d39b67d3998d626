"""How a setting of a MySQL session is read, and set in another."""

from __future__ import annotations

from typing import Any


def asking_text(name: str) -> str:
    """Return the text that asks for a setting's value."""
    return f"SELECT @@session.{name}"


def setting_text(name: str, value: Any) -> tuple[str, Any]:
    """Return the text that gives the setting `name` this value, and its parameters."""
    return f"SET SESSION {name} = %s", (value,)


# Adds to the modes that the server or the account has.
STANDARD_SQL = (
    "SET SESSION sql_mode = "
    "CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'ANSI_QUOTES,PIPES_AS_CONCAT')"
)

# What the session reads quotes by.
LEXICAL_SETTINGS = "SELECT @@session.sql_mode, @@session.character_set_client"
