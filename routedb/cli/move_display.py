"""What `routedb move` shows: a plan, moves, and how one comes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType

import click
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from routedb import move as moving
from routedb.cli.output import cells, console
from routedb.cli.tables import Listing
from routedb.merge.limits import spelt

_LINE_S = 5.0  # between two plain lines about one step
_BEFORE = "before: "  # what is about to be written, and told again when it is
_HEADERS = (
    *("move", "phase", "from", "to", "tables"),
    *("rows", "of about", "journal", "lag"),
)


class Display:
    """Shows, for the length of a block, how a move comes on: on the error stream, as a
    bar where that is a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._last: tuple[str, str, float] = "", "", 0.0  # step, table, when
        self._first: dict[str, tuple[float, int]] = {}  # when, and how many rows

    def __enter__(self) -> Display:
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f} of about {task.total:,.0f} rows"),
                TextColumn("{task.fields[more]}"),
                TimeRemainingColumn(),
                console=console(stderr=True),
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, progress: moving.Progress) -> None:
        """Show this from now on."""
        if progress.step.startswith(_BEFORE):
            return
        more = self._more(progress) if progress.step == "chunk copied" else ""
        if self._bar is not None and progress.step == "chunk copied":
            self._draw(self._bar, progress, more)
            return
        now = time.monotonic()
        *last, at = self._last
        if [progress.step, progress.table] == last and now < at + _LINE_S:
            return
        self._last = progress.step, progress.table, now
        of = f" of about {progress.total:,}" if progress.total else ""
        rows = f", {progress.rows:,}{of} rows" if progress.rows else ""
        more = f", {more}" if more else ""
        click.echo(f"{progress.table} {progress.step}{rows}{more}".strip(), err=True)

    def _more(self, progress: moving.Progress) -> str:
        """Return how many bytes were copied of a table, and how many rows a second
        since the first chunk."""
        if not progress.rows:
            return ""
        now = time.monotonic()
        began, rows = self._first.setdefault(progress.table, (now, progress.rows))
        taken = now - began
        rate = f", {(progress.rows - rows) / taken:,.0f} rows/s" if taken else ""
        return f"{spelt(progress.bytes)}{rate}"

    def _draw(self, bar: Progress, progress: moving.Progress, more: str) -> None:
        task = self._tasks.get(progress.table)
        if task is None:
            task = bar.add_task(progress.table, more=more)
            self._tasks[progress.table] = task
        most = max(progress.total, progress.rows)
        bar.update(task, total=most, completed=progress.rows, more=more)


def plan_text(plan: moving.Plan) -> str:
    """Return `plan` as text."""
    lines = [f"from {plan.source} to {plan.target}"]
    lines += [f"  {t}.{c}: {was} -> {becomes}" for t, c, was, becomes in plan.types]
    lines += [
        f"about {plan.rows:,} rows, {spelt(plan.bytes)}; copying takes about "
        f"{plan.seconds:,.0f} s"
    ]
    lines += [f"{text};" for text in plan.ddl]
    lines += [f"note: {each}" for each in plan.notes]
    lines += [f"refused: {each}" for each in plan.refusals]
    return "\n".join(lines)


def status_table(found: Sequence[moving.Status]) -> Listing:
    """Return the moves `found`, a row each."""
    made = Listing(cells(*_HEADERS))
    for each in found:
        journal = "" if each.journal is None else f"{each.journal:,}"
        made.add_row(
            *cells(each.name, each.phase, each.source, each.target),
            *cells(", ".join(each.tables), f"{each.rows:,}", f"{each.total:,}"),
            *cells(journal, "" if each.lag_s is None else f"{each.lag_s:.0f} s"),
        )
    return made
