"""Runs the user's own definitions at the target: for a trial, and for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from routedb import errors
from routedb.mover import catalogs, chunks
from routedb.mover.ends import End
from routedb.mover.sessions import Session
from routedb.moving.definitions import Table
from routedb.moving.holding import Held
from routedb.moving.own_table import (
    against,
    foreign_keys_against,
    held_columns,
    too_early,
)
from routedb.moving.script import Script
from routedb.moving.spelling import name, string

# That what a statement would make is there: a mover has died before it could note that.
_THERE_ALREADY = (1050, 1060, 1061, 1068, 1826)
_TABLES = "(tables)"
_INDEXES = "(indexes)"
_FOREIGN_KEYS = "(foreign keys)"
_NOT_VALID = " NOT VALID"


class _Over(Exception):
    """The end of a trial."""


def tried(
    session: Session, script: Script, tables: Sequence[Table]
) -> tuple[dict[str, Table], list[str]]:
    """Run `script` at PostgreSQL and undo all of it; return the tables that it made,
    by name, and why they hold not what `tables` do. Raises ConfigError for a statement
    that fails."""
    own: dict[str, Table] = {}
    found: list[str] = []
    before = set(catalogs.table_names(session))
    with suppress(_Over), session.transaction():
        for text in script.tables:
            _run(session, text)
        own = _made(session, tables)
        found += _wrong(tables, own)
        found += _others(session, before, tables)
        for text in (*script.indexes, *script.foreign_keys):
            _run(session, text)
        for table in tables:
            known = catalogs.table_of(session, table.name)
            if known is not None:
                found += _said(table, foreign_keys_against(table, known))
                found += _said(table, against(table, known))
        raise _Over
    return own, list(dict.fromkeys(found))


def _run(session: Session, text: str) -> None:
    try:
        session.run(text)
    except errors.DatabaseError as exc:
        said = str(exc).strip()
        shown = " ".join(text.split())[:80]
        raise errors.ConfigError(f"the definitions fail: {said} ({shown})") from exc


def _made(session: Session, tables: Iterable[Table]) -> dict[str, Table]:
    known = {each.name: catalogs.table_of(session, each.name) for each in tables}
    return {called: table for called, table in known.items() if table is not None}


def _wrong(tables: Sequence[Table], own: dict[str, Table]) -> list[str]:
    found = []
    for table in tables:
        to = own.get(table.name)
        if to is None:
            found.append(f"{table.name}: the definitions make no such table")
        else:
            found += _said(table, (*against(table, to), *too_early(to)))
    return found


def _said(table: Table, reasons: Iterable[str]) -> list[str]:
    return [f"{table.name}: {reason}" for reason in reasons]


def _others(session: Session, before: set[str], tables: Sequence[Table]) -> list[str]:
    moved = {table.name for table in tables}
    others = set(catalogs.table_names(session)) - before - moved
    return [
        f"the definitions make {each}, which is not moved" for each in sorted(others)
    ]


def beyond(tables: Sequence[Table], own: dict[str, Table], source: End) -> list[str]:
    """Return which rows of `tables` at `source` the user's `own` tables would refuse,
    in words."""
    found = []
    for table in tables:
        if table.name not in own:
            continue
        for column, held in held_columns(table, own[table.name]).items():
            if not isinstance(held, Held) or not held.beyond:
                continue
            quoted = name(source.engine, table.name)
            text = f"SELECT count(*) FROM {quoted} WHERE {held.beyond}"
            count = sum(int(session.run(text)[0][0]) for session in source.sessions)
            if count:
                found.append(
                    f"{table.name}: {column}: {count:,} rows have what the target "
                    f"refuses: {held.beyond}"
                )
    return found


def make(session: Session, move: str, script: Script, tables: Sequence[Table]) -> None:
    """Make `tables` at `session` as `script` says, for the move called `move`, where
    that was not done. Raises NotSupportedError where they do not hold what the moved
    ones do, ConfigError for a statement that fails."""
    before = set(catalogs.table_names(session))
    chunks.make(session)
    _run_part(session, move, _TABLES, script.tables)
    own = _made(session, tables)
    found = [*_wrong(tables, own), *_others(session, before, tables)]
    for table in tables:
        if table.name in own:
            found += _said(table, foreign_keys_against(table, own[table.name]))
    if found:
        raise errors.NotSupportedError(
            f"{'; '.join(found)}. `routedb move abort`, mend the definitions, and "
            "begin again"
        )


def make_indexes(session: Session, move: str, script: Script) -> None:
    """Make the indexes of `script` at `session`, for the move called `move`, where that
    was not done. Raises ConfigError for a statement that fails."""
    _run_part(session, move, _INDEXES, script.indexes)


def make_foreign_keys(session: Session, move: str, script: Script) -> None:
    """Make the foreign keys of `script` at `session`, PostgreSQL, for the move called
    `move`, without looking at rows, which have been compared."""
    texts = [
        text if text.upper().endswith(_NOT_VALID) else text + _NOT_VALID
        for text in script.foreign_keys
    ]
    _run_part(session, move, _FOREIGN_KEYS, texts)


def unvalidated(session: Session, tables: Iterable[str]) -> list[str]:
    """Return what has PostgreSQL look at the rows of those foreign keys of `tables`
    that it has not looked at."""
    listed = ", ".join(string("postgresql", each) for each in tables)
    rows = session.run(
        "SELECT c.relname, k.conname FROM pg_constraint k "
        "JOIN pg_class c ON c.oid = k.conrelid "
        "WHERE k.contype = 'f' AND NOT k.convalidated "
        "AND c.relnamespace = current_schema()::regnamespace "
        f"AND c.relname IN ({listed})"
    )
    return [
        f"ALTER TABLE {name('postgresql', table)} VALIDATE CONSTRAINT "
        f"{name('postgresql', constraint)}"
        for table, constraint in rows
    ]


def _run_part(session: Session, move: str, label: str, texts: Sequence[str]) -> None:
    """Run `texts`, each once, whenever a mover dies: PostgreSQL's are noted with what
    they make, and MariaDB says that it is there already."""
    done = chunks.numbers(session, move, label)
    for number, text in enumerate(texts, 1):
        if number in done:
            continue
        with session.transaction():
            try:
                _run(session, text)
            except errors.ConfigError as exc:
                if not _is_there(session, exc.__cause__):
                    raise
            chunks.note(session, move, label, number, (None, None), 0)


def _is_there(session: Session, exc: BaseException | None) -> bool:
    said: tuple[Any, ...] = getattr(exc, "args", ())
    return session.engine == "mysql" and bool(said) and said[0] in _THERE_ALREADY
