"""How a PostgreSQL transaction is begun by text."""

from __future__ import annotations

from functools import lru_cache

from routedb.sql.statement import TxMode


@lru_cache(64)
def begin_text(mode: TxMode) -> str:
    """Return BEGIN with the mode's words (PostgreSQL manual, BEGIN)."""
    words = [f"ISOLATION LEVEL {mode.isolation}"] if mode.isolation else []
    words += ["READ ONLY"] if mode.read_only else []
    if mode.deferrable is not None:
        words.append("DEFERRABLE" if mode.deferrable else "NOT DEFERRABLE")
    return f"BEGIN {', '.join(words)}"
