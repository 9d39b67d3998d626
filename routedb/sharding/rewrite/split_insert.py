"""One INSERT into several: for each shard the text with its own rows only.

The source is cut by positions, so that all that is not a row stays as it was written,
and each part takes the parameters of head, its rows and tail, in this order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from routedb.sharding.keys.value_terms import PositionalParam
from routedb.sharding.rewrite.completion import Completion
from routedb.sharding.rewrite.masking import MaskedText
from routedb.sharding.rewrite.rows import InsertText, RowSpan


class InsertPart(NamedTuple):
    """What one shard runs. `rows` are the numbers of its rows in the whole INSERT."""

    shard: int
    sql: str
    params: Any
    rows: tuple[int, ...]


def split_insert(
    source: str,
    text: InsertText,
    params: Any,
    row_shards: Sequence[int],
    completion: Completion | None = None,
) -> tuple[InsertPart, ...]:
    """Return a part of the INSERT `source` for each shard, by rising number.

    So every session takes its locks in the same order. `text` is `source` taken apart,
    `params` are its parameters, `row_shards` has the shard of each row, `completion` is
    added to what was written.
    """
    rows = text.rows
    head, tail = source[: rows[0].start], source[rows[-1].end :]
    closing = ")"
    if completion is not None:
        head = completion.head(head, text.masked.code)
        closing = completion.closing
    params_per_part = _ParamsPerPart(text.masked, rows, params)
    numbers: dict[int, list[int]] = {}
    for number, shard in enumerate(row_shards):
        numbers.setdefault(shard, []).append(number)
    return tuple(
        InsertPart(
            shard,
            head
            + ", ".join(
                source[rows[n].start : rows[n].end - 1] + closing for n in row_numbers
            )
            + tail,
            params_per_part.for_rows(row_numbers),
            tuple(row_numbers),
        )
        for shard, row_numbers in sorted(numbers.items())
    )


class _ParamsPerPart:
    """The parameters of each part."""

    def __init__(
        self, masked: MaskedText, rows: Sequence[RowSpan], params: Any
    ) -> None:
        self._params = params
        self._rows = rows
        self._places = [
            token.start
            for token in masked.value_tokens
            if isinstance(token.term, PositionalParam)
        ]

    def for_rows(self, row_numbers: Iterable[int]) -> Any:
        """Return the parameters of the part with these rows, in the order of its text.

        Named parameters, and none at all, are the same for each part.
        """
        if not self._places:
            return self._params
        chosen = [*self._between(0, self._rows[0].start)]
        for number in row_numbers:
            row = self._rows[number]
            chosen += self._between(row.start, row.end)
        chosen += self._between(self._rows[-1].end, None)
        return tuple(chosen)

    def _between(self, start: int, end: int | None) -> Sequence[Any]:
        first = bisect_left(self._places, start)
        last = None if end is None else bisect_left(self._places, end)
        found: Sequence[Any] = self._params[first:last]
        return found
