"""One INSERT into several: for each shard the text with its own rows only.

The source is cut by positions, so that all that is not a row stays as it was written,
and each part takes the parameters of head, its rows and tail, in this order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from routedb.sharding.rows import Row, Text
from routedb.sharding.tagging import Masked
from routedb.sharding.terms import Positional


class Part(NamedTuple):
    """What one shard runs. `rows` are the numbers of its rows in the whole INSERT."""

    shard: int
    sql: str
    params: Any
    rows: tuple[int, ...]


def split(
    source: str, text: Text, params: Any, homes: Sequence[int]
) -> tuple[Part, ...]:
    """Return a part for each shard, by rising number: every session takes its locks in
    the same order. `homes` has the shard of each row."""
    rows = text.rows
    head, tail = source[: rows[0].start], source[rows[-1].end :]
    dealer = _Dealer(text.masked, rows, params)
    numbers: dict[int, list[int]] = {}
    for number, home in enumerate(homes):
        numbers.setdefault(home, []).append(number)
    return tuple(
        Part(
            shard,
            head + ", ".join(source[rows[n].start : rows[n].end] for n in own) + tail,
            dealer.deal(own),
            tuple(own),
        )
        for shard, own in sorted(numbers.items())
    )


class _Dealer:
    """Deals the parameters out to the parts."""

    def __init__(self, masked: Masked, rows: Sequence[Row], params: Any) -> None:
        self._params = params
        self._rows = rows
        self._places = [
            token.start for token in masked.tokens if isinstance(token.term, Positional)
        ]

    def deal(self, own: Iterable[int]) -> Any:
        """Return the parameters of the part with these rows, in the order of its text.

        Named parameters, and none at all, are the same for each part.
        """
        if not self._places:
            return self._params
        chosen = [*self._between(0, self._rows[0].start)]
        for number in own:
            row = self._rows[number]
            chosen += self._between(row.start, row.end)
        chosen += self._between(self._rows[-1].end, None)
        return tuple(chosen)

    def _between(self, start: int, end: int | None) -> Sequence[Any]:
        first = bisect_left(self._places, start)
        last = None if end is None else bisect_left(self._places, end)
        found: Sequence[Any] = self._params[first:last]
        return found
