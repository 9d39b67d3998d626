"""Statements that need what lives on one backend: where they go, what they leave.

Looked at only on the long way, and only when the session has pins or the statement is
of a kind that makes or frees some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from routedb import errors
from routedb.engine.links.link import AUTOCOMMIT, Link
from routedb.engine.plans.plan import Plan, Text
from routedb.engine.session import Session
from routedb.routing import Placement, Reason, find_placement
from routedb.session.pins import UNDONE_FREED, UNDONE_MADE, Pins
from routedb.sql import Statement, Table
from routedb.sql.session_objects import EVERY, RELATIONS, ObjectKind, SessionObject

_CREATES = ("CREATE TABLE", "CREATE VIEW")
_CHOSEN = frozenset({Reason.HINT_DATABASE, Reason.USING_DATABASE})
# Schemas in which temporary tables are; on MySQL any may have one.
_TEMPORARY_SCHEMAS = {"postgresql": (None, "pg_temp"), "sqlite": (None, "temp")}

# The call whose arguments tell one lock, or one sequence, from another.
_CALL = re.compile(
    r"\b(pg_(?:try_)?advisory_(?:un)?lock(?:_shared)?|get_lock|release_lock"
    r"|nextval|setval|currval)\s*\(((?:[^()]|\([^()]*\))*)\)",
    re.IGNORECASE,
).search
_FIRST_ONLY = ("get_lock", "release_lock", "setval")  # the others say what with it
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?s|\?")


class Pinned(NamedTuple):
    """The link that a statement must run on, and why."""

    link: Link
    why: str


def find(session: Session, text: Text, params: Any) -> Pinned | None:
    """Return the link that has what the statement needs, if that lives on one.

    Raises OperationalError when it was lost, CrossDatabaseError when the statement is
    for another database as well, ShardError when it may be for another shard.
    """
    pins = session.links.pins
    plan = text.plan
    found = dict(_here(session, plan, _needed(session, text, params)))
    found = found or dict(_here(session, plan, _beside(session, plan)))
    if not found:
        return None
    links = {link.id: link for link in found.values()}
    if len(links) > 1:
        named = ", ".join(f"{s} is on {link.node.name}" for s, link in found.items())
        raise errors.CrossDatabaseError(
            f"one statement cannot use what lives on several nodes: {named}"
        )
    obj, link = next(iter(found.items()))
    _check_rest(session, plan, pins, obj, link)
    return Pinned(link, f"{obj} is on {link.node.name}")


def _needed(
    session: Session, text: Text, params: Any
) -> Iterator[tuple[SessionObject, int]]:
    """Yield what the statement needs, with the node that it is on."""
    pins, statement = session.links.pins, text.plan.statement
    for obj in _relations(pins, text.plan):
        yield obj, pins.node_of(obj)
    for obj in statement.needs:
        if obj.kind is ObjectKind.RESULT:
            latest = None if session.transaction.is_bound else session.last_link()
            yield obj, -1 if latest is None else latest.id
            continue
        node = pins.node_of(obj, _key(text, params))
        if node < 0 and pins.is_gone(obj):
            raise errors.OperationalError(
                f"the {obj.kind} that {statement.verb} asks for was lost with the "
                "link it lived on; nothing was sent"
            )
        is_soft = obj.kind is ObjectKind.VALUE and text.plan.dialect == "postgresql"
        if not (is_soft and text.plan.placement.database is not None):
            yield obj, node
    for held in pins.listens[-1:]:
        if _may_answer(session, text.plan, held.node):
            yield held.obj, held.node


def _beside(session: Session, plan: Plan) -> Iterator[tuple[SessionObject, int]]:
    """Yield a temporary relation for a query without tables, which may ask for it by
    its name: `SELECT to_regclass('picked')`."""
    if plan.statement.tables:
        return
    for held in [held for held in session.links.pins if held.obj.kind in RELATIONS][
        -1:
    ]:
        if _may_answer(session, plan, held.node):
            yield held.obj, held.node


def _may_answer(session: Session, plan: Plan, node: int) -> bool:
    """Tell whether a plain read may as well run on `node` as anywhere: what was
    notified there comes with its answer, and what lives there is seen."""
    link = session.open.get(node)
    if link is None or not plan.is_read or session.transaction.is_bound:
        return False
    hints = plan.statement.hints
    is_asked = session.role is not None or (
        hints is not None and hints.role is not None
    )
    home = session.core.config.databases[link.node.database]
    is_there = plan.placement.database in (None, home.name) and session.database in (
        None,
        home.name,
    )
    return is_there and not home.is_sharded and not is_asked


def _here(
    session: Session, plan: Plan, needed: Iterator[tuple[SessionObject, int]]
) -> Iterator[tuple[SessionObject, Link]]:
    """Leave out what no node has; where a hint or using() names a database, what is in
    another one is not meant."""
    chosen = plan.placement.database if plan.placement.reason in _CHOSEN else None
    for obj, node in needed:
        link = session.open.get(node)
        if link is not None and chosen in (None, link.node.database):
            yield obj, link


def _relations(pins: Pins, plan: Plan) -> Iterator[SessionObject]:
    """Yield the temporary relations that the statement names, or, when it asks the
    catalog alone, one that the catalog tells of."""
    if pins.names.isdisjoint(plan.names):
        return
    known = {h.obj.name: h.obj for h in pins if h.obj.kind in RELATIONS}
    statement = plan.statement
    made = None
    if statement.parts == 1 and statement.verb in _CREATES and statement.writes:
        made = statement.writes[0]
    named = [t for t in statement.tables if t != made and is_temporary(t, plan)]
    names = [t.name for t in named]
    names += [s.name for s in statement.frees if s.kind in RELATIONS]
    found = [known[name] for name in dict.fromkeys(names) if name in known]
    if not found and plan.asks_catalog:
        shown = [h.obj for h in pins if _is_shown(h.obj, plan)]
        found = shown[-1:]
    yield from found


def _is_shown(obj: SessionObject, plan: Plan) -> bool:
    names = plan.names
    if obj.kind is ObjectKind.PREPARED:
        return "pg_prepared_statements" in names
    if obj.kind is ObjectKind.CURSOR:
        return "pg_cursors" in names
    return obj.kind in RELATIONS


def is_temporary(table: Table, plan: Plan) -> bool:
    """Tell whether the name of `table` may be that of a temporary one."""
    schemas = _TEMPORARY_SCHEMAS.get(plan.dialect)
    return schemas is None or table.schema in schemas


def _check_rest(
    session: Session, plan: Plan, pins: Pins, obj: SessionObject, link: Link
) -> None:
    """Refuse what also names tables that are not where the pin is."""
    rest = _rest(plan.statement, pins, plan)
    placement = find_placement(rest, session.core.rules, session.database)
    home = link.node.database
    if placement.database not in (None, home):
        raise errors.CrossDatabaseError(
            f"{obj} is on {link.node.name} of {home}, and the statement is for "
            f"{placement.database} as well ({placement.why}): run one statement per "
            "database"
        )
    if session.core.config.databases[home].is_sharded:
        _check_shard(session, plan, placement, obj, link)


def _check_shard(
    session: Session, plan: Plan, placement: Placement, obj: SessionObject, link: Link
) -> None:
    hints = plan.statement.hints if session.core.config.hints else None
    shard = session.core.groups[link.node.group].shard
    named = None if hints is None else hints.shard
    is_elsewhere = named is not None and named != shard
    if is_elsewhere or (named is None and (placement.sharded or placement.unruled)):
        raise errors.ShardError(
            f"{obj} is on shard {shard} of {link.node.database}; nothing says that "
            f"the rest of the statement is: add /* routedb: shard={shard} */ if it is"
        )


def _rest(statement: Statement, pins: Pins, plan: Plan) -> Statement:
    """Return the statement without the temporary tables that it names."""
    hidden = {
        t for t in statement.tables if t.name in pins.names and is_temporary(t, plan)
    }
    if not hidden:
        return statement
    return replace(
        statement,
        tables=tuple(t for t in statement.tables if t not in hidden),
        writes=tuple(t for t in statement.writes if t not in hidden),
    )


def note(session: Session, link: Link, text: Text, params: Any, undoes: bool) -> None:
    """Take note of what a statement that has succeeded on `link` makes and ends.

    `undoes`: a rollback of the transaction it ran in can undo some of that.
    """
    pins, statement = session.links.pins, text.plan.statement
    before = pins.version
    for obj in statement.frees:
        _free(session, link, text, params, obj, undoes and obj.kind in UNDONE_FREED)
    for old, new in statement.renames:
        _rename(pins, link, old, new, undoes)
    is_over = statement.is_dropped_on_commit and not undoes
    for obj in () if is_over else _made(statement, pins, link):
        is_undone = undoes and obj.kind in UNDONE_MADE
        is_dropped_on_commit = (
            statement.is_dropped_on_commit and obj.kind is ObjectKind.TABLE
        )
        pins.hold(obj, link.id, _key(text, params), is_undone, is_dropped_on_commit)
    if pins.version != before:
        session.refresh()


def _made(statement: Statement, pins: Pins, link: Link) -> tuple[SessionObject, ...]:
    """A view on a temporary table is temporary, whether it says so or not (PostgreSQL
    manual, CREATE VIEW)."""
    if statement.verb == "CREATE VIEW" and link.adapter.dialect == "postgresql":
        *_, made = statement.writes or (None,)
        sources = {t.name for t in statement.tables if t != made}
        if made is not None and not pins.names.isdisjoint(sources):
            return (SessionObject(ObjectKind.VIEW, made.name),)
    return statement.holds


def _free(
    session: Session,
    link: Link,
    text: Text,
    params: Any,
    obj: SessionObject,
    is_undone: bool,
) -> None:
    """Ending all of a kind ends those on other links, too."""
    pins = session.links.pins
    if obj.name == EVERY and text.plan.statement.parts == 1:
        nodes = {held.node for held in pins.find(obj)} - {link.id}
        for other in [session.open[node] for node in nodes if node in session.open]:
            if other.adapter is link.adapter:
                other.set_mode(AUTOCOMMIT)
                other.synced_version = -1
                other.run(text.source)
                pins.free(obj, other.id)
    pins.free(obj, link.id, _key(text, params), is_undone)


def _rename(pins: Pins, link: Link, old: str, new: str, is_undone: bool) -> None:
    for held in pins.find(SessionObject(ObjectKind.TABLE, old)):
        if held.node == link.id:
            pins.free(held.obj, link.id, is_undone=is_undone)
            pins.hold(SessionObject(held.obj.kind, new), link.id, is_undone=is_undone)


def _key(text: Text, params: Any) -> str:
    """Return what tells this lock, or sequence, from others: the arguments, with the
    parameters in their places. It is never shown."""
    call = _CALL(text.source)
    if call is None:
        return ""
    name, arguments = call[1].lower(), call[2]
    if name in _FIRST_ONLY:
        arguments = arguments.partition(",")[0]
    if params:
        before = len(_PLACEHOLDER.findall(text.source[: call.start(2)]))
        arguments = _filled(arguments, params, before)
    shared = "shared " if name.endswith("_shared") else ""
    return shared + re.sub(r"['\s]|::\w+", "", arguments).lower()


def _filled(text: str, params: Any, at: int) -> str:
    """Put parameters where their placeholders are, from the one numbered `at` on."""
    count = at

    def value(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        try:
            return str(params[match[1]] if match[1] else params[count - 1])
        except (LookupError, TypeError):
            return match[0]

    return _PLACEHOLDER.sub(value, text)
