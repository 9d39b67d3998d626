"""What all connections of one runtime share: the topology, adapters, rules, pools."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from math import inf
from typing import Any, Protocol

from routedb.adapters.base import Adapter, Raw
from routedb.config.mask import mask
from routedb.config.model import (
    ClusterConfig,
    DatabaseConfig,
    NodeConfig,
    TableRule,
)
from routedb.config.placements import Placements
from routedb.engine.plans.plan_cache import PlanCache
from routedb.engine.plans.ruleset import Ruleset
from routedb.engine.pool.pool import Opener, PoolContext
from routedb.engine.pool.pools import Pools
from routedb.engine.pool.upkeep import Upkeep
from routedb.engine.shared.catalog_answers import CatalogAnswers
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.link_registry import LinkRegistry, OpenLink
from routedb.engine.shared.numbers import Numbers
from routedb.engine.shared.process_writes import PROCESS_WRITES, Told, server_ids
from routedb.engine.shared.sample_requests import SampleRequests
from routedb.engine.shared.topology_store import TopologyStore
from routedb.engine.shared.vacancies import VACANCIES
from routedb.errors import Fault
from routedb.events import LinkLost, NodeFailed
from routedb.observers import OBSERVERS, Observers, explain
from routedb.routing import Rules, database_for
from routedb.session.backends import Backends
from routedb.sql import UNSETTLED, LexicalMode
from routedb.topology import GroupView, Snapshot, remember

# What a statement meets that its node is to blame for, and not the statement.
_NODE_FAULTS = frozenset({Fault.LINK_LOST, Fault.NODE_STARTING})
_JITTER = 0.1  # of max_age, so that links do not all grow old at the same time


def _hold_nothing(nodes: frozenset[int], on: bool) -> None:
    """There is no monitor."""


class StatementMerger(Protocol):
    """Who answers what no one group can."""

    def run(
        self, session: Any, cursor: Any, text: Any, params: Any, refusal: Any
    ) -> None:
        """Run the read `text` with `params`, which was refused with `refusal` in
        `session`, and let `cursor` show the result. Raises the refusal."""

    def may_change(self, session: Any, text: Any) -> bool:
        """Tell whether `run` would change a table of another dialect by `text`, in
        `session`."""

    def explain(self, session: Any, text: Any, params: Any, refusal: Any) -> Any:
        """Return the Explanation of `text` with `params`, which was refused with
        `refusal` in `session`. Raises the refusal."""

    def copy(
        self, session: Any, cursor: Any, text: Any, refusal: Any, copy: Any, file: Any
    ) -> None:
        """Copy to `file` by `copy`, for the COPY `text`, which was refused with
        `refusal` in `session`; let `cursor` show what comes of it. Raises the
        refusal."""

    def columns(self, session: Any, database: Any, table: Any) -> Any:
        """Return the TableColumns of `table` in `database`, asked in `session`; None
        where they are not told."""


class _NoMerger:
    """There is nobody to merge: the refusal is raised."""

    @lets_go
    def run(
        self, session: Any, cursor: Any, text: Any, params: Any, refusal: Exception
    ) -> None:
        """Raise `refusal`, whatever `text` with `params` is to do in `session` on
        `cursor`."""
        raise refusal

    def may_change(self, session: Any, text: Any) -> bool:
        """Change nothing by `text` in `session`."""
        return False

    @lets_go
    def explain(self, session: Any, text: Any, params: Any, refusal: Exception) -> Any:
        """Raise `refusal`, whatever `text` with `params` would do in `session`."""
        raise refusal

    @lets_go
    def copy(
        self,
        session: Any,
        cursor: Any,
        text: Any,
        refusal: Exception,
        copy: Any,
        file: Any,
    ) -> None:
        """Raise `refusal`, whatever `text` is to `copy` to `file` in `session` on
        `cursor`."""
        raise refusal

    def columns(self, session: Any, database: Any, table: Any) -> Any:
        """Tell nothing of `table` in `database`, whatever `session` asks."""
        return


class _Adapters(dict[str, Adapter]):
    """Adapters by engine; a driver is imported when it is asked for."""

    def __init__(self, adapter_for: Callable[[str], Adapter]) -> None:
        super().__init__()
        self._adapter_for = adapter_for

    def __missing__(self, engine: str) -> Adapter:
        adapter = self[engine] = self._adapter_for(engine)
        return adapter


class Core(TopologyStore):
    """The shared heart of a runtime; the monitor feeds it, sessions read it.

    It has at most 30 attributes: CPython reads those of an object with more the slow
    way (SHARED_KEYS_MAX_SIZE), and the hot path reads five. A test counts them.

    `adapter_for` returns the adapter of an engine; `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        config: ClusterConfig,
        adapter_for: Callable[[str], Adapter],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(config, clock)
        self.observers: Observers | None = None  # of statements
        OBSERVERS.join(self)
        self.open_links = LinkRegistry()
        self.backends = Backends()
        self.ruleset = Ruleset(config)
        # By group id: when this process last wrote there.
        self.process_wrote_at: dict[int, float] = {}
        self.noted_writes: dict[int, Told] = {}  # see process_writes
        self.catalog = CatalogAnswers(clock)
        # The monitor's, once there is one: see to it that it runs.
        self.start_monitor: Callable[[], None] = lambda: None
        # The runtime's: whose are reads that no one group can answer.
        self.merger: StatementMerger = _NoMerger()
        self.samples = SampleRequests(clock, self._sampled_at)
        # The monitor's, too: keep away from these nodes, or (False) probe them again.
        self.hold_probes: Callable[[frozenset[int], bool], None] = _hold_nothing
        self.numbers = Numbers()
        self._adapters = _Adapters(adapter_for)
        # Guards the times of writes, or an older one might come last, and what replaces
        # the ruleset.
        self._lock = threading.Lock()
        context = PoolContext(
            clock,
            self.generation,
            self.expiry,
            self.open_raw,
            is_from_program,
            self._start_upkeep,
        )
        self.pools = Pools(config, adapter_for, context, lambda: self.topology)
        # The runtime's: age the links of its connections; tell whether there are any.
        self.expire_old_links: Callable[[], bool] = lambda: False
        self.upkeep = Upkeep(self._tend, self.pools.round_s)
        PROCESS_WRITES.join(self)
        VACANCIES.join(self)

    @property
    def rules(self) -> Rules:
        """The table rules in force."""
        return self.ruleset.rules

    def replace_rules(self, tables: Iterable[TableRule]) -> None:
        """Let tables live where these rules say, from the next statement of every
        connection on. What is under way goes on by the old ones."""
        with self._lock:
            before = self.ruleset
            self.ruleset = before.with_tables(tables)
            before.supersede()

    def place(self, placements: Placements) -> bool:
        """Let tables live where `placements` say, as `replace_rules` does, unless what
        is in force is as new; tell whether it is in force now."""
        with self._lock:
            before = self.ruleset
            if placements.version <= before.placements.version:
                return False
            if placements.rows == before.placements.rows:
                before.placements = placements  # the plans are right as they are
            else:
                self.ruleset = before.with_placements(placements)
                before.supersede()
            return True

    def adapter(self, node: NodeConfig) -> Adapter:
        """Return the adapter that opens `node`; its driver is imported then."""
        return self._adapters[node.engine]

    def open_raw(self, node: NodeConfig, connect: Opener) -> Raw:
        """Open a raw connection to `node` by `connect`, on a line that is kept alive.
        Raises what the driver raises."""
        database = self.config.databases[node.database]
        adapter, raw = self._adapters[node.engine], None
        try:
            raw = connect(node, database.connect_timeout_s)
            if database.keepalive_s is not None:
                adapter.keep_alive(raw, node, database.keepalive_s)
            return raw
        except BaseException:
            if raw is not None:
                adapter.close(raw)
            raise

    def expiry(self, database: DatabaseConfig) -> float:
        """Return when a link that is opened now will be too old."""
        if database.max_age_s is None:
            return inf
        return self.clock() + database.max_age_s * random.uniform(1 - _JITTER, 1)

    def next_rotation(self) -> int:
        """Return where in the ring a new connection begins: each at another place, or
        connections of one statement would all meet at one replica."""
        return next(self.numbers.starts)

    def plan_cache(self, using: str | None, mode: LexicalMode = UNSETTLED) -> PlanCache:
        """Return the cache of known texts for `conn.using(using)`, None for plain, of
        sessions that read quotes in this `mode`."""
        return self.ruleset.plan_cache(using, mode)

    @property
    def plan_caches(self) -> list[PlanCache]:
        """All caches of known texts by the rules in force."""
        return list(self.ruleset.plan_caches.values())

    def default_group(self, database: str | None) -> int:
        """Return the id of the group for statements that name no table."""
        return database_for(self.config, database).groups[0].id

    def note_write(self, group: int) -> None:
        """Take note that this process has just written to a group."""
        with self._lock:
            self.process_wrote_at[group] = self.clock()
        self.samples.note_write(group)

    def _sampled_at(self, group: int) -> float:
        sample = self.topology.groups[group].sample
        return -inf if sample is None else sample.asked_at

    def take_write(self, group: int) -> None:
        """Take note that another runtime of this process has written to a group."""
        with self._lock:
            self.process_wrote_at[group] = self.clock()

    def is_unused(self, group: int, since: float) -> bool:
        """Tell whether no statement is under way on a group, and none has been answered
        there `since` then."""
        nodes = {node.id for node in self.topology.groups[group].nodes}
        if any(self.loads[node] for node in nodes):
            return False
        return self.open_links.used_at(nodes) < since

    def report_fault(self, link: OpenLink, exc: Exception, fault: Fault) -> None:
        """Take a statement that failed with `exc`, a `fault` of that kind, as evidence
        of its node, and see to more of it.

        The link's generation goes with it: what an old link meets says nothing of a
        node that has come back since. A lost link alone takes nobody away for good
        (see topology/node_states.py), for it may be one session that somebody ended.
        """
        if fault in _NODE_FAULTS:
            reason = mask(str(exc)).strip()
            if fault is Fault.LINK_LOST:
                label = self.label(self.nodes[link.id])
                OBSERVERS.emit(LinkLost(label, explain(exc)))
            self.publish(NodeFailed(link.id, link.generation, reason, fault))
            self.wake_monitor()

    def vacate(self, database: str) -> frozenset[int]:
        """Close idle links and probes to the nodes of `database`, by the server's name
        of it, of all with "", and open none; return their ids. A DSN that names no
        database may mean any."""
        nodes = frozenset(
            node.id
            for node in self.nodes
            if self.config.databases[node.database].dialect == "postgresql"
            and (not database or self.label(node).namespace in (database, None))
        )
        if nodes:
            self.hold_probes(nodes, True)
            try:
                self.pools.vacate(nodes)
            except BaseException:  # a signal handler's: nobody would return to them
                self.return_to(nodes)
                raise
        return nodes

    def return_to(self, nodes: frozenset[int]) -> None:
        """Open idle links and probes to `nodes`, ids, again where that is due."""
        if nodes:
            self.pools.return_to(nodes)
            self.hold_probes(nodes, False)

    def give_up(self, node: int, since: float) -> None:
        """Take note that a node has answered nothing `since` then: end the links it had
        at that time. A file has no line that could hang: a lock may be held on it."""
        if self.adapter(self.nodes[node]).is_remote:
            self.open_links.give_up(node, since, self.clock() - since)

    def after_fork(self) -> None:
        """In a forked child: no lock may still be held by a thread that is not here."""
        self._make_conditions()
        self._lock = threading.Lock()
        self.open_links = LinkRegistry()
        for cache in self.plan_caches:
            cache.forget_counts()
        self.loads[:] = [0] * len(self.nodes)
        self.pools.abandon()
        self.upkeep.abandon()

    def close(self) -> None:
        """Close the links that nobody uses, and later those that are given back."""
        PROCESS_WRITES.leave(self)
        VACANCIES.leave(self)
        self.pools.close()
        self.upkeep.stop()

    def _node_joined(self, node: NodeConfig) -> None:
        self.pools.join(node)

    def _server_changed(self, node: int, server: str | None) -> None:
        self.open_links.unsync_others(node, server)

    def _topology_replaced(self, before: GroupView, after: GroupView) -> None:
        if server_ids(before) != server_ids(after):
            PROCESS_WRITES.join(self)
        if before.history_node != after.history_node:
            PROCESS_WRITES.note_promotion()

    def _recall(self, after: Snapshot, group: int) -> Snapshot:
        """Have the writer go on from what other runtimes of this process have seen of
        its servers: an old one that comes back is known to all when one knows it."""
        writer = after.groups[group].writer
        if writer is None:
            return after
        is_same = writer == self.topology.groups[group].writer
        if not PROCESS_WRITES.has_new_promotions(self, group) and is_same:
            return after
        answer = after.groups[group].find(writer).answer
        histories = PROCESS_WRITES.histories(self, group, answer)
        return remember(after, group, histories, self._limits) if histories else after

    def _start_upkeep(self) -> None:
        self.upkeep.attend()

    def _tend(self) -> bool:
        has_links = self.pools.tend()
        return self.expire_old_links() or has_links
