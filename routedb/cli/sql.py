"""`routedb sql`: run statements, show their results and the nodes that answered."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import BinaryIO

import click

from routedb import errors
from routedb.cli.answering_nodes import answering_nodes
from routedb.cli.result_formats import FORMATS, Result
from routedb.cli.startup import (
    FAILED,
    config_argument,
    open_cluster,
    print_error,
    wait_for_nodes,
)
from routedb.cli.streams import NO_INPUT, Guarded, Input
from routedb.cluster import Cluster
from routedb.frontends.connection import Connection
from routedb.routing import dialect_for
from routedb.sql import split


@click.command(cls=Guarded)
@config_argument
@click.argument("file", type=Input("rb"), required=False)
@click.option(
    "-c",
    "--command",
    "commands",
    multiple=True,
    metavar="SQL",
    help="Run this instead of a file; may hold several statements. Repeat for more.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="table",
    show_default=True,
    help="How to show rows; json is one object a line, one for each statement.",
)
@click.option("--keep-going", is_flag=True, help="Go on after an error; exit 1 then.")
@click.option(
    "--single-transaction", is_flag=True, help="All or nothing: commit at the end."
)
def sql(
    source: str,
    file: BinaryIO | None,
    commands: tuple[str, ...],
    form: str,
    keep_going: bool,
    single_transaction: bool,
) -> None:
    """Run the statements of FILE, of each -c, or of standard input.

    Each is a transaction of its own, unless the text or --single-transaction says
    otherwise. Exits with 1 at the first error.
    """
    if file is not None and commands:
        raise click.UsageError("give either FILE or -c, not both")
    if keep_going and single_transaction:
        raise click.UsageError("--single-transaction ends at the first error")
    texts = commands or (_read(file),)
    with open_cluster(source) as cluster:
        config = cluster.config
        dialect = dialect_for(config, None)
        statements = [one for text in texts for one in split(text, dialect)]
        with closing(cluster.connect(autocommit=not single_transaction)) as connection:
            wait_for_nodes(cluster)
            runner = partial(_run, cluster, connection)
            is_good = _run_all(runner, statements, FORMATS[form], keep_going)
            is_good = _finish(connection, is_good, single_transaction)
    if not is_good:
        sys.exit(FAILED)


def _read(file: BinaryIO | None) -> str:
    """Read all of FILE or standard input, whatever encoding the locale names."""
    if file is None and sys.stdin is None:
        raise click.UsageError(f"{NO_INPUT}: give FILE or -c")
    content = (sys.stdin.buffer if file is None else file).read()
    try:
        return content.decode("utf-8-sig")  # a byte order mark is no part of the text
    except UnicodeDecodeError as exc:
        raise click.UsageError(f"the statements are no UTF-8 text: {exc}") from exc


def _run_all(
    run: Callable[[str], Result],
    statements: list[str],
    show: Callable[[Result], None],
    keep_going: bool,
) -> bool:
    """Run one after another; return whether all went well."""
    is_good = True
    for statement in statements:
        try:
            result = run(statement)
        except (errors.Error, errors.Warning) as exc:
            print_error(exc)
            is_good = False
            if not keep_going:
                break
        else:
            show(result)
    return is_good


def _finish(connection: Connection, is_good: bool, single_transaction: bool) -> bool:
    """Commit a single transaction; print a note when one is left open and rolled
    back."""
    if single_transaction and is_good:
        connection.commit()
    elif connection.in_transaction:
        connection.rollback()
        click.echo("the open transaction was rolled back", err=True)
        return False
    return is_good


def _run(cluster: Cluster, connection: Connection, statement: str) -> Result:
    """Run one statement and fetch its rows. Raises what the cursor raises."""
    began = time.perf_counter()
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        columns = tuple(column[0] for column in cursor.description or ())
        rows = cursor.fetchall() if columns else []
        return Result(
            sql=statement,
            columns=columns,
            rows=rows,
            rowcount=cursor.rowcount,
            node=answering_nodes(cluster, cursor),
            route=str(cursor.route or ""),
            seconds=time.perf_counter() - began,
        )
