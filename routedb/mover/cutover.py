"""The switch and its way back: lock, drain until empty, fence, change the placement.

`Cutover` goes from where the tables are now to where they shall be; an undo is one with
the sides exchanged. Nothing is decided by a position that was read before the lock: the
journal is empty while the lock holds, and the fence is made by the session that holds
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from routedb.config.placements import Place, database_of
from routedb.mover import numbering, placements
from routedb.mover.chunks import Copied
from routedb.mover.drain import Drain
from routedb.mover.ends import End, Stream
from routedb.mover.locking import lock, made_patiently, unlock
from routedb.mover.progress import Progress
from routedb.mover.sessions import Session
from routedb.mover.state import Move
from routedb.moving import triggers
from routedb.moving.definitions import Table

_ALL = Copied(1, 0, None, True)
_NEARLY_EMPTY = 50
_ROUNDS = 200


class Cutover:
    """Has tables, whose definitions are `tables`, live at `places`.

    `going` are their streams from where they live now to where they shall, `ends` these
    two; `home` has the placements; `move` is its row; `check`, given a session with the
    lock, raises when it is not to be; `tell` is told of each step.
    """

    def __init__(
        self,
        going: Sequence[Stream],
        tables: Sequence[Table],
        ends: tuple[End, End],
        home: Session,
        places: Mapping[str, Place],
        move: Move,
        check: Callable[[Session], None],
        tell: Callable[[Progress], None],
    ) -> None:
        self._streams = going
        self._pairs = list(dict.fromkeys(stream.pair for stream in going))
        self._tables = tables
        self._source, self._target = ends
        self._home = home
        self._places = places
        self._move = move
        self._check = check
        self._tell = tell

    def is_flipped(self) -> bool:
        """Tell whether the placement is changed already."""
        placed = placements.read(self._home)
        return all(
            table in placed and placed[table].place == place
            for table, place in self._places.items()
        )

    def fence(self) -> None:
        """Fence the source, with all that it has at the target, from wherever it was
        left. Raises OperationalError when the lock was not had, or `check` says no;
        then the source may be fenced: see `give_up`."""
        if self.is_flipped():
            return
        self._catch_up()
        with ExitStack() as stack:
            locked = []
            for session in self._source.sessions:
                locked.append(Session(session.node, self._move.token))
                stack.callback(locked[-1].close)
            self._fence(locked)
        self._tell(Progress("fenced"))

    def flip(self) -> None:
        """Change the placement, once the source is fenced."""
        if self.is_flipped():
            return
        version = placements.write(self._home, self._places, self._move.name)
        self._tell(Progress(f"placed, version {version}"))

    def give_up(self) -> None:
        """Take the fence away, as the placement was not changed."""
        for session in self._source.sessions:
            for pair in self._pairs:
                made_patiently(session, triggers.drop_fence_texts(pair))

    def _catch_up(self) -> None:
        """Apply nearly all before anybody has to wait."""
        for _ in range(_ROUNDS):
            count = sum(
                Drain(each.pair, each.source, each.target).once(_ALL)
                for each in self._streams
            )
            self._tell(Progress("journal drained", rows=count))
            if count <= _NEARLY_EMPTY:
                return

    def _fence(self, locked: Sequence[Session]) -> None:
        lock(locked, self._pairs)
        is_done = False
        try:
            self._tell(Progress("locked"))
            for session in locked:
                self._check(session)
            self._drain(locked)
            self._tell(Progress("drained under the lock"))
            for table in self._tables:
                numbering.carry(locked, self._target.sessions, table)
            self._tell(Progress("numbers carried"))
            self._make_fences(locked)
            is_done = True
        finally:
            unlock(locked, is_done)

    def _drain(self, locked: Sequence[Session]) -> None:
        at = dict(zip(map(id, self._source.sessions), locked, strict=True))
        for pair, source, target, _ in self._streams:
            session = at[id(source)]
            # MariaDB's `session` has the tables alone, see `locking.lock`.
            notes = source if session.engine == "mysql" else None
            Drain(pair, session, target, is_locked=True, journal=notes).empty(_ALL)

    def _make_fences(self, locked: Sequence[Session]) -> None:
        version = placements.next_version(self._home)
        for pair in self._pairs:
            place = database_of(self._places[pair.name])
            made = triggers.fence_texts(pair, self._move.token, place, version)
            for session in locked:
                for text in made:
                    session.run(text)
            self._tell(Progress("fence made", pair.name))
