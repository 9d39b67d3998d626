"""Rows that move between the shards of their table, which stays where it is.

What differs from moving a whole table: the placements tell every process which rows of
a shard do not count, before any is there; and at the end it is rows that are deleted,
not tables. Whoever reads several shards goes by what was so a lease ago, so after each
change of the placements the mover waits for longer than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from routedb.config.placements import Place
from routedb.engine.shared import placement_watch
from routedb.mover import catalogs, placements
from routedb.mover.ends import End
from routedb.mover.locking import made_patiently
from routedb.mover.progress import Progress
from routedb.mover.sessions import Session
from routedb.mover.state import Move
from routedb.moving import hiding, keys, texts
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name

_MOST_KEYS = 500  # in one DELETE
_LEASES = 2  # that are waited for: one until who reads has asked, one until it has read


class Settling:
    """What is done at all shards, by `end`, for a `move` of rows of `pairs`; `home` has
    the placements, and `tell` is told of each step."""

    def __init__(
        self,
        move: Move,
        end: End,
        pairs: Sequence[Pair],
        home: Session,
        tell: Callable[[Progress], None],
    ) -> None:
        self._move = move
        self._end = end
        self._pairs = pairs
        self._home = home
        self._tell = tell

    def make(self) -> None:
        """Make the tables of what does not count."""
        for session, pair in self._there():
            made_patiently(session, hiding.make_texts(pair))
        self._tell(Progress("tables of keys made"))

    def announce(self) -> None:
        """Have every process know that rows which come do not count."""
        places: dict[str, Place] = {}
        for pair in self._pairs:
            place = self._move.old_places[pair.name]
            assert not isinstance(place, str)
            moving = hiding.hidden_in(pair, hiding.come_name(pair))
            places[pair.name] = {**place, "moving": moving}
        self._place(places)
        # Who knows of no table of placements looks for it now and then.
        time.sleep(placement_watch.ABSENT_S)

    def delete(self, is_back: bool) -> None:
        """Delete the rows that do not count, by the new rules or, when it `is_back`, by
        the old ones."""
        for session, pair in self._there():
            table = hiding.come_name(pair) if is_back else hiding.gone_name(pair)
            self._delete(session, pair, table)

    def forget(self, is_back: bool) -> None:
        """Have nobody look for rows that do not count any more, by the new rules or,
        when it `is_back`, by the old ones."""
        self._place(self._move.old_places if is_back else self._move.places)

    def drop(self) -> None:
        """Drop the tables of what does not count."""
        for session, pair in self._there():
            made_patiently(session, hiding.drop_texts(pair))
        self._tell(Progress("tables of keys dropped"))

    def wait(self) -> None:
        """Wait until every read goes by what the placements say now."""
        self._tell(Progress("waiting until all know"))
        time.sleep(_LEASES * placement_watch.LEASE_S)
        self._tell(Progress("all know"))

    def _there(self) -> Iterator[tuple[Session, Pair]]:
        """Yield each table at each shard that has it."""
        for session in self._end.sessions:
            for pair in self._pairs:
                if catalogs.table_of(session, pair.name) is not None:
                    yield session, pair

    def _place(self, places: Mapping[str, Place]) -> None:
        known = placements.read(self._home)
        if any(
            table not in known or known[table].place != place
            for table, place in places.items()
        ):
            placements.write(self._home, places, self._move.name)
        self.wait()

    def _delete(self, session: Session, pair: Pair, table: str) -> None:
        """Delete the rows whose keys are in `table`, and these, some at a time."""
        noted = hiding.as_pair(pair, table)
        quoted = [name(session.engine, each) for each in (pair.name, table)]
        columns = ", ".join(texts.key_texts(noted, list(noted.key)))
        while True:
            rows = session.run(f"SELECT {columns} FROM {quoted[1]} LIMIT {_MOST_KEYS}")
            if not rows:
                return
            found = [tuple(str(each) for each in row) for row in rows]
            with session.transaction():
                for each, at in zip((pair, noted), quoted, strict=True):
                    some = keys.among(each, found, at_target=False)
                    session.run(f"DELETE FROM {at} WHERE {some}")
            self._tell(Progress("rows deleted", pair.name))
