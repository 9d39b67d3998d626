"""Sequences, identities, AUTO_INCREMENT: carried on at the target from the source."""

from __future__ import annotations

from collections.abc import Sequence

from routedb.mover.sessions import Session
from routedb.moving.definitions import Column, Table
from routedb.moving.spelling import name, string


def carry(sources: Sequence[Session], targets: Sequence[Session], table: Table) -> None:
    """Have `targets` number new rows of `table` as `sources` would go on: from the
    largest of their numbers."""
    for column in table.columns:
        if column.is_numbered:
            following = max(_next(source, table, column) for source in sources)
            for target in targets:
                _set(target, table, column, following)


def _next(session: Session, table: Table, column: Column) -> int:
    """Return the next number at `session`."""
    engine = session.engine
    quoted = name(engine, table.name), name(engine, column.name)
    ((most,),) = session.run(f"SELECT MAX({quoted[1]}) FROM {quoted[0]}")
    following = max(int(most or 0), 0) + 1
    if engine == "mysql":
        return max(following, _mysql_next(session, table))
    if engine == "sqlite":
        return max(following, _sqlite_next(session, table))
    sequence = _sequence(session, table, column)
    if sequence is None:
        return following
    ((last, is_called),) = session.run(f"SELECT last_value, is_called FROM {sequence}")
    return max(following, int(last) + 1 if is_called else int(last))


def _mysql_next(session: Session, table: Table) -> int:
    rows = session.run(
        "SELECT COALESCE(auto_increment, 1) FROM information_schema.tables WHERE "
        f"table_schema = DATABASE() AND table_name = {string('mysql', table.name)}"
    )
    return int(rows[0][0])


def _sequence(session: Session, table: Table, column: Column) -> str | None:
    quoted = string("postgresql", name("postgresql", table.name))
    ((found,),) = session.run(
        f"SELECT pg_get_serial_sequence({quoted}, {string('postgresql', column.name)})"
    )
    return None if found is None else str(found)


def _sqlite_next(session: Session, table: Table) -> int:
    quoted = string("sqlite", table.name)
    rows = session.run_if_there(
        f"SELECT seq + 1 FROM sqlite_sequence WHERE name = {quoted}"
    )
    return int(rows[0][0]) if rows else 1


def _set_sqlite(session: Session, table: Table, following: int) -> None:
    """Have SQLite count on, where it counts: without AUTOINCREMENT the next number is
    that after the highest."""
    quoted = string("sqlite", table.name)
    ((made,),) = session.run(f"SELECT sql FROM sqlite_schema WHERE name = {quoted}")
    if "AUTOINCREMENT" not in made.upper():
        return
    with session.transaction():
        session.run(f"DELETE FROM sqlite_sequence WHERE name = {quoted}")
        session.run(f"INSERT INTO sqlite_sequence VALUES ({quoted}, {following - 1})")


def _set(session: Session, table: Table, column: Column, following: int) -> None:
    if session.engine == "sqlite":
        _set_sqlite(session, table, following)
        return
    if session.engine == "mysql":
        # The rows that came have counted up. Else it is a definition, which waits for
        # those who read the table, while all writers wait for it.
        if _mysql_next(session, table) < following:
            quoted = name("mysql", table.name)
            session.run("SET SESSION lock_wait_timeout = 1")
            session.run(f"ALTER TABLE {quoted} AUTO_INCREMENT = {following}")
        return
    sequence = _sequence(session, table, column)
    if sequence is not None:
        text = string("postgresql", sequence)
        session.run(f"SELECT setval({text}, {following}, false)")
