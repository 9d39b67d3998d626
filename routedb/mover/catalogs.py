"""What a table is, asked of a server of any engine."""

from __future__ import annotations

from routedb import errors
from routedb.mover import mysql_catalog, postgresql_catalog, sqlite_catalog
from routedb.mover.sessions import Session
from routedb.moving.definitions import Table

_NAMES = {
    "postgresql": postgresql_catalog.table_names,
    "mysql": mysql_catalog.table_names,
    "sqlite": sqlite_catalog.table_names,
}
_TABLES = {
    "postgresql": postgresql_catalog.table_of,
    "mysql": mysql_catalog.table_of,
    "sqlite": sqlite_catalog.table_of,
}
_SHAPES = {
    "postgresql": postgresql_catalog.shape_of,
    "mysql": mysql_catalog.shape_of,
    "sqlite": sqlite_catalog.table_of,
}


def table_names(session: Session) -> list[str]:
    """Return the names of all tables and views of `session`."""
    return _NAMES[session.engine](session)


def table_of(session: Session, table: str) -> Table | None:
    """Return what `table` is to `session`; None when there is none."""
    return _TABLES[session.engine](session, table)


def shape_of(session: Session, table: str) -> Table | None:
    """Return the columns and the key of `table`, as `session` has it, maybe without
    the rest; None when there is none. Writers wait for this, and a server may have many
    tables: what would have to look at all of them is left out."""
    return _SHAPES[session.engine](session, table)


def tables_of(session: Session, tables: list[str]) -> list[Table]:
    """Return what each of `tables` is to `session`. Raises ProgrammingError when one is
    not there."""
    found = []
    for table in tables:
        known = table_of(session, table)
        if known is None:
            raise errors.ProgrammingError(f"{session.node.name} has no table {table}")
        found.append(known)
    return found
