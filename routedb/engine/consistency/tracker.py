"""What one virtual connection has seen of each group, and who may answer it.

The rule is in session/read_state.py; here are the marks, and the clock. Threads may
share the connection, so a node is chosen in three steps: take a look; choose by it;
`move` there, which fails when the mark is not that of the look any more. What a thread
was shown meanwhile by a node that is the source no more is noted afterwards, by `meet`
or `confirm`.
"""

from __future__ import annotations

import threading

from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.shared.core import Core
from routedb.session.read_state import (
    NO_NODE,
    Backoff,
    MinPosition,
    ReadState,
    View,
    replicas_holding,
)
from routedb.topology import GroupView, Snapshot

BLANK = ReadState()  # of a group that has none


class ConsistencyTracker:
    """The marks of one session. `marks` is public: the hot path looks into it.

    Groups of one node have none: there is nobody else to ask. `Links.near` goes with
    the marks: each new mark comes with a new one. So whoever takes `near` first, and
    then a mark, writes into what is thrown away if the mark is.
    """

    def __init__(self, core: Core, links: Links) -> None:
        self.core = core
        self.links = links
        self.read_states: dict[int, ReadState] = {}  # by group id
        self.writer_only: dict[
            int, Snapshot
        ] = {}  # pictures in which the writer answers
        self.writes = 0  # how often this session may have written
        self._backoffs: dict[int, Backoff] = {}
        self._lock = threading.RLock()  # guards what replaces a mark

    # -- taking a look -----------------------------------------------------------------

    def read_state(self, group: int) -> ReadState:
        """Return what was seen of a group."""
        return self.read_states.get(group, BLANK)

    def view(self, group: int, consistency: str) -> View:
        """Return what a choice under this consistency goes by."""
        is_shared = consistency == "process"
        shared_at = self.core.wrote_at.get(group, 0.0) if is_shared else 0.0
        return self.view_of(self.read_state(group), shared_at)

    def view_of(self, mark: ReadState, shared_at: float) -> View:
        """Return what a choice by this mark goes by."""
        return View(
            mark, max(mark.since, self.links.used_at(mark.last_node)), shared_at
        )

    def allowed_replicas(self, view: GroupView, look: View) -> tuple[int, ...] | None:
        """Return the replicas, of the ring, that may answer a plain read; None: any."""
        if look.read_state.is_empty and not look.process_wrote_at:
            return None
        return replicas_holding(view, look)

    def is_ahead(self, view: GroupView, consistency: str) -> bool:
        """Tell whether no replica is known to hold what this session has seen."""
        if consistency == "eventual":
            return False
        among = self.allowed_replicas(view, self.view(view.id, consistency))
        return among is not None and not among and bool(view.read_ring)

    def backoff(self, group: int) -> Backoff:
        """Return when the group's source may be asked again."""
        return self._backoffs.setdefault(group, Backoff())

    # -- moving ------------------------------------------------------------------------

    def switch_source(self, group: int, node: int, look: View) -> ReadState | None:
        """Make `node`, which was chosen by `look`, the source; return the mark then.

        None: another thread has written, or was shown something, since.
        """
        before = look.read_state
        is_new = node != before.last_node or bool(before.min_positions)
        if not is_new and look.process_wrote_at == before.process_wrote_at:
            return before if self.read_state(group) is before else None
        since = self.core.clock() if is_new else before.since
        return self._replace(group, ReadState(node, since, look.process_wrote_at), look)

    def replace_source(
        self, group: int, floor: MinPosition, look: View
    ) -> ReadState | None:
        """Take where the source of `look` is instead of the source; return the mark
        then, None as `move` does."""
        self.writer_only.pop(group, None)  # now others may be known to hold it
        return self._replace(
            group,
            ReadState(min_positions=(*look.read_state.min_positions, floor)),
            look,
        )

    def _replace(self, group: int, mark: ReadState, look: View) -> ReadState | None:
        """Go on with `mark` in the place of that of the look, unless something else is
        there by now, or the source that is left has shown something after the look."""
        left = look.read_state.last_node
        with self._lock:
            if self.read_state(group) is not look.read_state:
                return None
            self._put(group, mark)
            # In this order: another thread notes its contact, and looks at `near` then.
            if left in (NO_NODE, mark.last_node):
                return mark
            if self.links.used_at(left) <= look.seen_at:
                return mark
            self._require_newer(group)
            return None

    # -- taking note -------------------------------------------------------------------

    def note_read(self, link: Link, look: View | None = None) -> None:
        """Take note that `link` has shown this session what its node holds.

        `look`: by what the node was chosen. Without one nothing is known of a node but
        the writer.
        """
        group = link.node.group
        if self.core.groups[group].is_single:
            return
        with self._lock:
            moved = None if look is None else self.switch_source(group, link.id, look)
            if moved is None and self.read_state(group).last_node != link.id:
                self._note_source(group, link.id)
            self._check_open(link)

    def confirm_read(self, link: Link) -> None:
        """Take note that `link`, whose node was the source, has shown what that holds,
        and that the source may have changed meanwhile."""
        with self._lock:
            if self.read_state(link.node.group).last_node != link.id:
                self._require_newer(link.node.group)
            self._check_open(link)

    def note_write(self, group: int, node: int) -> None:
        """Take note of a write that `node` has acknowledged, or may have done."""
        self.writes += 1
        if self.core.groups[group].is_single:
            return
        with self._lock:
            self._note_source(group, node)
        self.core.note_write(group)

    def add_min_position(self, group: int, floor: MinPosition) -> None:
        """Do not fall behind `floor` either."""
        with self._lock:
            self._put(group, self.read_state(group).with_min_position(floor))

    def require_writer(self, group: int, picture: Snapshot) -> None:
        """Let the writer answer until there is another picture."""
        self.writer_only[group] = picture
        self.core.request_sample(group)

    def _note_source(self, group: int, node: int) -> None:
        """Make a node the source of which is known only that it was spoken with."""
        before = self.read_state(group)
        if node == self.core.topology.groups[group].writer or before.is_empty:
            self._put(group, ReadState(node, self.core.clock()))
        elif node == before.last_node:
            self._put(
                group,
                ReadState(node, self.core.clock(), min_positions=before.min_positions),
            )
        else:
            self._require_newer(group)

    def _check_open(self, link: Link) -> None:
        """What a link shows that was dropped by another thread counts for no source."""
        if self.links.open.get(link.id) is not link:
            self._require_newer(link.node.group)

    def _require_newer(self, group: int) -> None:
        """Two nodes have shown something, and of neither is it known that it holds what
        the other has shown. What the writer has from now on holds both."""
        self._put(group, ReadState(NO_NODE, self.core.clock()))

    def _put(self, group: int, mark: ReadState) -> None:
        self.read_states[group] = mark
        self.links.sticky = {}

    def forget(self) -> None:
        """Be a session that has seen nothing."""
        self.read_states.clear()
        self.writer_only.clear()
        self.links.sticky = {}

    def abandon(self) -> None:
        """In a forked child: a thread that is not here may have had the lock."""
        self._lock = threading.RLock()
