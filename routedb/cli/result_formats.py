"""The three formats in which `routedb sql` prints the result of a statement."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from routedb.cli.output import (
    cells,
    console,
    hexadecimal,
    is_binary,
    milliseconds,
)
from routedb.cli.tables import Listing


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one statement. `columns` is empty when it has no rows."""

    sql: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    rowcount: int
    node: str  # "" for the control of a transaction, as for the route
    route: str
    seconds: float

    @property
    def summary(self) -> str:
        """The number of rows, the node and the time, in one line."""
        if self.columns:
            amount = _count(len(self.rows), "row")
        elif self.rowcount >= 0:
            amount = f"{_count(self.rowcount, 'row')} affected"
        else:
            amount = "done"
        where = [f"{self.route} on {self.node}"] if self.route else []
        return ", ".join([amount, *where, milliseconds(self.seconds)])


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def show_table(result: Result) -> None:
    """Rows as a table, with the summary below."""
    screen = console()
    if result.columns:
        made = Listing(cells(*result.columns), keeps_empty=True)
        for row in result.rows:
            made.add_row(*cells(*row))
        made.print(screen)
    screen.print(f"({result.summary})", soft_wrap=True)


def show_csv(result: Result) -> None:
    """Rows as RFC 4180 has them, NULL as nothing; the summary on the error stream."""
    if result.columns:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows(map(_csv_values, result.rows))
    sys.stdout.flush()  # the rows come first, and an error of theirs
    click.echo(result.summary, err=True)


def _csv_values(row: Sequence[Any]) -> list[Any]:
    return [hexadecimal(value) if is_binary(value) else value for value in row]


def show_json(result: Result) -> None:
    """One object for each statement, one on a line."""
    said = {
        "sql": result.sql,
        "node": result.node,
        "route": result.route,
        "ms": round(result.seconds * 1000, 3),
        "rowcount": result.rowcount,
        "columns": list(result.columns),
        "rows": [[_json_value(value) for value in row] for row in result.rows],
    }
    click.echo(json.dumps(said, ensure_ascii=False))


def _json_value(value: Any) -> Any:
    """Return text for what JSON does not have: decimals, dates, bytes, NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_binary(value):
        return hexadecimal(value)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    return str(value)


FORMATS: Mapping[str, Callable[[Result], None]] = {
    "table": show_table,
    "csv": show_csv,
    "json": show_json,
}
