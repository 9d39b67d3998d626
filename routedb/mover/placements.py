"""Where the tables live that were moved: rows of `routedb_placements`.

They override `[tables]` of the configuration. Each change has the next version, by
which a process tells an old answer from a new one.
"""

from __future__ import annotations

from collections.abc import Iterable

from routedb import errors
from routedb.mover.sessions import Session
from routedb.moving.spelling import string

_PLACEMENTS = (
    "CREATE TABLE IF NOT EXISTS routedb_placements (table_name varchar(200) NOT NULL "
    "PRIMARY KEY, place varchar(100) NOT NULL, version bigint NOT NULL)"
)


def make(session: Session) -> None:
    """Make the table."""
    session.run(_PLACEMENTS)


def read(session: Session) -> dict[str, str]:
    """Return the database of each table that was moved."""
    try:
        rows = session.run("SELECT table_name, place FROM routedb_placements")
    except errors.ProgrammingError:  # there is no such table
        return {}
    return {str(row[0]): str(row[1]) for row in rows}


def next_version(session: Session) -> int:
    """Return the version that the next change will have."""
    try:
        rows = session.run("SELECT COALESCE(MAX(version), 0) FROM routedb_placements")
    except errors.ProgrammingError:
        return 1
    return int(rows[0][0]) + 1


def write(session: Session, tables: Iterable[str], place: str) -> int:
    """Have `tables` live in the database `place`, all at once; return the version."""
    engine = session.engine
    version = next_version(session)
    with session.transaction():
        for table in tables:
            quoted = string(engine, table)
            session.run(f"DELETE FROM routedb_placements WHERE table_name = {quoted}")
            session.run(
                f"INSERT INTO routedb_placements VALUES "
                f"({quoted}, {string(engine, place)}, {version})"
            )
    return version
