"""What one virtual connection has seen of each group, and who may answer it.

The rule is in session/seen.py; here are the marks, and the clock.
"""

from __future__ import annotations

import threading

from routedb.engine.core import Core
from routedb.engine.links import Links
from routedb.session import Floor, Mark
from routedb.session.seen import holders
from routedb.topology import GroupView, Snapshot


class Sight:
    """The marks of one session. `marks` is public: the hot path looks into it.

    Groups of one node have none: there is nobody else to ask.
    """

    def __init__(self, core: Core, links: Links) -> None:
        self.core = core
        self.links = links
        self.marks: dict[int, Mark] = {}  # by group id
        self.writes = 0  # how often this session may have written
        self._lock = threading.Lock()  # guards what changes a mark

    def epoch(self, group: int) -> int:
        """Return the number that what was seen of the group has now: see `meet`."""
        mark = self.marks.get(group)
        return 0 if mark is None else mark.epoch

    def meet(
        self,
        group: int,
        node: int,
        shared_at: float = 0.0,
        epoch: int | None = None,
        chosen: Snapshot | None = None,
    ) -> int:
        """Take note that this session sees what `node` shows it, which holds what the
        process had written by `shared_at`; return the epoch then.

        `epoch`: of the mark by which the node was chosen. When another thread of this
        connection has written since, the node need not hold that: -1, and no note.
        `chosen`: the picture in which the node may go on answering.
        """
        if self.core.groups[group].is_single:
            return 0
        with self._lock:
            mark = self._mark(group)
            if epoch is not None and epoch != mark.epoch:
                return -1
            if mark.source != node:
                self._turn(group, mark)
            mark.meet(node, shared_at)
            mark.chosen = chosen or mark.chosen
            return mark.epoch

    def wrote(self, group: int, node: int) -> None:
        """Take note of a write that `node` has acknowledged, or may have done."""
        self.writes += 1
        if self.core.groups[group].is_single:
            return
        with self._lock:
            mark = self._mark(group)
            self._turn(group, mark)
            mark.meet(node, 0.0)
        self.core.note_write(group)

    def leave(self, group: int, floor: Floor, epoch: int) -> int:
        """Take where the source is instead of the source, if it is still that; return
        the epoch then, -1 when it is not."""
        with self._lock:
            mark = self._mark(group)
            if epoch != mark.epoch:
                return -1
            self._turn(group, mark)
            mark.leave(floor)
            return mark.epoch

    def add(self, group: int, floor: Floor) -> None:
        """Do not fall behind `floor` either."""
        with self._lock:
            mark = self._mark(group)
            self._turn(group, mark)
            mark.add(floor)

    def abandon(self) -> None:
        """In a forked child: a thread that is not here may have had the lock."""
        self._lock = threading.Lock()

    def _mark(self, group: int) -> Mark:
        mark = self.marks.get(group)
        if mark is None:
            mark = self.marks[group] = Mark()
        return mark

    def _turn(self, group: int, mark: Mark) -> None:
        """Begin a new epoch. Only then is `near` emptied: who fills it looks at the
        epoch afterwards."""
        mark.epoch += 1
        self.links.near.pop(group, None)

    def is_ahead(self, view: GroupView, consistency: str) -> bool:
        """Tell whether no replica is known to hold what this session has seen."""
        among = self.among(view, consistency)
        return among is not None and not among and bool(view.ring)

    def among(self, view: GroupView, consistency: str) -> tuple[int, ...] | None:
        """Return the replicas, of the ring, that may answer a plain read; None: any."""
        if consistency == "eventual":
            return None
        mark = self.marks.get(view.id)
        shared_at = self.shared_at(view.id, consistency)
        if mark is None or mark.is_blank:
            if not shared_at:
                return None
            mark = mark or Mark()
        return self.holders(view, mark, shared_at)

    def holders(self, view: GroupView, mark: Mark, shared_at: float) -> tuple[int, ...]:
        """Return the replicas that are known to hold what `mark` says, and what the
        process had written by `shared_at`."""
        return holders(view, mark, self.links.used_at(mark.source), shared_at)

    def shared_at(self, group: int, consistency: str) -> float:
        """Return when the process last wrote to the group, 0.0 when that is nothing
        to this session."""
        if consistency != "process":
            return 0.0
        return self.core.wrote_at.get(group, 0.0)

    def bar(self, group: int) -> None:
        """Let the writer answer until there is a new picture."""
        with self._lock:
            self._mark(group).barred = self.core.topology
        self.core.want(group)

    def forget(self) -> None:
        """Be a session that has seen nothing."""
        self.marks.clear()
        self.links.near.clear()
