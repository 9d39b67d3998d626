"""`routedb demo`: the main job on files of one's own, in a few seconds.

`shop` makes the files and the configuration, `script` has the statements with what is
expected of each, `player` runs them, `outcome` compares. Out go two tables.
`transfers` is another demo, on servers, and `spark` one in Spark.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.text import Text

from routedb.cli.demo.outcome import Outcome
from routedb.cli.demo.player import News, Player
from routedb.cli.demo.script import PLANS, TROUBLE, WORK
from routedb.cli.demo.shop import Shop
from routedb.cli.demo.spark import run as run_in_spark
from routedb.cli.demo.transfers import Transfers
from routedb.cli.output import cells, console
from routedb.cli.plan_formats import print_text
from routedb.cli.startup import report_errors, wait_for_nodes
from routedb.cli.streams import FAILED, Guarded
from routedb.cli.tables import Listing
from routedb.cluster import Cluster

_NARROW = {"route": 18, "node": 14, "gave": 12}  # columns, with their greatest width
_WIDTH = 120  # without a terminal; limits the lines of a log


@click.command(cls=Guarded)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Leave the shop in this new folder, to try the other commands on.",
)
@click.option(
    "--transfers",
    nargs=2,
    metavar="DSN DSN",
    help="Move money between two databases in a program that is killed, instead.",
)
@click.option(
    "--spark", is_flag=True, help="Count the shop's orders in Spark, instead."
)
def demo(keep: Path | None, transfers: tuple[str, str] | None, spark: bool) -> None:
    """Run a small shop on SQLite files: four databases behind one connection.

    Shows for every statement the route, the reason and the node that answered; then
    takes nodes away while the work goes on. Exits with 1 when a statement does not do
    what the demo's script expects.
    """
    if transfers is not None:
        with report_errors():
            is_good = Transfers(transfers).run()
        sys.exit(0 if is_good else FAILED)
    with TemporaryDirectory(prefix="routedb-demo-") as temporary:
        folder = _new(keep) if keep is not None else Path(temporary)
        with report_errors():
            shop = Shop(folder)
            is_good = run_in_spark(shop) if spark else _run(shop)
    if keep is not None:
        click.echo(f"Try: routedb check {keep / 'routedb.toml'}")
    if not is_good:
        sys.exit(FAILED)


def _new(folder: Path) -> Path:
    if folder.exists():
        raise click.UsageError(f"--keep: {folder} is there already; name a new folder")
    folder.mkdir(parents=True)
    return folder.resolve()


def _run(shop: Shop) -> bool:
    shop.build()
    screen = console(_WIDTH)
    screen.print(f"The shop's configuration:\n\n{shop.config.read_text('utf-8')}")
    with (
        Cluster(shop.config) as cluster,
        closing(cluster.connect(autocommit=True)) as connection,
    ):
        wait_for_nodes(cluster)
        player = Player(shop, cluster, connection)
        work = player.play(WORK)
        _table("One connection, four databases", work).print(screen)
        for title, sql in PLANS:
            screen.print(title, style="italic", soft_wrap=True)
            print_text(connection.explain(sql, analyze=True), sql)
            screen.print()
        trouble = player.play(TROUBLE)
        _table("Nodes go away, the work goes on", trouble).print(screen)
    return _tell([one for one in work + trouble if isinstance(one, Outcome)])


def _tell(outcomes: Sequence[Outcome]) -> bool:
    """Print the result; return whether all did what was expected."""
    wrong = sum(bool(outcome.trouble) for outcome in outcomes)
    if wrong:
        click.echo(f"{wrong} of {len(outcomes)} statements were not as expected.")
    else:
        click.echo(f"All {len(outcomes)} statements did what was expected.")
    return not wrong


def _table(title: str, outcomes: Sequence[Outcome | News]) -> Listing:
    headers = cells("statement, and the reason for its route", *_NARROW)
    made = Listing(headers, title, dict(enumerate(_NARROW.values(), 1)))
    for outcome in outcomes:
        if isinstance(outcome, News):
            made.add_row(*cells(f"-- {outcome.text} --", style="bold yellow"))
            continue
        style = "red" if outcome.trouble else "yellow" if outcome.is_refused else ""
        values = cells(outcome.route, outcome.node, outcome.gave, style=style)
        made.add_row(_statement(outcome), *values)
    return made


def _statement(outcome: Outcome) -> Text:
    """Both long texts in one column: side by side they would be two narrow ones."""
    text = Text(outcome.sql)
    if outcome.reason:
        text.append(f"\n  {outcome.reason}", "dim")
    if outcome.trouble:
        text.append(f"\n  NOT AS EXPECTED: {outcome.trouble}", "red")
    return text
