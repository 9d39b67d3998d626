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
from routedb.routing import Placement, Reason, place
from routedb.session.pins import UNDONE_FREED, UNDONE_MADE, Pins
from routedb.sql import Statement, Table
from routedb.sql.stake import EVERY, RELATIONS, Lives, Stake

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
    stake, link = next(iter(found.items()))
    _check_rest(session, plan, pins, stake, link)
    return Pinned(link, f"{stake} is on {link.node.name}")


def _needed(session: Session, text: Text, params: Any) -> Iterator[tuple[Stake, int]]:
    """Yield what the statement needs, with the node that it is on."""
    pins, statement = session.links.pins, text.plan.statement
    for stake in _relations(pins, text.plan):
        yield stake, pins.where(stake)
    for stake in statement.needs:
        if stake.kind is Lives.RESULT:
            latest = None if session.transaction.is_bound else session.last_link()
            yield stake, -1 if latest is None else latest.id
            continue
        node = pins.where(stake, _key(text, params))
        if node < 0 and pins.is_gone(stake):
            raise errors.OperationalError(
                f"the {stake.kind} that {statement.verb} asks for was lost with the "
                "link it lived on; nothing was sent"
            )
        is_soft = stake.kind is Lives.VALUE and text.plan.dialect == "postgresql"
        if not (is_soft and text.plan.placement.database is not None):
            yield stake, node
    for held in pins.listens[-1:]:
        if _may_answer(session, text.plan, held.node):
            yield held.stake, held.node


def _beside(session: Session, plan: Plan) -> Iterator[tuple[Stake, int]]:
    """Yield a temporary relation for a query without tables, which may ask for it by
    its name: `SELECT to_regclass('picked')`."""
    if plan.statement.tables:
        return
    for held in [held for held in session.links.pins if held.stake.kind in RELATIONS][
        -1:
    ]:
        if _may_answer(session, plan, held.node):
            yield held.stake, held.node


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
    session: Session, plan: Plan, needed: Iterator[tuple[Stake, int]]
) -> Iterator[tuple[Stake, Link]]:
    """Leave out what no node has; where a hint or using() names a database, what is in
    another one is not meant."""
    chosen = plan.placement.database if plan.placement.reason in _CHOSEN else None
    for stake, node in needed:
        link = session.open.get(node)
        if link is not None and chosen in (None, link.node.database):
            yield stake, link


def _relations(pins: Pins, plan: Plan) -> Iterator[Stake]:
    """Yield the temporary relations that the statement names, or, when it asks the
    catalog alone, one that the catalog tells of."""
    if pins.names.isdisjoint(plan.names):
        return
    known = {h.stake.name: h.stake for h in pins if h.stake.kind in RELATIONS}
    statement = plan.statement
    made = None
    if statement.parts == 1 and statement.verb in _CREATES and statement.writes:
        made = statement.writes[0]
    named = [t for t in statement.tables if t != made and is_temporary(t, plan)]
    names = [t.name for t in named]
    names += [s.name for s in statement.frees if s.kind in RELATIONS]
    found = [known[name] for name in dict.fromkeys(names) if name in known]
    if not found and plan.asks_catalog:
        shown = [h.stake for h in pins if _is_shown(h.stake, plan)]
        found = shown[-1:]
    yield from found


def _is_shown(stake: Stake, plan: Plan) -> bool:
    names = plan.names
    if stake.kind is Lives.PREPARED:
        return "pg_prepared_statements" in names
    if stake.kind is Lives.CURSOR:
        return "pg_cursors" in names
    return stake.kind in RELATIONS


def is_temporary(table: Table, plan: Plan) -> bool:
    """Tell whether the name of `table` may be that of a temporary one."""
    schemas = _TEMPORARY_SCHEMAS.get(plan.dialect)
    return schemas is None or table.schema in schemas


def _check_rest(
    session: Session, plan: Plan, pins: Pins, stake: Stake, link: Link
) -> None:
    """Refuse what also names tables that are not where the pin is."""
    rest = _rest(plan.statement, pins, plan)
    placement = place(rest, session.core.rules, session.database)
    home = link.node.database
    if placement.database not in (None, home):
        raise errors.CrossDatabaseError(
            f"{stake} is on {link.node.name} of {home}, and the statement is for "
            f"{placement.database} as well ({placement.why}): run one statement per "
            "database"
        )
    if session.core.config.databases[home].is_sharded:
        _check_shard(session, plan, placement, stake, link)


def _check_shard(
    session: Session, plan: Plan, placement: Placement, stake: Stake, link: Link
) -> None:
    hints = plan.statement.hints if session.core.config.hints else None
    shard = session.core.groups[link.node.group].shard
    named = None if hints is None else hints.shard
    is_elsewhere = named is not None and named != shard
    if is_elsewhere or (named is None and (placement.sharded or placement.unruled)):
        raise errors.ShardError(
            f"{stake} is on shard {shard} of {link.node.database}; nothing says that "
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
    for stake in statement.frees:
        _free(session, link, text, params, stake, undoes and stake.kind in UNDONE_FREED)
    for old, new in statement.renames:
        _rename(pins, link, old, new, undoes)
    is_over = statement.is_brief and not undoes
    for stake in () if is_over else _made(statement, pins, link):
        is_undone = undoes and stake.kind in UNDONE_MADE
        is_brief = statement.is_brief and stake.kind is Lives.TABLE
        pins.hold(stake, link.id, _key(text, params), is_undone, is_brief)
    if pins.version != before:
        session.refresh()


def _made(statement: Statement, pins: Pins, link: Link) -> tuple[Stake, ...]:
    """A view on a temporary table is temporary, whether it says so or not (PostgreSQL
    manual, CREATE VIEW)."""
    if statement.verb == "CREATE VIEW" and link.adapter.dialect == "postgresql":
        *_, made = statement.writes or (None,)
        sources = {t.name for t in statement.tables if t != made}
        if made is not None and not pins.names.isdisjoint(sources):
            return (Stake(Lives.VIEW, made.name),)
    return statement.holds


def _free(
    session: Session, link: Link, text: Text, params: Any, stake: Stake, is_undone: bool
) -> None:
    """Ending all of a kind ends those on other links, too."""
    pins = session.links.pins
    if stake.name == EVERY and text.plan.statement.parts == 1:
        nodes = {held.node for held in pins.find(stake)} - {link.id}
        for other in [session.open[node] for node in nodes if node in session.open]:
            if other.adapter is link.adapter:
                other.set_mode(AUTOCOMMIT)
                other.synced_version = -1
                other.run(text.source)
                pins.free(stake, other.id)
    pins.free(stake, link.id, _key(text, params), is_undone)


def _rename(pins: Pins, link: Link, old: str, new: str, is_undone: bool) -> None:
    for held in pins.find(Stake(Lives.TABLE, old)):
        if held.node == link.id:
            pins.free(held.stake, link.id, is_undone=is_undone)
            pins.hold(Stake(held.stake.kind, new), link.id, is_undone=is_undone)


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
