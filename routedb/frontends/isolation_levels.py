"""Isolation levels, by their names and by psycopg2's numbers."""

from __future__ import annotations

from routedb.sql.statement import ISOLATION_LEVELS

_LEVELS = {name.lower(): name for name in ISOLATION_LEVELS}
# psycopg2.extensions.ISOLATION_LEVEL_…: the numbers its users pass.
NUMBERED_LEVELS = {
    1: "READ COMMITTED",
    2: "REPEATABLE READ",
    3: "SERIALIZABLE",
    4: "READ UNCOMMITTED",
}


def level_named(level: str | int | None) -> str | None:
    """Return an isolation level by its name, whether given by name or by number."""
    if level is None or level == "DEFAULT":
        return None
    known = (
        NUMBERED_LEVELS.get(level)
        if isinstance(level, int)
        else _LEVELS.get(level.lower())
    )
    if known is None:
        raise ValueError(
            f"isolation level {level!r}: allowed are {', '.join(_LEVELS)}, or 1 to 4"
        )
    return known
