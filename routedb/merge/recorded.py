"""Definitions whose foreign keys lead to tables in other databases.

No database checks such a key. It is refused, or, with `foreign_keys = "record"`, left
out of the definition and written into a table beside the child: `RECORDS`. `routedb
check --references` reads that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from routedb.engine.run import multi_shard
from routedb.engine.run.executor import run_again
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge.catalogs import Catalogs
from routedb.merge.reading import Reader
from routedb.merge.refused import NotMerged
from routedb.planner import ForeignKey, Refusal, take_keys
from routedb.routing.plan import ParsedText
from routedb.sql.statement import Table
from routedb.topology.snapshot import Role

RECORDS = "routedb_references"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*").fullmatch
_CREATED = (
    f"CREATE TABLE IF NOT EXISTS {RECORDS} "
    "(child varchar(500) NOT NULL, parent varchar(500) NOT NULL)"
)
_ADDED = f"INSERT INTO {RECORDS} (child, parent) VALUES (%s, %s)"
# What Django has behind a column that it adds: the key is to hold at once.
_SET = re.compile(
    r';\s*SET\s+CONSTRAINTS\s+("(?:[^"]|"")+"|\w+)\s+IMMEDIATE\s*;?\s*\Z', re.I
).search
_REFUSED = (
    "no database checks a foreign key to a table in another one. Leave it out and "
    "write it under [references] of the configuration, or set foreign_keys = "
    '"record" there: routedb check --references finds the rows that refer to nothing'
)


def define(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    catalogs: Catalogs,
) -> None:
    """Run the definition `text` with `params` in `session` without its keys to other
    databases, and record these; let `cursor` show what comes of it. `catalogs` know
    the parents' primary keys. Raises NotMerged, and what the servers say."""
    config, statement = session.core.config, text.plan.statement
    if len(statement.writes) != 1:
        raise NotMerged("it is for several tables")
    (target,) = statement.writes
    if config.foreign_keys != "record":
        raise NotMerged(_REFUSED)
    home = _place(session, target)
    if home is None or config.databases[home].is_sharded:
        raise NotMerged("foreign keys of a sharded table are not recorded")
    source, tail = _without_set(text)
    taken = take_keys(
        source, text.plan.dialect, lambda table: _place(session, table) != home
    )
    if isinstance(taken, Refusal):
        raise NotMerged(taken.reason)
    if not taken.keys or params:
        raise NotMerged(_REFUSED)
    if tail is not None and f"CONSTRAINT {tail} " in (taken.text or ""):
        raise NotMerged("it is several statements in one text")
    records = [_record(session, catalogs, target, key) for key in taken.keys]

    def work() -> None:
        if taken.text is not None:
            run_again(session, cursor, session.learn(taken.text), params)
        before = session.override(home, Role.WRITER, None)
        reader = Reader(session)
        try:
            shown = reader if taken.text is not None else cursor
            run_again(session, shown, session.learn(_CREATED), None)
            for record in records:
                run_again(session, reader, session.learn(_ADDED), record)
        finally:
            session.restore_overrides(before)
            reader.close()

    if config.databases[home].dialect == "mysql":  # where each commits by itself
        work()
    else:
        multi_shard.in_transaction(session, work)


def _without_set(text: ParsedText) -> tuple[str, str | None]:
    """Return the definition without SET CONSTRAINTS … IMMEDIATE behind it, and the name
    of the constraint, if that is there. Raises NotMerged for other texts of several
    statements."""
    if text.plan.statement.parts == 1:
        return text.source, None
    found = _SET(text.source)
    if found is None or text.plan.statement.parts > 2:  # noqa: PLR2004
        raise NotMerged("it is several statements in one text")
    return text.source[: found.start()], found[1]


def _place(session: Session, table: Table) -> str | None:
    rule = session.core.rules.rule_for(table)
    if session.database is not None:
        return session.database
    return session.core.config.default if rule is None else rule.database


def _record(
    session: Session, catalogs: Catalogs, child: Table, key: ForeignKey
) -> tuple[str, str]:
    """Return a reference as the configuration has it."""
    columns = key.parent_columns
    if not columns:
        place = _place(session, key.parent)
        known = None if place is None else catalogs.target(session, place, key.parent)
        columns = () if known is None else known.info.primary_key
    if len(columns) != len(key.columns):
        raise NotMerged(f"which columns of {key.parent} it refers to is not known")
    sides = (child, key.columns), (key.parent, columns)
    written, referred = (_side(session, table, names) for table, names in sides)
    return written, referred


def _side(session: Session, table: Table, columns: Sequence[str]) -> str:
    """Return a table and columns of it as its database reads them."""
    place = _place(session, table)
    is_mysql = place and session.core.config.databases[place].dialect == "mysql"
    quote = "`" if is_mysql else '"'

    def name(given: str) -> str:
        if _PLAIN(given):
            return given
        return quote + given.replace(quote, quote * 2) + quote

    named = ".".join(name(part) for part in table if part is not None)
    return f"{named}({', '.join(map(name, columns))})"
