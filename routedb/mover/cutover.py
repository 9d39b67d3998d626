"""The switch and its way back: lock, drain until empty, fence, change the placement.

`Cutover` goes from where the tables are now to where they shall be; an undo is one with
the sides exchanged. Nothing is decided by a position that was read before the lock: the
journal is empty while the lock holds, and the fence is made by the session that holds
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from routedb import errors
from routedb.config.placements import Place, database_of
from routedb.mover import numbering, placements
from routedb.mover.chunks import Copied
from routedb.mover.drain import BATCH, Drain
from routedb.mover.ends import End, Stream, Within
from routedb.mover.locking import lock, made_patiently, nothing, unlock
from routedb.mover.progress import Progress
from routedb.mover.sessions import Session
from routedb.mover.state import Move
from routedb.moving import hiding, triggers
from routedb.moving.definitions import Table
from routedb.moving.pairs import Pair

_ALL = Copied(1, 0, None, True)
_NEARLY_EMPTY = 50
_MOST_LEFT = 1_000  # to be applied while all writers wait
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

    @contextmanager
    def fenced(self) -> Iterator[Callable[[], object]]:
        """Fence the source, with all that it has at the target, from wherever it was
        left; in the block the placement is to be changed.

        MariaDB's triggers are there for good once they are made, so its lock is held
        until the end of the block: who has waited for it finds the new place at once.
        What is yielded lets go of it before, for what has to wait for others: they may
        wait for the lock. Raises OperationalError when that was not had, or `check`
        says no; then the source may be fenced: see `give_up`.
        """
        if self.is_flipped():
            yield nothing
            return
        with ExitStack() as stack:
            locked = []
            for session in self._source.sessions:
                locked.append(Session(session.node, self._move.token))
                stack.callback(locked[-1].close)
            lock(locked, self._pairs, self._beside, self._catch_up)
            self._fence(locked)
            let_go: Callable[[], object] = nothing
            if self._holds_on:
                let_go = partial(_let_go, locked)
                stack.callback(let_go)
            else:
                unlock(locked, True)
            self._tell(Progress("fenced"))
            yield let_go

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
        """Apply nearly all before anybody has to wait, or all but what comes while that
        is done. Raises OperationalError where that is too much."""
        before = BATCH
        for _ in range(_ROUNDS):
            count = sum(
                Drain(each.pair, each.source, each.target).once(_ALL)
                for each in self._streams
            )
            self._tell(Progress("journal drained", rows=count))
            if count <= _NEARLY_EMPTY or before <= count <= _MOST_LEFT:
                return
            before = count
        raise errors.OperationalError(
            "more is written than is applied: all writers would wait until the rest "
            "is. Switch when less is written"
        )

    def _fence(self, locked: Sequence[Session]) -> None:
        """Fence the tables that are `locked`; what fails lets go of them."""
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
        except BaseException:
            unlock(locked, False)
            raise

    @property
    def _holds_on(self) -> bool:
        """Tell whether the lock is held until the placement is changed."""
        return self._source.engine == "mysql"

    @property
    def _beside(self) -> list[str]:
        """The tables that are written to under the lock, too."""
        return []

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
            made = self._fence_texts(pair, version)
            for session in locked:
                for text in made:
                    session.run(text)
            self._tell(Progress("fence made", pair.name))

    def _fence_texts(self, pair: Pair, version: int) -> list[str]:
        place = database_of(self._places[pair.name])
        return triggers.fence_texts(pair, self._move.token, place, version)


class Resettling(Cutover):
    """The same where the tables stay, and rows of them move to other shards: who knows
    of the switch may write, and the placements say which rows count."""

    _version = 0  # that who writes has to know

    def is_flipped(self) -> bool:
        """Tell whether the placement is changed already."""
        placed = placements.read(self._home)
        return all(
            pair.name in placed
            and placed[pair.name].move == self._move.name
            and _hidden(placed[pair.name].place) == hiding.gone_name(pair)
            for pair in self._pairs
        )

    def flip(self) -> None:
        """Change the placement, once the source is guarded."""
        if self.is_flipped():
            return
        places: dict[str, Place] = {}
        for pair in self._pairs:
            place = self._places[pair.name]
            assert not isinstance(place, str)
            said = hiding.hidden_in(pair, hiding.gone_name(pair))
            places[pair.name] = {**place, "moving": {**said, "guard": self._version}}
        version = placements.write(self._home, places, self._move.name)
        self._tell(Progress(f"placed, version {version}"))

    @property
    def _holds_on(self) -> bool:
        return False  # on the way back the guards of the same tables are dropped

    @property
    def _beside(self) -> list[str]:
        names = (hiding.come_name, hiding.gone_name)
        return [name(pair) for pair in self._pairs for name in names]

    def _drain(self, locked: Sequence[Session]) -> None:
        at = dict(zip(map(id, self._source.sessions), locked, strict=True))
        for pair, source, target, _ in self._streams:
            assert isinstance(target, Within)
            session, to = at[id(source)], target.under(locked)
            notes = source if session.engine == "mysql" else None
            Drain(pair, session, to, is_locked=True, journal=notes).empty(_ALL)

    def _fence_texts(self, pair: Pair, version: int) -> list[str]:
        self._version = version
        place = database_of(self._places[pair.name])
        return hiding.guard_texts(pair, self._move.token, place, version)


def _let_go(locked: Sequence[Session]) -> None:
    """Unlock what is done, as often as wanted: who was idle for long has no lock."""
    with suppress(errors.Error):
        unlock(locked, True)


def _hidden(place: Place) -> object:
    moving = {} if isinstance(place, str) else place.get("moving") or {}
    return moving.get("hidden")
