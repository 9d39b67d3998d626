"""Statements that need what lives on one node: a temporary table, a lock, a cursor.

Looked at only when the session has had such things, or the statement asks for one. What
a statement makes and ends is noted by `routedb.engine.run.pin_effects`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from routedb import errors
from routedb.config.model import NodeConfig
from routedb.routing.backend_number import (
    all_numbers,
    backend_numbers,
    count_placeholders,
    fill,
)
from routedb.routing.placement import Placement, find_placement
from routedb.routing.plan import ParsedText, Plan
from routedb.routing.route import Reason
from routedb.routing.view import SessionView
from routedb.session.pins import Pins
from routedb.sql import Statement, Table
from routedb.sql.session_objects import RELATIONS, ObjectKind, SessionObject

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


class Pinned(NamedTuple):
    """The node that a statement must run on, over the link there is, and why."""

    node: NodeConfig
    why: str


Needed = Iterator[tuple[SessionObject, int]]  # a thing, and the id of the node it is on


def find_pinned(text: ParsedText, params: Any, view: SessionView) -> Pinned | None:
    """Return the node that has what `text` with the parameters `params` needs, if that
    lives on one in the session `view`.

    Raises OperationalError when it was lost, CrossDatabaseError when the statement is
    for another database as well, ShardError when it may be for another shard.
    """
    plan = text.plan
    found = dict(_here(plan, view, _needed(text, params, view)))
    found = found or dict(_here(plan, view, _beside(plan, view)))
    if not found:
        return None
    if len({node.id for node in found.values()}) > 1:
        named = ", ".join(f"{obj} is on {node.name}" for obj, node in found.items())
        raise errors.CrossDatabaseError(
            f"one statement cannot use what lives on several nodes: {named}"
        )
    obj, node = next(iter(found.items()))
    _check_rest(plan, view, obj, node)
    return Pinned(node, f"{obj} is on {node.name}")


def _needed(text: ParsedText, params: Any, view: SessionView) -> Needed:
    """Yield what the statement needs, with the node that it is on."""
    pins, statement = view.pins, text.plan.statement
    for obj in _relations(pins, text.plan):
        yield obj, pins.node_of(obj)
    for obj in statement.needs:
        if obj.kind is ObjectKind.RESULT:
            yield obj, -1 if view.transaction.branches else view.result_node
            continue
        if obj.kind is ObjectKind.BACKEND:
            yield obj, _told_node(text, params, view)
            continue
        node = pins.node_of(obj, object_key(text, params))
        if node < 0 and pins.is_gone(obj):
            raise errors.OperationalError(
                f"the {obj.kind} that {statement.verb} asks for was lost with the "
                "link it lived on; nothing was sent"
            )
        is_soft = obj.kind is ObjectKind.VALUE and text.plan.dialect == "postgresql"
        if not (is_soft and text.plan.placement.database is not None):
            yield obj, node
    for held in pins.listens[-1:]:
        if _may_answer(text.plan, view, held.node):
            yield held.obj, held.node
    for held in pins.settings[-1:]:
        if _may_answer(text.plan, view, held.node, is_asked=True):
            yield held.obj, held.node


def _told_node(text: ParsedText, params: Any, view: SessionView) -> int:
    """Return the id of the node that has the backend whose number `text` names; -1 when
    nobody was told of it, or a question is for a role that was asked for.

    What ends a backend is not sent to another server, which may have one of that
    number: where no number is found by its place, any may be it. Raises
    CrossDatabaseError when it names backends of several nodes.
    """
    backends, plan = view.core.backends, text.plan
    if not backends or (plan.is_read and _asks_role(plan, view)):
        return -1
    numbers = backend_numbers(text.source, params)
    named = {number: backends.node_of(plan.dialect, number) for number in numbers}
    if not named and not plan.is_read:
        numbers = all_numbers(text.source, params)
        return _only({backends.node_of(plan.dialect, n) for n in numbers} - {-1}, view)
    nodes = set(named.values()) - {-1}
    if nodes and -1 in named.values() and not plan.is_read:
        group = view.core.nodes[next(iter(nodes))].group
        writer = view.core.topology.groups[group].writer
        nodes.add(-1 if writer is None else writer)  # nobody was told of it
    return _only(nodes, view)


def _only(nodes: set[int], view: SessionView) -> int:
    """Return the one of `nodes`, -1 for none; refuse several, -1 is an unknown one."""
    if len(nodes) > 1:
        names = [view.core.nodes[node].name for node in sorted(nodes) if node >= 0]
        raise errors.CrossDatabaseError(
            "one statement cannot be about backends of several nodes, and these are "
            f"on {', '.join(names)}: name those of each node in a statement of its own"
        )
    return next(iter(nodes), -1)


def _asks_role(plan: Plan, view: SessionView) -> bool:
    hints = plan.statement.hints
    return view.role is not None or (hints is not None and hints.role is not None)


def _beside(plan: Plan, view: SessionView) -> Needed:
    """Yield a temporary relation for a query without tables, which may ask for it by
    its name: `SELECT to_regclass('picked')`."""
    if plan.statement.tables:
        return
    relations = [held for held in view.pins if held.obj.kind in RELATIONS]
    for held in relations[-1:]:
        if _may_answer(plan, view, held.node):
            yield held.obj, held.node


def _may_answer(
    plan: Plan, view: SessionView, node: int, is_asked: bool = False
) -> bool:
    """Tell whether a plain read may as well run on `node` as anywhere: what was
    notified there comes with its answer, and what lives there is seen. `is_asked`:
    also where another role is asked for."""
    link = view.open.get(node)
    if link is None or not plan.is_read or view.transaction.branches:
        return False
    home = view.core.config.databases[link.node.database]
    here = (None, home.name)
    is_there = plan.placement.database in here and view.database in here
    is_free = is_asked or not _asks_role(plan, view)
    return is_there and not home.is_sharded and is_free


def _here(
    plan: Plan, view: SessionView, needed: Needed
) -> Iterator[tuple[SessionObject, NodeConfig]]:
    """Leave out what no node has; where a hint or using() names a database, what is in
    another one is not meant."""
    chosen = plan.placement.database if plan.placement.reason in _CHOSEN else None
    for obj, node in needed:
        link = view.open.get(node)
        there = None if link is None else link.node
        if obj.kind is ObjectKind.BACKEND and node >= 0:
            there = view.core.nodes[node]  # any link to its node will do
        if there is not None and chosen in (None, there.database):
            yield obj, there


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
    """Tell whether the name of `table`, in a statement of this `plan`, may be that of a
    temporary one."""
    schemas = _TEMPORARY_SCHEMAS.get(plan.dialect)
    return schemas is None or table.schema in schemas


def _check_rest(
    plan: Plan, view: SessionView, obj: SessionObject, node: NodeConfig
) -> None:
    """Refuse what also names tables that are not where the pin is."""
    rest = _rest(plan.statement, view.pins, plan)
    placement = find_placement(rest, view.core.rules, view.database)
    home = node.database
    if placement.database not in (None, home):
        raise errors.CrossDatabaseError(
            f"{obj} is on {node.name} of {home}, and the statement is for "
            f"{placement.database} as well ({placement.why}): run one statement per "
            "database"
        )
    if view.core.config.databases[home].is_sharded:
        _check_shard(plan, view, placement, obj, node)


def _check_shard(
    plan: Plan,
    view: SessionView,
    placement: Placement,
    obj: SessionObject,
    node: NodeConfig,
) -> None:
    hints = plan.statement.hints if view.core.config.hints else None
    shard = view.core.groups[node.group].shard
    named = None if hints is None else hints.shard
    is_elsewhere = named is not None and named != shard
    if is_elsewhere or (named is None and (placement.sharded or placement.unruled)):
        raise errors.ShardError(
            f"{obj} is on shard {shard} of {node.database}; nothing says that "
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


def object_key(text: ParsedText, params: Any) -> str:
    """Return what tells this lock, or sequence, from others: the arguments that stand
    in `text`, with `params` in their places. It is never shown."""
    call = _CALL(text.source)
    if call is None:
        return ""
    name, arguments = call[1].lower(), call[2]
    if name in _FIRST_ONLY:
        arguments = arguments.partition(",")[0]
    if params:
        before = count_placeholders(text.source[: call.start(2)])
        arguments = fill(arguments, params, before)
    shared = "shared " if name.endswith("_shared") else ""
    return shared + re.sub(r"['\s]|::\w+", "", arguments).lower()
