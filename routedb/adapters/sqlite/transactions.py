"""How a SQLite transaction is begun."""

from __future__ import annotations

from routedb.sql.statement import TxMode

BEGIN_WORDS = ("DEFERRED", "IMMEDIATE", "EXCLUSIVE")


def begin_word(mode: TxMode) -> str:
    """Return what stands after BEGIN: sqlite3 calls it the isolation level."""
    return mode.isolation if mode.isolation in BEGIN_WORDS else ""
