"""`routedb check --references`: which rows refer to nothing, shown."""

from __future__ import annotations

import json
import re
import sys
from contextlib import closing
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from routedb.cli.orphans import Orphans, find_orphans, placed
from routedb.cli.output import cells, console
from routedb.cli.startup import open_cluster, wait_for_nodes
from routedb.cli.streams import FAILED
from routedb.cli.tables import Listing
from routedb.config.model import Reference
from routedb.config.references import recorded
from routedb.frontends.connection import Connection
from routedb.merge.recorded import RECORDS

_HEADERS = ("reference", "rows", "orphans", "keys", "such as")
_SHOWN = 5  # keys
_NAMES = re.compile(r'"(?:[^"]|"")+"|`(?:[^`]|``)+`|[^."`]+').findall
_SCHEMA_TABLES = "SELECT table_name FROM information_schema.tables"
_TABLES = {
    "postgresql": _SCHEMA_TABLES,
    "mysql": f"{_SCHEMA_TABLES} WHERE table_schema = DATABASE()",
    "sqlite": "SELECT name FROM sqlite_master",
}


def check_references(source: str, as_json: bool) -> None:
    """Look for orphans by each of the `[references]` of `source`, and show them, with
    `as_json` as one JSON list.

    Exits with 1 when there are any, and with 2 for a CONFIG without references.
    """
    with open_cluster(source) as cluster:
        references = cluster.config.references
        with closing(cluster.connect(autocommit=True)) as connection:
            wait_for_nodes(cluster)
            known = recorded_references(connection)
            references += tuple(each for each in known if each not in references)
            if not references:
                raise click.UsageError(
                    f"{cluster.config.source} has no [references], and none are "
                    'recorded: write "child.column" = "parent.column" there'
                )
            with _progress() as progress:
                found = [_watched(connection, each, progress) for each in references]
    if as_json:
        click.echo(json.dumps([_as_object(each) for each in found], ensure_ascii=False))
    else:
        _print(found)
    if any(each.keys for each in found):
        sys.exit(FAILED)


def recorded_references(connection: Connection) -> list[Reference]:
    """Return what definitions have recorded (`foreign_keys = "record"`), of the tables
    that are still there. `connection` is in autocommit mode."""
    found: dict[Reference, None] = {}
    for name, database in connection.session.core.config.databases.items():
        if database.is_sharded:
            continue
        with connection.using(name, role="writer"), closing(connection.cursor()) as own:
            own.execute(_TABLES[database.dialect])
            tables = {str(row[0]).lower() for row in own.fetchall()}
            if RECORDS not in tables:
                continue
            own.execute(f"SELECT child, parent FROM {RECORDS} ORDER BY child, parent")
            for child, parent in own.fetchall():
                reference = recorded(child, parent)
                if reference and _name(reference.child.table) in tables:
                    found[reference] = None
    return list(found)


def _name(table: str) -> str:
    """Return the name of a table without its schema, in small letters."""
    last: str = _NAMES(table)[-1]
    if last[0] in '"`':
        last = last[1:-1].replace(last[0] * 2, last[0])
    return last.lower()


def _progress() -> Progress:
    """Return a bar on the error stream, which shows on a terminal only."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )


def _watched(
    connection: Connection, reference: Reference, progress: Progress
) -> Orphans:
    task = progress.add_task(str(reference), total=_rows(connection, reference))
    return find_orphans(
        connection, reference, lambda rows: progress.advance(task, rows)
    )


def _rows(connection: Connection, reference: Reference) -> int | None:
    """Return how many rows the child has, where a bar is shown."""
    if not sys.stderr.isatty():
        return None
    child = reference.child
    with placed(connection, child), closing(connection.cursor()) as cursor:
        cursor.execute(f"SELECT count(*) FROM {child.table}")
        [(count,)] = cursor.fetchall()
    return int(count)


def _as_object(found: Orphans) -> dict[str, Any]:
    """Return what was found for one reference, all orphans' keys as text with it."""
    return {
        "reference": str(found.reference),
        "rows": found.rows,
        "orphans": sum(found.keys.values()),
        "keys": [
            {"key": [str(value) for value in key], "rows": rows}
            for key, rows in found.keys.items()
        ],
    }


def _print(found: list[Orphans]) -> None:
    made = Listing(cells(*_HEADERS))
    for each in found:
        some = ", ".join(_shown(key) for key in list(each.keys)[:_SHOWN])
        if len(each.keys) > _SHOWN:
            some += ", …"
        orphans = sum(each.keys.values())
        values = (each.reference, each.rows, orphans, len(each.keys), some)
        made.add_row(*cells(*values, style="red" if orphans else ""))
    made.print(console())


def _shown(key: tuple[Any, ...]) -> str:
    values = ", ".join(str(value) for value in key)
    return values if len(key) == 1 else f"({values})"
