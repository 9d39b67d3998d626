"""`routedb check --queries`: where the statements of a log would go."""

from __future__ import annotations

import sys
from typing import TextIO

import click
from rich.text import Text

from routedb.cli.dry_run import DryRun
from routedb.cli.logs import read
from routedb.cli.output import cells, console
from routedb.cli.streams import FAILED
from routedb.cli.tables import Listing
from routedb.config.model import ClusterConfig
from routedb.engine.plans.tally import Line, Report

_HEADERS = ("count", "database", "role", "reason", "statement")


def check_queries(config: ClusterConfig, log: TextIO, form: str | None) -> None:
    """Print the route of every shape in `log`, and the totals.

    `config` routes them, `form` is the format of the log; None: detect it. Exits with 1
    when a statement would be refused.
    """
    dry_run = DryRun(config)
    report = dry_run.run(read(log, form))
    _table(report).print(console())
    click.echo(report.totals)
    if dry_run.controls:
        click.echo(f"beside them {dry_run.controls} BEGIN, COMMIT and the like")
    if report.refused:
        sys.exit(FAILED)


def _table(report: Report) -> Listing:
    made = Listing(cells(*_HEADERS))
    for line in report.lines:
        made.add_row(*_cells(line))
    return made


def _cells(line: Line) -> list[Text]:
    where = "refused", line.refusal
    if line.role is not None:
        where = str(line.database), line.role.value
    style = "red" if line.refusal else ""
    return cells(line.count, *where, line.reason, line.shape, style=style)
