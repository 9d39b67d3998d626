"""A table copied by several threads, each with sessions of its own.

Chunks are handed out in the order of the key, and may be done in another one. What is
followed is what lies before the first that is missing (`chunks.Copied`), so a chunk
meets no row that the journal has brought; a mover that died leaves gaps, which are
filled first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from queue import SimpleQueue

from routedb.mover.chunks import Copied
from routedb.mover.copier import Copier, Range
from routedb.mover.ends import Stream
from routedb.mover.sessions import Session
from routedb.mover.throttle import Throttle

Done = tuple[int, int]  # rows, bytes


def threads_for(stream: Stream, threads: int) -> int:
    """Return how many of `threads` may copy `stream`: one writes to a SQLite file at a
    time, and one spreads rows over shards."""
    target = stream.target
    if not isinstance(target, Session):
        return 1
    return 1 if "sqlite" in (stream.source.engine, target.engine) else threads


def copied_together(
    copier: Copier,
    others: list[Copier],
    copied: Copied,
    rows: int,
    throttle: Throttle,
    tick: Callable[[], None],
) -> Iterator[int]:
    """Copy what is left behind `copied`, in chunks of `rows` rows, by the `others`, as
    `copier` hands out; yield how many rows there are. `throttle` holds them up, and
    calls `tick` then. Raises what one of them raises, once all have stopped."""
    free: SimpleQueue[Copier] = SimpleQueue()
    for other in others:
        free.put(other)

    def work(what: Range) -> Done:
        own = free.get()
        try:
            return own.copy_range(what)
        finally:
            free.put(own)

    total = copied.rows
    running: set[Future[Done]] = set()
    ranges = copier.ranges(copied, rows)
    with ThreadPoolExecutor(len(others), "routedb-mover") as executor:
        while True:
            while len(running) < len(others):
                throttle.wait(tick)
                if (what := next(ranges, None)) is None:
                    break
                running.add(executor.submit(work, what))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                count, size = each.result()
                throttle.spent(count, size)
                total += count
            yield total


def opened(stream: Stream, move: str, threads: int, stack: ExitStack) -> list[Copier]:
    """Return copiers of `stream` for so many `threads` of the move called `move`;
    `stack` closes their sessions."""
    made = []
    for _ in range(threads):
        ends = []
        for session in (stream.source, *stream.target.parts):
            ends.append(stack.enter_context(closing(session.again())))
        made.append(Copier(stream._replace(source=ends[0], target=ends[1]), move))
    return made
