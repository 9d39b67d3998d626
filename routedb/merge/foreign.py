"""Statements on one group of another dialect than theirs that are more than a read:
which they are, and their way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from routedb.engine.execute import executing
from routedb.engine.run import executor
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import changing
from routedb.merge.catalogs import Catalogs
from routedb.merge.placements import cluster_of
from routedb.merge.refused import NotMerged, check_reading
from routedb.merge.targets import Target
from routedb.planner import Refusal, take_change_apart, unlocked
from routedb.routing.plan import ParsedText
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role

_VERBS = frozenset({"INSERT", "UPDATE", "DELETE"})


def target_of(catalogs: Catalogs, session: Session, text: ParsedText) -> Target | None:
    """Return the table of another dialect whose rows `text` changes in `session`, where
    it may be one that does; `catalogs` know the tables."""
    config, statement = session.core.config, text.plan.statement
    is_one = statement.parts == 1 and len(statement.writes) == 1
    is_known = statement.verb in _VERBS and statement.hints is None
    is_hidden = bool(text.plan.names & session.pins.names)  # by a temporary table
    if statement.kind is not Kind.WRITE or not is_one or not is_known or is_hidden:
        return None
    (table,) = statement.writes
    rule = session.core.rules.rule_for(table)
    name = session.database or (rule.database if rule else config.default)
    if name is None or config.joins == "refuse":
        return None
    dialect = config.databases[name].dialect
    if dialect == text.plan.dialect:
        return None
    known = catalogs.target(session, name, table)
    if known is None or known.info.is_view:
        return None
    return Target(name, dialect, table, known)


def change(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    target: Target,
) -> None:
    """Run `text` with `params`, which changes rows of `target`, in `session`; let
    `cursor` show what comes of it. Raises NotMerged, and what the servers say."""
    check_reading(text)
    made = take_change_apart(text.source, text.plan.dialect)
    if isinstance(made, Refusal):
        raise NotMerged(made.reason)
    if getattr(cursor, "name", None):
        raise NotMerged("a named cursor of a text that writes")

    def read(reader: Any, inner: ParsedText, values: Any) -> None:
        call = executing(inner.source, values)
        executor.run(session, reader, inner, values, call)

    changing.change(session, cursor, text, params, made, target, read)


def locked(session: Session, text: ParsedText) -> str | None:
    """Return the database of another dialect whose rows `text` locks, if it does, and
    reads nothing else, in `session`."""
    statement, config = text.plan.statement, session.core.config
    if statement.kind is not Kind.LOCK or not statement.tables or statement.hints:
        return None
    cluster = cluster_of(session, text.plan)
    names = {place.database for place in cluster.tables.values()}
    if len(cluster.tables) < len(statement.tables) or len(names) != 1:
        return None
    (name,) = names
    is_other = config.databases[name].dialect != text.plan.dialect
    return name if is_other and config.joins != "refuse" else None


@contextmanager
def unlocking(session: Session, text: ParsedText) -> Iterator[ParsedText]:
    """Give `text` without its locks, while `session` reads from writers. Raises
    NotMerged."""
    made = unlocked(text.source, text.plan.dialect)
    if isinstance(made, Refusal):
        raise NotMerged(made.reason)
    before = session.override(None, Role.WRITER, None)
    try:
        yield session.learn(made)
    finally:
        session.restore_overrides(before)
