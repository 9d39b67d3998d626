"""The switch and its way back: lock, drain until empty, fence, change the placement.

`Cutover` goes from where the tables are now to where they shall be; an undo is one with
the sides exchanged. Nothing is decided by a position that was read before the lock: the
journal is empty while the lock holds, and the fence is made by the session that holds
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from routedb.mover import numbering, placements
from routedb.mover.chunks import Copied
from routedb.mover.drain import Drain
from routedb.mover.locking import lock, made_patiently, unlock
from routedb.mover.progress import Progress
from routedb.mover.sessions import Session
from routedb.mover.state import Move
from routedb.moving import triggers
from routedb.moving.definitions import Table
from routedb.moving.pairs import Pair

_ALL = Copied(1, 0, None, True)
_NEARLY_EMPTY = 50
_ROUNDS = 200


class Cutover:
    """Has `pairs`, whose definitions are `tables`, live in the database `place`.

    `ends` are where they live now and where they shall; `home` has the placements;
    `move` is its row; `check`, given the session with the lock, raises when it is
    not to be; `tell` is told of each step.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        tables: Sequence[Table],
        ends: tuple[Session, Session],
        home: Session,
        place: str,
        move: Move,
        check: Callable[[Session], None],
        tell: Callable[[Progress], None],
    ) -> None:
        self._pairs = pairs
        self._tables = tables
        self._source, self._target = ends
        self._home = home
        self._place = place
        self._move = move
        self._token = move.token
        self._check = check
        self._tell = tell

    def is_flipped(self) -> bool:
        """Tell whether the placement is changed already."""
        placed = placements.read(self._home)
        rows = [placed.get(pair.name) for pair in self._pairs]
        return all(row is not None and row.database == self._place for row in rows)

    def fence(self) -> None:
        """Fence the source, with all that it has at the target, from wherever it was
        left. Raises OperationalError when the lock was not had, or `check` says no;
        then the source may be fenced: see `give_up`."""
        if self.is_flipped():
            return
        self._catch_up()
        locked = Session(self._source.node, self._token)
        try:
            self._fence(locked)
        finally:
            locked.close()
        self._tell(Progress("fenced"))

    def flip(self) -> None:
        """Change the placement, once the source is fenced."""
        if self.is_flipped():
            return
        names = [pair.name for pair in self._pairs]
        version = placements.write(self._home, names, self._place, self._move.name)
        self._tell(Progress(f"placed, version {version}"))

    def give_up(self) -> None:
        """Take the fence away, as the placement was not changed."""
        for pair in self._pairs:
            made_patiently(self._source, triggers.drop_fence_texts(pair))

    def _catch_up(self) -> None:
        """Apply nearly all before anybody has to wait."""
        for _ in range(_ROUNDS):
            count = sum(
                Drain(pair, self._source, self._target).once(_ALL)
                for pair in self._pairs
            )
            self._tell(Progress("journal drained", rows=count))
            if count <= _NEARLY_EMPTY:
                return

    def _fence(self, locked: Session) -> None:
        lock(locked, self._pairs)
        is_done = False
        try:
            self._tell(Progress("locked"))
            self._check(locked)
            for pair in self._pairs:
                self._drain(pair, locked).empty(_ALL)
            self._tell(Progress("drained under the lock"))
            for table in self._tables:
                numbering.carry(locked, self._target, table)
            self._tell(Progress("numbers carried"))
            version = placements.next_version(self._home)
            for pair in self._pairs:
                for text in triggers.fence_texts(
                    pair, self._token, self._place, version
                ):
                    locked.run(text)
                self._tell(Progress("fence made", pair.name))
            is_done = True
        finally:
            unlock(locked, is_done)

    def _drain(self, pair: Pair, locked: Session) -> Drain:
        # MariaDB's `locked` has the tables alone, see `locking.lock`.
        journal = self._source if locked.engine == "mysql" else None
        return Drain(pair, locked, self._target, is_locked=True, journal=journal)
