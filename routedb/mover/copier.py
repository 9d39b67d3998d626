"""Copies a table in chunks, in the order of its primary key at the source.

No snapshot is held: each chunk is a short statement, and what changes behind it is in
the journal. What is not copied yet is never applied from the journal (see `drain`), so
a chunk meets no row at the target.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from routedb import errors
from routedb.mover import chunks
from routedb.mover.ends import Spread, Stream, Target
from routedb.mover.sessions import Session, maker_of
from routedb.moving import keys, texts
from routedb.moving.spelling import name
from routedb.moving.types import Kind

Sink = Callable[[bytes], object]
_QUEUED = 16  # blocks between reading and writing


class Range(NamedTuple):
    """A chunk: its number, the key that it begins after, and its last one."""

    number: int
    low: keys.Key | None  # None is the beginning
    last: keys.Key | None  # None is the end


class Copier:
    """Copies a `stream` for the move called `move`."""

    def __init__(self, stream: Stream, move: str) -> None:
        self._pair = pair = stream.pair
        self._source = stream.source
        self._target = stream.target
        self._label = stream.label
        self._move = move
        self.last_copied = 0, 0  # rows and bytes of the last chunk
        self._maker = maker_of(pair)
        # Not for types that only some servers have: each of both may print it anew.
        engines = {pair.from_engine, pair.to_engine}
        kinds = {field.kind for field in pair.fields}
        is_alike = all(field.from_type == field.to_type for field in pair.fields)
        self._is_binary = (
            engines == {"postgresql"} and Kind.SAME not in kinds and is_alike
        )

    def copied(self) -> chunks.Copied:
        """Return how far it is."""
        return chunks.copied(self._target, self._move, self._label)

    def copy_one(self, before: chunks.Copied, rows: int) -> chunks.Copied:
        """Copy the next chunk, of about `rows` rows, after what was copied `before`."""
        target = self._target
        number = before.chunks + 1
        torn = chunks.torn(target, self._move, self._label, number)
        last = torn.last if torn else self._end(before, rows)
        if torn and isinstance(target, Spread):
            target = target.without(torn.having)
        count = self._copy(Range(number, before.upto, last), target)[0]
        if before.gap is not None:
            return self.copied()
        return chunks.Copied(number, before.rows + count, last, last is None)

    def copy_range(self, what: Range) -> tuple[int, int]:
        """Copy a chunk; return how many rows it had, and bytes."""
        return self._copy(what, self._target)

    def ranges(self, before: chunks.Copied, rows: int) -> Iterator[Range]:
        """Yield the chunks behind what was copied `before`, where that has no gap, of
        about `rows` rows."""
        number, low = before.chunks, before.upto
        while number == 0 or low is not None:
            number += 1
            last = self._bound(low, rows)
            yield Range(number, low, last)
            low = last

    def _copy(self, what: Range, target: Target) -> tuple[int, int]:
        pair = self._pair
        where = f"{keys.after(pair, what.low)} AND {keys.up_to(pair, what.last)}"
        table = name(pair.from_engine, pair.name)
        select = f"SELECT {texts.line(pair)} FROM {table} WHERE {where}"
        try:
            self.last_copied = self._pipe(what, target, select)
        except errors.DataError:
            if not self._is_binary:
                raise
            self._is_binary = False  # the other form names the row
            self.last_copied = self._pipe(what, target, select)
        return self.last_copied

    def _pipe(self, what: Range, target: Target, select: str) -> tuple[int, int]:
        pair = self._pair
        with target.transaction():
            if self._is_binary and isinstance(target, Session):
                counted = _Counted(partial(self._source.read_binary, select))
                rows = target.fill_binary(pair, counted.blocks())
            else:
                lines = partial(self._source.lines, select, pair=pair)
                counted = _Counted(lines)
                target.fill(pair, counted.blocks(), self._maker)
                rows = counted.rows
            ends = what.low, what.last
            chunks.note(target, self._move, self._label, what.number, ends, rows)
        return rows, counted.bytes

    def _end(self, before: chunks.Copied, rows: int) -> keys.Key | None:
        """Return the last key of the chunk after `before`; behind a gap what is there
        begins."""
        gap = before.gap
        if gap is None:
            return self._bound(before.upto, rows)
        if before.chunks + 2 >= gap.number:  # the last number that is left
            return gap.low
        return self._bound(before.upto, rows, gap.low) or gap.low

    def _bound(
        self, low: keys.Key | None, rows: int, most: keys.Key | None = None
    ) -> keys.Key | None:
        """Return the key of the last row of the chunk after `low`, up to `most`; None:
        it has fewer rows, and is the last."""
        pair = self._pair
        engine = pair.from_engine
        # With the table's name: else PostgreSQL orders by the texts that are selected.
        table = name(engine, pair.name)
        columns = [f"{table}.{name(engine, each)}" for each in pair.key]
        found = self._source.run(
            f"SELECT {', '.join(texts.key_texts(pair, columns))} "
            f"FROM {table} WHERE {keys.after(pair, low)} "
            f"AND {keys.up_to(pair, most)} "
            f"ORDER BY {', '.join(columns)} LIMIT 1 OFFSET {rows - 1}"
        )
        return tuple(str(each) for each in found[0]) if found else None


class _Counted:
    """Rows that another thread reads while this one writes them."""

    def __init__(self, read: Callable[[Sink], None]) -> None:
        self.rows = 0  # of lines
        self.bytes = 0
        self._queue: queue.Queue[bytes | BaseException | None] = queue.Queue(_QUEUED)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(read,), daemon=True)

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks of lines. Raises what reading has raised."""
        self._thread.start()
        try:
            while (block := self._queue.get()) is not None:
                if isinstance(block, BaseException):
                    raise block
                self.rows += block.count(b"\n")
                self.bytes += len(block)
                yield block
        finally:
            self._is_over.set()
            self._thread.join()

    def _read(self, read: Callable[[Sink], None]) -> None:
        try:
            read(self._put)
            self._put(None)
        except BaseException as exc:
            self._put(exc)

    def _put(self, block: bytes | BaseException | None) -> None:
        while not self._is_over.is_set():
            try:
                return self._queue.put(block, timeout=0.5)
            except queue.Full:
                continue
        return None
