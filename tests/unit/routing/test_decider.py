"""Decisions, from a text and what is seen of a session: no session, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from routedb import errors
from routedb.config import load
from routedb.engine.plans.plan_cache import PlanCache
from routedb.routing import Reason, Rules
from routedb.routing.decider import Decision, decide
from routedb.routing.questions import ALL_ASKED, NOTHING_ASKED, AskCatalog, AskPosition
from routedb.session import ReadState, TxState
from routedb.session.pins import Pins
from routedb.session.read_state import MinPosition
from routedb.sql.session_objects import ObjectKind, SessionObject
from routedb.sql.statement import TxMode
from routedb.topology import GroupView, NodeView, Role, Snapshot
from routedb.topology.positions import WalPosition
from routedb.topology.snapshot import Sample

W, R = Role.WRITER, Role.REPLICA
NODES = [{"dsn": f"fake://n{n}", "name": f"n{n}"} for n in range(3)]
CONFIG: dict[str, Any] = {
    "default": "main",
    "databases": {
        "main": {"nodes": NODES},
        "crm": {"nodes": ["fake://crm"]},
        "orders": {"shards": [["fake://o0"], ["fake://o1"]]},
    },
    "tables": {
        "crm_*": "crm",
        "orders": {"database": "orders", "shard_key": "id", "function": "modulo"},
    },
}
READ, WRITE = "SELECT a FROM t", "UPDATE t SET a = 1"
ASKS = "SELECT f(a) FROM t"


def at(number: int) -> WalPosition:
    return WalPosition(1, number)


def main_group(ring=(1, 2), sample=None, positions=(None, None, None)) -> GroupView:
    nodes = tuple(NodeView(n, position=p) for n, p in enumerate(positions))
    return GroupView(0, nodes, writer=0, read_ring=ring, sample=sample)


@dataclass
class View:
    """What deciding looks at, as plain values."""

    core: Any
    role: Role | None = None
    consistency: str | None = None
    database: str | None = None
    state: TxState = TxState.AUTOCOMMIT
    mode: TxMode = field(default_factory=lambda: TxMode(autocommit=True))
    home: int = -1
    branches: dict[int, Any] = field(default_factory=dict)
    roles: dict[int, Role] = field(default_factory=dict)
    pins: Pins = field(default_factory=Pins)
    open: dict[int, Any] = field(default_factory=dict)
    read_states: dict[int, ReadState] = field(default_factory=dict)
    last_answered_at: dict[int, float] = field(default_factory=dict)
    result_node: int = -1
    is_serializable: bool = False
    has_default_isolation: bool = True

    @property
    def transaction(self) -> Any:
        return SimpleNamespace(
            state=self.state,
            mode=self.mode,
            home=self.home,
            branches=self.branches,
            roles=self.roles,
            wrote=set(),
        )

    @property
    def in_transaction(self) -> bool:
        return self.state is not TxState.AUTOCOMMIT

    @property
    def is_read_only(self) -> bool:
        return self.mode.read_only

    @property
    def is_unconstrained(self) -> bool:
        chosen = (self.role, self.consistency)
        is_free = not (self.in_transaction or self.pins.names or self.is_serializable)
        return chosen == (None, None) and is_free

    def rotation(self) -> int:
        return 1


def look(group=None, options=None, wrote=None, **session) -> View:
    """Return a view of a session; `options` are those of the database main."""
    main = {**CONFIG["databases"]["main"], **(options or {})}
    databases = {**CONFIG["databases"], "main": main}
    source = {**CONFIG, "databases": databases}
    config = load(source, {}, environ={}, read_file=str)
    others = [
        GroupView(g.id, (NodeView(g.nodes[0].id),), g.nodes[0].id, is_single=True)
        for g in config.groups[1:]
    ]
    core = SimpleNamespace(
        config=config,
        groups=config.groups,
        topology=Snapshot((group or main_group(), *others)),
        rules=Rules(config),
        process_wrote_at=wrote or {},
    )
    return View(core, **session)


def decided(sql, view, params=None, asked=NOTHING_ASKED, keeps_to_branches=True):
    cache = PlanCache(view.core.config, view.core.rules, view.database)
    return decide(cache.learn(sql), params, view, asked, keeps_to_branches)


def link(node):
    return SimpleNamespace(node=node, used_at=0.0)


TX = {"state": TxState.OPEN, "mode": TxMode(autocommit=False)}
READ_ONLY = {"state": TxState.OPEN, "mode": TxMode(autocommit=False, read_only=True)}
WROTE = {"read_states": {0: ReadState(0, since=5.0)}}
HELD = main_group(sample=Sample(at(9), 6.0), positions=(at(9), at(9), at(3)))


@pytest.mark.parametrize(
    ("sql", "view", "groups", "role", "reason", "replicas"),
    [
        (READ, {}, (0,), R, Reason.PLAIN_READ, None),
        (WRITE, {}, (0,), W, Reason.NOT_A_READ, None),
        ("SELECT a FROM crm_t", {}, (1,), W, Reason.SINGLE_NODE, None),
        ("SELECT 1", {"database": "crm"}, (1,), W, Reason.SINGLE_NODE, None),
        (READ, {"options": {"reads": "writer"}}, (0,), W, Reason.READS_WRITER, None),
        (READ, {"options": {"consistency": "strong"}}, (0,), W, Reason.STRONG, None),
        (READ, {"group": main_group(ring=())}, (0,), W, Reason.NO_REPLICA, None),
        (READ, {"role": W}, (0,), W, Reason.USING_ROLE, None),
        (READ, {"role": R, **TX}, (0,), R, Reason.USING_ROLE, None),
        (READ, TX, (0,), W, Reason.WRITER_TRANSACTION, None),
        (READ, READ_ONLY, (0,), R, Reason.DECLARED_READ_ONLY, None),
        (READ, {"is_serializable": True}, (0,), W, Reason.SERIALIZABLE, None),
        # What was written is held by those that cover a later sample of the writer.
        (READ, WROTE, (0,), W, Reason.OWN_WRITES, ()),
        (READ, {"group": HELD, **WROTE}, (0,), R, Reason.PLAIN_READ, (1,)),
        (READ, {"consistency": "eventual", **WROTE}, (0,), R, Reason.PLAIN_READ, None),
        # A later sample than the process's last write, where that counts.
        (
            READ,
            {"options": {"consistency": "process"}, "wrote": {0: 5.0}, "group": HELD},
            (0,),
            R,
            Reason.PLAIN_READ,
            (1,),
        ),
        (
            READ,
            {"options": {"consistency": "process"}, "wrote": {0: 7.0}},
            (0,),
            W,
            Reason.OWN_WRITES,
            (),
        ),
        ("SELECT a FROM orders WHERE id = 3", {}, (3,), W, Reason.SINGLE_NODE, None),
        ("SELECT 1", {"database": "orders"}, (3,), W, Reason.SINGLE_NODE, None),
        ("SELECT 1", {"home": 1, **TX}, (1,), W, Reason.SINGLE_NODE, None),
    ],
)
def test_a_decision_is_made_by_what_is_seen(sql, view, groups, role, reason, replicas):
    found = decided(sql, look(**view), asked=ALL_ASKED)
    assert type(found) is Decision
    assert (found.groups, found.role, found.reason) == (groups, role, reason)
    assert found.replicas == replicas


def test_a_link_of_the_transaction_decides_the_role():
    view = look(home=0, branches={0: link(None)}, roles={0: R}, **TX)
    found = decided(READ, view)
    assert (found.role, found.reason) == (R, Reason.IN_TRANSACTION)
    with pytest.raises(errors.ReadOnlyError):
        decided(WRITE, view)
    free = decided(READ, view, keeps_to_branches=False)
    assert (free.role, free.reason) == (W, Reason.WRITER_TRANSACTION)


@pytest.mark.parametrize(
    ("level", "engine", "is_early"),
    [
        (None, "postgresql", True),
        ("READ COMMITTED", "mysql", True),
        ("REPEATABLE READ", "postgresql", False),
    ],
)
def test_reads_before_the_first_write_may_leave_read_committed(level, engine, is_early):
    mode = TxMode(autocommit=False, isolation=level)
    options = {"transaction_reads": "replica"}
    view = look(options=options, state=TxState.OPEN, mode=mode)
    found = decided(READ, view)
    assert found.is_early is is_early
    assert found.role is (R if is_early else W)


def test_the_catalog_is_asked_where_its_answer_counts():
    found = decided(ASKS, look())
    assert isinstance(found, AskCatalog)
    assert (found.database, found.group) == ("main", 0)
    assert [str(function) for function in found.functions] == ["f"]
    again = decided(ASKS, look(), asked=ALL_ASKED)
    assert (again.role, again.is_read) == (W, False)  # not said to be a read
    for view in (look(**TX), look(database="crm")):
        assert type(decided(ASKS, view)) is Decision


def test_a_position_is_asked_only_where_a_replica_has_come_as_far_as_a_sample():
    covered = main_group(sample=Sample(at(9), 1.0), positions=(at(9), at(9), at(3)))
    assert decided(READ, look(group=covered, **WROTE)) == AskPosition(0, 1)
    behind = main_group(sample=Sample(at(9), 1.0), positions=(at(9), at(4), at(3)))
    for group in (behind, main_group()):
        found = decided(READ, look(group=group, **WROTE))
        assert (found.role, found.reason) == (W, Reason.OWN_WRITES)


def test_a_position_that_a_token_tells_is_kept_to():
    state = ReadState(min_positions=(MinPosition(at(8), 7.0),))
    found = decided(READ, look(group=HELD, read_states={0: state}))
    assert found.replicas == (1,)


def test_what_lives_on_one_node_is_decided_by_nothing_else():
    view = look(role=W)
    node = view.core.config.nodes[1]
    view.open = {1: link(node)}
    view.pins.hold(SessionObject(ObjectKind.TABLE, "t"), 1)
    found = decided(READ, view)
    assert (found.node, found.role, found.reason) == (1, R, Reason.PINNED)


def test_deciding_changes_nothing_that_it_looks_at():
    view = look(group=HELD, **WROTE)
    before = (dict(view.read_states), view.core.topology, view.pins.version)
    first, second = decided(READ, view), decided(READ, view)
    assert first == second
    assert before == (dict(view.read_states), view.core.topology, view.pins.version)
