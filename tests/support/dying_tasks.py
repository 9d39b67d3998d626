"""Tasks of Spark's that die once: before they write anything, or once all is committed.

Spark sees the same both times, a worker that is gone, and runs the task again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from routedb.integrations.spark import RoutedbSource

NAME = "routedb-dying"  # of the format


def dying_source(folder: str, parts: Sequence[int]) -> type[RoutedbSource]:
    """Return routedb's source, whose writers die after they have committed these
    `parts`, before Spark hears of it; `folder` keeps which have."""

    class Dying(RoutedbSource):
        @classmethod
        def name(cls) -> str:
            return NAME

        def writer(self, schema: Any, overwrite: bool) -> Any:
            writer: Any = super().writer(schema, overwrite)
            write = writer.write

            def and_die(iterator: Any) -> Any:
                done = write(iterator)
                die_once(folder, parts)
                return done

            writer.write = and_die
            return writer

    return Dying


def dying_rows(
    folder: str, parts: Sequence[int], batches: Iterator[Any]
) -> Iterator[Any]:
    """Yield `batches`, and die at the end of these `parts`."""
    yield from batches
    die_once(folder, parts)


def die_once(folder: str, parts: Sequence[int]) -> None:
    """End this process, unless it is of another part, or one has died of it."""
    from pyspark import TaskContext  # noqa: PLC0415  (of an extra)

    context: Any = TaskContext.get()
    mark = Path(folder) / f"{context.partitionId()}"
    if context.partitionId() in parts and not mark.exists():
        mark.touch()
        os._exit(9)
