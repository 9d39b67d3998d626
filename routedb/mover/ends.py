"""Both ends of a move: one session for each group, and streams between them.

A table of a sharded database is on each of its shards. Each of them is copied and
followed by itself, a *stream*; where the target is sharded, a stream is spread over its
shards by the key of each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from routedb import errors
from routedb.config.model import ClusterConfig, TableRule
from routedb.mover.sessions import Session, writers_of
from routedb.moving.hiding import come_name, gone_name, note_text
from routedb.moving.keys import Key
from routedb.moving.pairs import Pair
from routedb.moving.spreading import Resettling, Spreading
from routedb.moving.texts import key_of

_MOST_KEYS = 1_000  # in one statement


class End:
    """The groups of `database`, by `config`, with a session to the writer of each;
    `token` opens fences, `rules` are those of the tables that are moved."""

    def __init__(
        self,
        config: ClusterConfig,
        database: str,
        rules: Mapping[str, TableRule],
        token: str = "",
    ) -> None:
        self.database = database
        self.rules = rules
        self.token = token
        self.is_sharded = config.databases[database].is_sharded
        self.sessions: list[Session] = []
        try:
            for node in writers_of(config, database):
                self.sessions.append(Session(node, token))
        except BaseException:
            self.close()
            raise

    @property
    def first(self) -> Session:
        """The session whose catalog stands for all."""
        return self.sessions[0]

    @property
    def engine(self) -> str:
        """The engine of all its groups."""
        return self.first.engine

    def spreading(self, pair: Pair) -> Spreading | None:
        """Return what finds the shard of a row of `pair` here; None where all rows are
        in one place."""
        if not self.is_sharded:
            return None
        return Spreading(pair, self.rules[pair.name], len(self.sessions))

    def run_everywhere(self, texts: Sequence[str]) -> None:
        """Run `texts` at each group."""
        for session in self.sessions:
            for text in texts:
                session.run(text)

    def close(self) -> None:
        """Close. Never raises."""
        for session in self.sessions:
            session.close()


class Spread:
    """The shards of `sessions` as one target: `spreading` says where a row goes. To
    shards of the numbers `but` nothing is done."""

    def __init__(
        self,
        sessions: Sequence[Session],
        spreading: Spreading | Resettling,
        but: frozenset[int] = frozenset(),
    ) -> None:
        self._sessions = sessions
        self._spreading = spreading
        self._but = but
        self.engine = sessions[0].engine

    @property
    def numbers(self) -> list[int]:
        """The numbers of the shards."""
        return [n for n in range(len(self._sessions)) if n not in self._but]

    @property
    def parts(self) -> list[Session]:
        """The sessions of the shards."""
        return [self._sessions[number] for number in self.numbers]

    def without(self, having: Iterable[int]) -> Spread:
        """Return the same without those of `parts` that are `having` these places."""
        numbers = self.numbers
        return Spread(
            self._sessions, self._spreading, self._but | {numbers[n] for n in having}
        )

    def concerned(self, noted: set[Key]) -> set[Key]:
        """Return those of the `noted` keys whose rows may be here: all."""
        return noted

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run a `text` at each shard; return all rows."""
        return [row for session in self.parts for row in session.run(text)]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have the block be a transaction at each shard, of which some may be committed
        and others not: whoever reads again knows what is there."""
        with ExitStack() as stack:
            for session in self.parts:
                stack.enter_context(session.transaction())
            yield

    def fill(
        self,
        pair: Pair,
        blocks: Iterable[bytes],
        maker: Callable[[bytes], bytes],
    ) -> None:
        """Insert `blocks` of lines into the target of `pair`, each row at its shard;
        `maker` is as for a session."""
        for block in blocks:
            for shard, part in self._spreading.split(block):
                if shard not in self._but:
                    self._announce(pair, shard, part)
                    self._sessions[shard].fill(pair, [part], maker)

    def _announce(self, pair: Pair, shard: int, part: bytes) -> None:
        """Say that the lines `part` of `pair` are about to come to `shard`."""


class Within(Spread):
    """The other shards, as the target of rows of `pair` at the shard `origin` that
    belong there by `resettling`. Their keys are noted at both, before anybody could
    count them twice. `is_locked`: the sessions hold locks, and are in a transaction of
    their own."""

    def __init__(
        self,
        sessions: Sequence[Session],
        pair: Pair,
        resettling: Resettling,
        origin: int,
        but: frozenset[int] = frozenset(),
        is_locked: bool = False,
    ) -> None:
        super().__init__(sessions, resettling, but | {origin})
        self._pair = pair
        self._resettling = resettling
        self._origin = origin
        self._is_locked = is_locked

    def without(self, having: Iterable[int]) -> Within:
        """Return the same without those of `parts` that are `having` these places."""
        numbers = self.numbers
        but = self._but | {numbers[n] for n in having}
        return Within(self._sessions, self._pair, self._resettling, self._origin, but)

    def under(self, locked: Sequence[Session]) -> Within:
        """Return the same by the sessions that have `locked` the table."""
        ends = self._pair, self._resettling, self._origin
        return Within(locked, *ends, self._but, is_locked=True)

    def concerned(self, noted: set[Key]) -> set[Key]:
        """Return those of the `noted` keys whose rows move."""
        return {key for key in noted if self._resettling.moves(key)}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have the block be a transaction, unless it is in one."""
        if self._is_locked:
            yield
            return
        with super().transaction():
            yield

    def _announce(self, pair: Pair, shard: int, part: bytes) -> None:
        keys = [key_of(pair, row) for row in part[:-1].split(b"\n")]
        for number, table in (
            (self._origin, gone_name(pair)),
            (shard, come_name(pair)),
        ):
            for place in range(0, len(keys), _MOST_KEYS):
                some = keys[place : place + _MOST_KEYS]
                self._sessions[number].run(note_text(pair, table, some))


Target = Session | Spread


class Stream(NamedTuple):
    """One table from one group to where its rows go."""

    pair: Pair
    source: Session
    target: Target
    label: str  # in the table of chunks


def streams(pairs: Iterable[Pair], source: End, target: End) -> list[Stream]:
    """Return the streams of `pairs` from `source` to `target`."""
    found = []
    for pair in pairs:
        for shard, session in enumerate(source.sessions):
            label = pair.name if shard == 0 else f"{pair.name}@{shard}"
            to = _target(pair, source, target, shard)
            found.append(Stream(pair, session, to, label))
    return found


def _target(pair: Pair, source: End, target: End, shard: int) -> Target:
    if source.database == target.database:
        settling = resettling(pair, source, target, shard)
        return Within(target.sessions, pair, settling, shard)
    spreading = target.spreading(pair)
    if spreading is None:
        return target.first
    return Spread(target.sessions, spreading)


def resettling(pair: Pair, source: End, target: End, shard: int) -> Resettling:
    """Return what finds the rows of `pair` that go from this `shard` of `source` to
    another one by the rules of `target`, which is the same database."""
    rules = source.rules[pair.name], target.rules[pair.name]
    return Resettling(pair, rules, len(source.sessions), shard)


def check_end(end: End) -> None:
    """Raise NotSupportedError where the shards of `end` are of several engines."""
    if len({session.engine for session in end.sessions}) > 1:
        raise errors.NotSupportedError(f"the shards of {end.database} differ in engine")
