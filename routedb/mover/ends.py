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
from routedb.moving.pairs import Pair
from routedb.moving.spreading import Spreading


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
        spreading: Spreading,
        but: frozenset[int] = frozenset(),
    ) -> None:
        self._sessions = sessions
        self._spreading = spreading
        self._but = but
        self.engine = sessions[0].engine

    @property
    def parts(self) -> list[Session]:
        """The sessions of the shards."""
        return [s for n, s in enumerate(self._sessions) if n not in self._but]

    def without(self, but: Iterable[int]) -> Spread:
        """Return the same without the shards of the numbers `but`."""
        return Spread(self._sessions, self._spreading, frozenset(but))

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
                    self._sessions[shard].fill(pair, [part], maker)


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
        spreading = target.spreading(pair)
        to: Target = target.first
        if spreading is not None:
            to = Spread(target.sessions, spreading)
        for shard, session in enumerate(source.sessions):
            label = pair.name if shard == 0 else f"{pair.name}@{shard}"
            found.append(Stream(pair, session, to, label))
    return found


def check_end(end: End) -> None:
    """Raise NotSupportedError where the shards of `end` are of several engines."""
    if len({session.engine for session in end.sessions}) > 1:
        raise errors.NotSupportedError(f"the shards of {end.database} differ in engine")
