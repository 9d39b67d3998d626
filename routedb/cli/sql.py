"""`routedb sql`: run statements, show their results and the nodes that answered."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from functools import partial
from typing import BinaryIO

import click

from routedb import errors
from routedb.cli.answering_nodes import answering_nodes
from routedb.cli.interrupts import Interrupts
from routedb.cli.progress import StatementBar
from routedb.cli.result_formats import FORMATS, Result
from routedb.cli.startup import (
    config_argument,
    load_config,
    open_cluster,
    print_error,
    wait_for_nodes,
)
from routedb.cli.streams import FAILED, NO_INPUT, Guarded, Input
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
@click.option(
    "--engine",
    type=click.Choice(["routedb", "spark"]),
    default="routedb",
    show_default=True,
    help="spark: queries in Spark's SQL, by its types and semantics (extra spark).",
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
    engine: str,
    keep_going: bool,
    single_transaction: bool,
) -> None:
    """Run the statements of FILE, of each -c, or of standard input.

    Each is a transaction of its own, unless the text or --single-transaction says
    otherwise. Exits with 1 at the first error. Ctrl-C has the server cancel what runs,
    and waits for its answer; a second one does not wait.
    """
    if file is not None and commands:
        raise click.UsageError("give either FILE or -c, not both")
    if keep_going and single_transaction:
        raise click.UsageError("--single-transaction ends at the first error")
    texts = commands or (_read(file),)
    if engine == "spark":
        if single_transaction:
            raise click.UsageError("--single-transaction: Spark has no transactions")
        if not _run_in_spark(source, texts, FORMATS[form], keep_going):
            sys.exit(FAILED)
        return
    with open_cluster(source) as cluster:
        config = cluster.config
        dialect = dialect_for(config, None)
        statements = [one for text in texts for one in split(text, dialect)]
        with closing(cluster.connect(autocommit=not single_transaction)) as connection:
            wait_for_nodes(cluster)
            with Interrupts(cluster, connection) as interrupts:
                runner = partial(_run, cluster, connection)
                show = FORMATS[form]
                is_good = _run_all(runner, statements, show, keep_going, interrupts)
                is_good = _finish(connection, is_good, single_transaction, interrupts)
    if interrupts.have_come():
        raise KeyboardInterrupt
    if not is_good:
        sys.exit(FAILED)


def _run_in_spark(
    source: str,
    texts: Iterable[str],
    show: Callable[[Result], None],
    keep_going: bool,
) -> bool:
    """Run queries in Spark, whose words are read as MySQL's are; return whether all
    went well."""
    from routedb.cli.spark import SparkRunner  # noqa: PLC0415  (starts slowly)

    load_config(source)  # what is wrong there is said before Spark starts
    is_good = True
    with closing(SparkRunner(source)) as runner:
        for statement in (one for text in texts for one in split(text, "mysql")):
            try:
                show(runner.run(statement))
            except errors.Error as exc:
                print_error(exc)
                is_good = False
                if not keep_going:
                    break
    return is_good


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
    interrupts: Interrupts,
) -> bool:
    """Run one after another, until Ctrl-C; return whether all went well."""
    is_good = True
    for statement in statements:
        if interrupts.have_come():
            break
        try:
            result = interrupts.outcome_of(partial(run, statement))
        except (errors.Error, errors.Warning) as exc:
            print_error(exc)
            is_good = False
            if not keep_going:
                break
        else:
            _show(partial(show, result), interrupts)
    return is_good


def _show(show: Callable[[], None], interrupts: Interrupts) -> None:
    """Show a result; after Ctrl-C say that there is one."""
    with suppress(KeyboardInterrupt), interrupts.raised():
        show()
    if interrupts.have_come():
        click.echo("the statement was done before the interrupt came", err=True)


def _finish(
    connection: Connection,
    is_good: bool,
    single_transaction: bool,
    interrupts: Interrupts,
) -> bool:
    """Commit a single transaction; print a note when one is left open and rolled
    back."""
    if single_transaction and is_good and not interrupts.have_come():
        try:
            interrupts.outcome_of(connection.commit)
        except errors.Error as exc:
            print_error(exc)
            return False
        if interrupts.have_come():
            click.echo("the transaction was committed", err=True)
    elif connection.in_transaction or (single_transaction and interrupts.have_come()):
        with suppress(errors.Error):  # lost: its server has rolled it back
            interrupts.outcome_of(connection.rollback)
        click.echo("the open transaction was rolled back", err=True)
        return False
    return is_good


def _run(cluster: Cluster, connection: Connection, statement: str) -> Result:
    """Run one statement and fetch its rows. Raises what the cursor raises."""
    began = time.perf_counter()
    with (
        closing(connection.cursor()) as cursor,
        StatementBar() as bar,
        connection.using(progress=bar.update),
    ):
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
