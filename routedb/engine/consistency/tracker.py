"""What one virtual connection has seen of each group, and who may answer it.

The rule is in session/read_state.py; here are the read states, and the clock. Threads
may share the connection, so a node is chosen in three steps: take a `view`; choose by
it; `switch_node` to it, which fails when the read state is not that of the view any
more. What a thread was shown meanwhile by a node that is the last one no more is noted
afterwards, by `note_read` or `confirm_read`.
"""

from __future__ import annotations

import threading
from math import inf
from typing import NamedTuple

from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.shared.core import Core
from routedb.engine.shared.process_writes import PROCESS_WRITES, tell
from routedb.session.position_queries import PositionQueries
from routedb.session.read_state import (
    MOST_POSITIONS,
    NO_NODE,
    NOTHING_SEEN,
    MinPosition,
    ReadState,
    View,
    allowed_replicas,
    with_position,
)
from routedb.topology import GroupView, Snapshot


class WriterOnly(NamedTuple):
    """As long as this topology is in force, and no longer than until this time, in
    monotonic seconds, the writer answers."""

    topology: Snapshot
    until: float


class ConsistencyTracker:
    """The read states of one session. `read_states` is public: deciding looks into it.

    Groups of one node have none: no other node could answer. Each new read state comes
    with a new `SessionVersion.sticky`, so whoever takes that first, and then a read
    state, writes into what is thrown away if the read state is.
    """

    def __init__(self, core: Core, links: Links) -> None:
        self.core = core
        self.links = links
        self.read_states: dict[int, ReadState] = {}  # by group id
        self.writer_only: dict[int, WriterOnly] = {}  # by group id
        self.writes = 0  # how often this session may have written
        self._queries: dict[int, PositionQueries] = {}
        self._lock = threading.RLock()  # guards what replaces a read state

    # -- what a choice goes by ---------------------------------------------------------

    def read_state(self, group: int) -> ReadState:
        """Return what was seen of a group."""
        return self.read_states.get(group, NOTHING_SEEN)

    def view(self, group: int, consistency: str) -> View:
        """Return what a choice in `group` under this consistency goes by."""
        wrote_at = 0.0
        if consistency == "process":
            wrote_at = self.core.process_wrote_at.get(group, 0.0)
        return self.view_of(self.read_state(group), wrote_at)

    def view_of(self, state: ReadState, process_wrote_at: float) -> View:
        """Return what a choice by this read state goes by. `process_wrote_at`: when the
        process last wrote there, where that counts; in monotonic seconds."""
        seen_at = max(state.since, self.links.used_at(state.last_node))
        return View(state, seen_at, process_wrote_at)

    def is_ahead(self, group: GroupView, consistency: str) -> bool:
        """Tell whether no replica of `group` is known to hold what this session has
        seen, as far as `consistency` asks for it."""
        if consistency == "eventual":
            return False
        replicas = allowed_replicas(group, self.view(group.id, consistency))
        return replicas is not None and not replicas and bool(group.read_ring)

    def queries(self, group: int) -> PositionQueries:
        """Return when the group's last node may be asked again where it is."""
        return self._queries.setdefault(group, PositionQueries())

    # -- choosing another node ---------------------------------------------------------

    def switch_node(self, group: int, node: int, view: View) -> ReadState | None:
        """Make `node`, which was chosen by `view`, the last node of `group`; return the
        read state then.

        None: another thread has written, or was shown something, since.
        """
        before = view.read_state
        is_new = node != before.last_node or bool(before.min_positions)
        if not is_new and view.process_wrote_at == before.process_wrote_at:
            return before if self.read_state(group) is before else None
        since = self.core.clock() if is_new else before.since
        return self._replace(group, ReadState(node, since, view.process_wrote_at), view)

    def replace_node(
        self, group: int, minimum: MinPosition, view: View
    ) -> ReadState | None:
        """Take where the last node of `view` is, `minimum`, instead of that node of
        `group`; return the read state then, None as `switch_node` does."""
        self.writer_only.pop(group, None)  # now others may be known to hold it
        minimums = with_position(view.read_state.min_positions, minimum)
        return self._replace(group, ReadState(min_positions=minimums), view)

    def _replace(self, group: int, state: ReadState, view: View) -> ReadState | None:
        """Go on with `state` in the place of that of the view, unless something else is
        there by now, or the node that is left has shown something after the view."""
        left = view.read_state.last_node
        with self._lock:
            if self.read_state(group) is not view.read_state:
                return None
            self._put(group, state)
            # In this order: another thread notes its contact, and compares the sticky
            # links then.
            if left in (NO_NODE, state.last_node):
                return state
            if self.links.used_at(left) <= view.seen_at:
                return state
            self._require_newer(group)
            return None

    # -- taking note -------------------------------------------------------------------

    def note_read(self, link: Link, view: View | None = None) -> None:
        """Take note that `link` has shown this session what its node holds.

        `view`: by what the node was chosen. Without one nothing is known of a node but
        the writer.
        """
        group = link.node.group
        if self.core.groups[group].is_single:
            return
        with self._lock:
            state = None if view is None else self.switch_node(group, link.id, view)
            if state is None and self.read_state(group).last_node != link.id:
                self._note_node(group, link.id)
            self._check_open(link)

    def confirm_read(self, link: Link) -> None:
        """Take note that `link`, whose node was the last one, has shown what that
        holds, and that the last node may have changed meanwhile."""
        with self._lock:
            if self.read_state(link.node.group).last_node != link.id:
                self._require_newer(link.node.group)
            self._check_open(link)

    def note_write(self, group: int, node: int) -> None:
        """Take note of a write to `group` that `node` has acknowledged, or may have
        done."""
        core = self.core
        self.writes += 1
        told = core.noted_writes.get(group)
        if told is None:
            PROCESS_WRITES.note(core, group)
        elif told:
            tell(told)
        if core.groups[group].is_single:
            return
        with self._lock:
            if node == core.topology.groups[group].writer:  # as in `_note_node`
                self.read_states[group] = ReadState(node, core.clock())
                self.links.version.sticky = {}
            else:
                self._note_node(group, node)
        core.note_write(group)

    def add_min_position(self, group: int, minimum: MinPosition) -> None:
        """Do not fall behind `minimum` either in `group`."""
        with self._lock:
            after = self.read_state(group).with_min_position(minimum)
            if len(after.min_positions) > MOST_POSITIONS:
                self._require_newer(group)
            else:
                self._put(group, after)

    def require_writer(self, group: int, topology: Snapshot) -> None:
        """Let the writer of `group` answer until there is another `topology`, or it is
        time to ask. Where it is so already, nobody could be asked."""
        until, queries = inf, self._queries.get(group)
        if queries is not None:
            due = queries.due(self.core.process_wrote_at.get(group, 0.0))
            until = due if due > self.core.clock() else inf
        self.writer_only[group] = WriterOnly(topology, until)
        self.core.samples.request(group)

    def _note_node(self, group: int, node: int) -> None:
        """Make a node the last one of which is known only that it has answered."""
        before = self.read_state(group)
        if node == self.core.topology.groups[group].writer or before.is_empty:
            self._put(group, ReadState(node, self.core.clock()))
        elif node == before.last_node:
            minimums = before.min_positions
            state = ReadState(node, self.core.clock(), min_positions=minimums)
            self._put(group, state)
        else:
            self._require_newer(group)

    def _check_open(self, link: Link) -> None:
        """What a link shows that was dropped by another thread counts for no node."""
        if self.links.open.get(link.id) is not link:
            self._require_newer(link.node.group)

    def _require_newer(self, group: int) -> None:
        """Two nodes have shown something, and of neither is it known that it holds what
        the other has shown. What the writer has from now on holds both."""
        self._put(group, ReadState(NO_NODE, self.core.clock()))

    def _put(self, group: int, state: ReadState) -> None:
        self.read_states[group] = state
        self.links.version.sticky = {}  # as `links_changed` does

    def forget(self) -> None:
        """Be a session that has seen nothing."""
        self.read_states.clear()
        self.writer_only.clear()
        self.links.version.links_changed()

    def abandon(self) -> None:
        """In a forked child: a thread that is not here may have had the lock."""
        self._lock = threading.RLock()
