"""How a setting of a MySQL session is read, and set in another."""

from __future__ import annotations

from typing import Any

ROLE = "role"
NULL = object()  # the value of a variable that has none, as character_set_results may


def asking_text(name: str) -> str:
    """Return the text that asks for a setting's value."""
    if name == ROLE:  # no variable
        return "SELECT COALESCE(CURRENT_ROLE(), 'NONE')"
    return f"SELECT @@session.{name}"


def setting_text(name: str, value: Any) -> tuple[str, Any]:
    """Return the text that gives the setting `name` this value, and its parameters."""
    if name == ROLE:  # MySQL's are quoted, MariaDB's are not
        is_ready = value == "NONE" or value[:1] == "`"
        quoted = value if is_ready else f"`{value.replace('`', '``')}`"
        return f"SET ROLE {quoted}", None
    if value is NULL:
        return f"SET SESSION {name} = NULL", None
    return f"SET SESSION {name} = %s", (value,)


# Adds to the modes that the server or the account has.
STANDARD_SQL = (
    "SET SESSION sql_mode = "
    "CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'ANSI_QUOTES,PIPES_AS_CONCAT')"
)

# What the session reads quotes by.
LEXICAL_SETTINGS = "SELECT @@session.sql_mode, @@session.character_set_client"
