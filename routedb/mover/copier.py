"""Copies a table in chunks, in the order of its primary key at the source.

No snapshot is held: each chunk is a short statement, and what changes behind it is in
the journal. What is not copied yet is never applied from the journal (see `drain`), so
a chunk meets no row at the target.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from routedb.mover import chunks
from routedb.mover.ends import Spread, Stream
from routedb.mover.sessions import Session, maker_of
from routedb.moving import keys, texts
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name

_QUEUED = 16  # blocks between reading and writing


class Copier:
    """Copies a `stream` for the move called `move`."""

    def __init__(self, stream: Stream, move: str) -> None:
        self._pair = pair = stream.pair
        self._source = stream.source
        self._target = stream.target
        self._label = stream.label
        self._move = move
        self._maker = maker_of(pair)

    def copied(self) -> chunks.Copied:
        """Return how far it is."""
        return chunks.copied(self._target, self._move, self._label)

    def copy_one(self, before: chunks.Copied, rows: int) -> chunks.Copied:
        """Copy the next chunk, of about `rows` rows, after what was copied `before`."""
        pair, target = self._pair, self._target
        table = name(pair.from_engine, pair.name)
        number = before.chunks + 1
        torn = chunks.torn(target, self._move, self._label, number)
        last = torn.last if torn else self._bound(before.upto, rows)
        if torn and isinstance(target, Spread):
            target = target.without(torn.having)
        where = f"{keys.after(pair, before.upto)} AND {keys.up_to(pair, last)}"
        select = f"SELECT {texts.line(pair)} FROM {table} WHERE {where}"
        counted = _Counted(self._source, select, pair)
        with target.transaction():
            target.fill(pair, counted.blocks(), self._maker)
            chunks.note(target, self._move, self._label, number, last, counted.rows)
        return chunks.Copied(number, before.rows + counted.rows, last, last is None)

    def _bound(self, low: keys.Key | None, rows: int) -> keys.Key | None:
        """Return the key of the last row of the next chunk; None: it is the last."""
        pair = self._pair
        engine = pair.from_engine
        columns = [name(engine, each) for each in pair.key]
        found = self._source.run(
            f"SELECT {', '.join(texts.key_texts(pair, columns))} "
            f"FROM {name(engine, pair.name)} WHERE {keys.after(pair, low)} "
            f"ORDER BY {', '.join(columns)} LIMIT 1 OFFSET {rows - 1}"
        )
        return tuple(str(each) for each in found[0]) if found else None


class _Counted:
    """Rows that another thread reads while this one writes them."""

    def __init__(self, source: Session, select: str, pair: Pair) -> None:
        self.rows = 0
        self._queue: queue.Queue[bytes | BaseException | None] = queue.Queue(_QUEUED)
        self._is_over = threading.Event()
        self._thread = threading.Thread(
            target=self._read, args=(source, select, pair), daemon=True
        )

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks of lines. Raises what reading has raised."""
        self._thread.start()
        try:
            while (block := self._queue.get()) is not None:
                if isinstance(block, BaseException):
                    raise block
                self.rows += block.count(b"\n")
                yield block
        finally:
            self._is_over.set()
            self._thread.join()

    def _read(self, source: Session, select: str, pair: Pair) -> None:
        try:
            source.lines(select, self._put, pair)
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
