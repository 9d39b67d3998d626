"""Compares the rows that move between shards: of those that stay there is one.

What has gone from a shard, by the keys that are noted there, is compared with what has
come to the others. Which rows are to be noted is found out apart, from all keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from routedb.mover.chunks import Copied
from routedb.mover.drain import Drain
from routedb.mover.ends import End, resettling
from routedb.mover.sessions import Session
from routedb.mover.verifier import Verifier, keys_alone
from routedb.moving import hiding, keys, texts
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name

_ALL = Copied(1, 0, None, True)
_MOST_KEYS = 500
_MOST_SHOWN = 100
_ROUNDS = 50


class SettlingVerifier(Verifier):
    """Compares the rows of `pair` that go from shards of `source` to others, by the
    rules of `target`; `drains` are those of its streams, shard by shard."""

    def __init__(
        self, pair: Pair, source: End, target: End, drains: Sequence[Drain]
    ) -> None:
        super().__init__(pair, source, target, drains)
        self._settled_pair = pair
        self._source, self._target = source, target
        self._of_shards = drains

    def _counted(self, at_target: bool) -> str:
        pair = self._settled_pair
        table = hiding.come_name(pair) if at_target else hiding.gone_name(pair)
        return hiding.is_noted(pair, table)

    def misplaced(self) -> list[str]:
        """Return which rows count at no shard or at two, in words."""
        said: list[str] = []
        for shard, session in enumerate(self._source.sessions):
            said += self._uncounted(session, shard)
        return said[:_MOST_SHOWN]

    def _uncounted(self, session: Session, shard: int) -> list[str]:
        """Return which rows of `shard` should be noted there, and are not."""
        pair = self._settled_pair
        settling = resettling(keys_alone(pair), self._source, self._target, shard)
        gone = self._unnoted(session, hiding.gone_name(pair), settling.moves)
        come = self._unnoted(session, hiding.come_name(pair), settling.is_foreign)
        drain = self._of_shards[shard]
        for _ in range(_ROUNDS):
            if not gone | come:
                return []
            drain.empty(_ALL)
            pending = drain.noted()
            gone -= self._among(session, hiding.gone_name(pair), gone)
            come -= self._among(session, hiding.come_name(pair), come)
            there = self._among(session, None, gone | come)
            gone, come = gone & there, come & there
            if not gone & pending:
                break
        return [
            f"{pair.name}: the row {', '.join(key)} of shard {shard} {why}"
            for found, why in ((gone, "is missing elsewhere"), (come, "is too much"))
            for key in sorted(found)
        ]

    def _unnoted(
        self, session: Session, table: str, is_wanted: Callable[[keys.Key], bool]
    ) -> set[keys.Key]:
        """Return the keys of rows that are not noted in `table`, and should be."""
        pair = keys_alone(self._settled_pair)
        found: set[keys.Key] = set()

        def look(block: bytes) -> None:
            rows = block[:-1].split(b"\n")
            found.update(filter(is_wanted, (texts.key_of(pair, row) for row in rows)))

        session.lines(
            f"SELECT {texts.line(pair)} FROM {name(session.engine, pair.name)} "
            f"WHERE NOT {hiding.is_noted(pair, table)}",
            look,
            pair,
        )
        return found

    def _among(
        self, session: Session, table: str | None, wanted: set[keys.Key]
    ) -> set[keys.Key]:
        """Return which of these keys, `wanted`, are noted in `table`, or in the table
        itself."""
        pair = keys_alone(self._settled_pair)
        at = pair if table is None else hiding.as_pair(pair, table)
        columns = [name(session.engine, each) for each in at.key]
        listed = sorted(wanted)
        found: set[keys.Key] = set()
        for place in range(0, len(listed), _MOST_KEYS):
            some = keys.among(at, listed[place : place + _MOST_KEYS], at_target=False)
            rows = session.run(
                f"SELECT {', '.join(texts.key_texts(at, columns))} "
                f"FROM {name(session.engine, at.name)} WHERE {some}"
            )
            found |= {tuple(str(each) for each in row) for row in rows}
        return found
