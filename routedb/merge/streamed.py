"""Rows of several groups as they are fetched: a named cursor over all of them.

Each group has a cursor of its own on the branch of the transaction, declared by SQL,
and is asked for a block of rows at a time. Rows in order are taken from the blocks up
to the lowest of their last rows: what a group has not sent yet comes after that. So no
more is kept than about two blocks of each group. The groups that are to send one are
asked at once. Values are made by the thread that fetches: casters are the program's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from operator import length_hint
from typing import Any

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.workers import Workers
from routedb.merge.answers import Part, check_own, part_of
from routedb.merge.measures import Measures, estimate
from routedb.merge.order import rank_of, sort_rows
from routedb.merge.refused import NotMerged
from routedb.planner import GroupsPlan, OrderTerm

_LEAST_ROWS = 100  # of a block: fewer are not worth the round trips
_NO_ROW = object()


class Source:
    """The cursor `name` of one group, on `link`, read by `raw`; `cursor` is the user's,
    and `measures` are told of the rows."""

    def __init__(
        self, cursor: Any, link: Link, raw: Any, name: str, measures: Measures
    ) -> None:
        self._cursor = cursor
        self._measures = measures
        self._count = self._size = 0  # of all rows so far
        self.link = link
        self.raw = raw
        self._name = '"' + name.replace('"', '""') + '"'
        self.part: Part | None = None  # what came last, and what it tells
        self.rows: list[Any] = []  # not taken yet
        self.is_done = False

    def ask(self, count: int) -> None:
        """Ask for up to `count` more rows; any thread may. Raises what the driver
        raises."""
        self.raw.execute(f"FETCH FORWARD {count} FROM {self._name}")

    def take(self, count: int, result: MergedResult) -> None:
        """Take up to `count` more rows, which were asked for, for `result`. Raises
        NotMerged for more than are allowed, and what the driver raises."""
        try:
            if result.description is None:  # the program's rows may be made by it
                result.description = self.raw.description
                result.query = self.raw.query
            self.part = part_of(self._cursor, self.link, self.raw)
        except Exception as exc:
            self.failed(exc)
            raise
        self.is_done = len(self.part.rows) < count
        self.rows += self.part.rows
        self._count += len(self.part.rows)
        self._size += estimate(self.part.rows)
        self._measures.count(0, self.link, self._count, self._size)

    def failed(self, exc: BaseException) -> None:
        """Take note of what was raised when it was asked: `exc`."""
        if isinstance(exc, Exception):
            self.link.classify_error(exc)

    def close(self) -> None:
        """Close it on the server too, if that has it still."""
        with suppress(Exception):  # the driver's own classes
            if not self.link.is_idle() and not self.link.is_failed():
                self.raw.execute(f"CLOSE {self._name}")
        with suppress(Exception):
            self.raw.close()


def declared(made: GroupsPlan, name: str) -> GroupsPlan:
    """Return the plan `made` with its fragment declared as a cursor `name`."""
    (fragment,) = made.fragments
    quoted = '"' + name.replace('"', '""').replace("%", "%%") + '"'
    sql = f"DECLARE {quoted} NO SCROLL CURSOR FOR {fragment.text.sql}"
    declared_ = replace(fragment, text=fragment.text._replace(sql=sql))
    return replace(made, fragments=(declared_,))


class StreamedResult(MergedResult):
    """What a named cursor fetches from: the rows of `sources` in `order`, `within` an
    offset and a limit. `block` is how many are fetched of a group at once, by `workers`
    of several, `arraysize` as `fetchmany()` has it. `as_error` makes an error of a
    refusal that comes with a later block."""

    def __init__(
        self,
        sources: Sequence[Source],
        order: Sequence[OrderTerm],
        within: tuple[int, int | None],
        block: int,
        arraysize: int,
        workers: Workers,
        as_error: Callable[[NotMerged], Exception],
    ) -> None:
        super().__init__(arraysize)
        self._as_error = as_error
        self._workers = workers
        self._sources = list(sources)
        self._all = tuple(sources)
        self._order = order
        self._block = max(block, _LEAST_ROWS)
        self.rowcount = -1
        start, limit = within
        self._skips, self._left = start, limit
        self._batches_left = self._batches()
        # What was fetched last, and is not taken yet.
        self._batch: list[Any] = []
        self._rest: Iterator[Any] = iter(self._batch)
        self._before = 0  # rows of the batches before
        # A fetch is under way. Where it has not come to its end, rows of a group may
        # have been taken that nobody has seen.
        self._is_fetching = False

    def begin(self) -> None:
        """Fetch the first rows, so that the columns are known, and whether the rows can
        be put in order. Raises NotMerged, and what the driver raises."""
        self._take(next(self._batches_left, []))

    @property
    def rownumber(self) -> int:
        """Index of the next row."""
        return self._before + len(self._batch) - length_hint(self._rest)

    def fetchone(self) -> Any:
        """Return the next row, or None after the last."""
        self._start()
        row = next(self._rest, _NO_ROW)
        if row is _NO_ROW and self._advance():
            row = next(self._rest)
        self.rowcount = 0 if row is _NO_ROW else 1
        self._is_fetching = False
        return None if row is _NO_ROW else row

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to `size` rows, by default `arraysize`."""
        self._start()
        size = self.arraysize if size is None else size
        return self._counted(list(islice(self._rows_left(), size)))

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        self._start()
        return self._counted(list(self._rows_left()))

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self._guarded())

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Skip `value` rows. Raises NotSupportedError for anything but forward."""
        wanted = value if mode == "relative" else value - self.rownumber
        if mode not in ("relative", "absolute") or wanted < 0:
            raise errors.NotSupportedError(
                "scroll backwards in a named cursor over several groups: its rows are "
                "not kept; without a name they are"
            )
        self.fetchmany(wanted)

    def close(self) -> None:
        """Close the cursors of the groups."""
        self._batches_left = iter(())
        self._take([])
        for source in self._all:
            source.close()

    def _counted(self, rows: list[Any]) -> list[Any]:
        self.rowcount = len(rows)
        self._is_fetching = False
        return rows

    def _start(self) -> None:
        """Begin to fetch; refuse where a fetch before was interrupted or has failed."""
        if self._is_fetching:
            kind = self._all[0].link.adapter.error_class(errors.OperationalError)
            raise kind(
                "a fetch of this cursor has failed or was interrupted, so that rows "
                "would be missing: execute it again"
            )
        self._is_fetching = True

    def _rows_left(self) -> Iterator[Any]:
        """Return an iterator over the rows, which fetches."""
        return chain.from_iterable(iter(self._next_rest, None))

    def _next_rest(self) -> Iterator[Any] | None:
        """Return an iterator over rows that are there, fetched if need be."""
        if not length_hint(self._rest) and not self._advance():
            return None
        return self._rest

    def _guarded(self) -> Iterator[Iterator[Any]]:
        """Yield the rows that are there, and those of each fetch: between two of these
        rows nothing can fail."""
        while True:
            self._start()
            rest = self._next_rest()
            self.rowcount = len(self._batch)
            self._is_fetching = False
            if rest is None:
                return
            yield rest

    def _advance(self) -> bool:
        """Fetch more rows; tell whether there are any."""
        try:
            while (batch := next(self._batches_left, None)) is not None:
                self._take(batch)
                if self._batch:
                    return True
        except NotMerged as exc:
            raise self._as_error(exc) from None
        self._take([])
        return False

    def _take(self, batch: list[Any]) -> None:
        """Have a batch at hand, without what is before the offset, or beyond the
        limit."""
        self._before += len(self._batch)
        if self._skips:
            skipped = min(self._skips, len(batch))
            self._skips -= skipped
            batch = batch[skipped:]
        if self._left is not None:
            batch = batch[: self._left]
            self._left -= len(batch)
            if not self._left:
                self._batches_left = iter(())
        self._batch = batch
        self._rest = iter(batch)

    def _batches(self) -> Iterator[list[Any]]:
        if not self._order:
            for source in self._sources:
                while not (source.is_done and not source.rows):
                    self._fill([source])
                    rows, source.rows = source.rows, []
                    yield rows
            return
        rank: Callable[[Any], Any] | None = None
        while self._sources:
            self._fill([s for s in self._sources if len(s.rows) < self._block])
            parts = [source.part for source in self._sources if source.part is not None]
            check_own(parts, {term.column for term in self._order})
            if rank is None:
                rank = rank_of(self._order, len(self.description))
            yield self._lowest(rank)
            self._sources = [
                each for each in self._sources if each.rows or not each.is_done
            ]

    @lets_go
    def _fill(self, sources: Sequence[Source]) -> None:
        """Fetch a block more of each of these that has one."""
        asked = [source for source in sources if not source.is_done]
        calls = [partial(source.ask, self._block) for source in asked]
        raised = self._workers.call_all(calls) if calls else ()
        for source, exc in zip(asked, raised, strict=True):
            if exc is not None:
                source.failed(exc)
                raise exc
        for source in asked:
            source.take(self._block, self)

    def _lowest(self, rank: Callable[[Any], Any]) -> list[Any]:
        """Take what comes before all rows that are still to come."""
        open_ = [source.rows[-1] for source in self._sources if not source.is_done]
        bound = min(map(rank, open_)) if open_ else None
        taken: list[Any] = []
        for source in self._sources:
            end = len(source.rows)
            if bound is not None:
                end = bisect_right(source.rows, bound, key=rank)
            taken += source.rows[:end]
            del source.rows[:end]
        sort_rows(taken, self._order, len(self.description))
        return taken
