"""A bar for statements over several groups that take longer than a second."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from routedb.cli.output import console
from routedb.events import MergeProgress
from routedb.merge.limits import spelt

_AFTER_S = 1.0


class StatementBar:
    """Shows, for the length of a block, how far a statement has come: on the error
    stream, where that is a terminal, and only once it has taken a second.

    `update` is told of it, by any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._latest: MergeProgress | None = None
        self._bar: Progress | None = None
        self._timer = threading.Timer(_AFTER_S, self._show)
        self._timer.daemon = True

    def __enter__(self) -> StatementBar:
        if sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._latest = None  # a timer that is late shows nothing
            if self._bar is not None:
                self._bar.stop()

    def update(self, progress: MergeProgress) -> None:
        """Show this from now on."""
        with self._lock:
            self._latest = progress
            if self._bar is not None:
                self._draw(self._bar, progress)

    def _show(self) -> None:
        with self._lock:
            if self._latest is None:  # of one group, or over
                return
            bar = self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                console=console(stderr=True),
                transient=True,
            )
            bar.add_task("")
            self._draw(bar, self._latest)
            bar.start()

    def _draw(self, bar: Progress, progress: MergeProgress) -> None:
        said = (
            f"{progress.answered} of {progress.asked} groups, {progress.rows} rows, "
            f"{spelt(progress.bytes)}"
        )
        (task,) = bar.task_ids
        bar.update(
            task,
            description=said,
            total=progress.asked,
            completed=progress.answered,
        )
