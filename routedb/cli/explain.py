"""`routedb explain`: the route of a statement, and its reasons."""

from __future__ import annotations

from contextlib import nullcontext

import click
from rich.text import Text

from routedb.cli.output import cells, console
from routedb.cli.params import parameters
from routedb.cli.plan_formats import PLAN_FORMATS
from routedb.cli.startup import config_argument, open_cluster, wait_for_nodes
from routedb.cli.streams import Guarded
from routedb.cli.tables import print_pairs
from routedb.engine.route.explain import Explanation


@click.command(cls=Guarded)
@config_argument
@click.argument("statement", metavar="SQL")
@click.option(
    "-p",
    "--param",
    "params",
    multiple=True,
    metavar="VALUE",
    help="A value for the next %s, or name=value for %(name)s. Repeat for more.",
)
@click.option("--using", metavar="DATABASE", help="As inside conn.using(DATABASE).")
@click.option("--role", type=click.Choice(["writer", "replica"]), help="Likewise.")
@click.option("--analyze", is_flag=True, help="Run it, if it is certainly a read.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(PLAN_FORMATS)),
    default="text",
    show_default=True,
    help="How to show the plan; html and svg are one file with a picture of it.",
)
def explain(
    source: str,
    statement: str,
    params: tuple[str, ...],
    using: str | None,
    role: str | None,
    analyze: bool,
    form: str,
) -> None:
    """Show the route of one statement and all its reasons, without running it.

    Of a statement over several groups it shows the plan: what each of them is asked,
    what is done to the rows, and why. With --analyze it is run, and the plan shows
    rows, bytes and times.

    Exits with 1 and says why on the error stream when the statement is refused.
    """
    values = parameters(statement, params)
    with open_cluster(source) as cluster:
        connection = cluster.connect(autocommit=True)
        wait_for_nodes(cluster)
        is_told = using is not None or role is not None
        with connection.using(using, role=role) if is_told else nullcontext():
            explanation = connection.explain(statement, values, analyze)
        route = str(explanation.route)
    if form == "text":
        print_pairs(console(), _pairs(explanation, route))
    if form != "text" or explanation.shows_plan:
        PLAN_FORMATS[form](explanation, statement)


def _pairs(explanation: Explanation, text: str) -> list[tuple[Text, Text]]:
    route, known = explanation.route, explanation.statement
    said = [
        ("route", text),
        ("database", route.database),
        ("groups", ", ".join(map(str, route.groups))),
        ("role", route.role.value),
        ("nodes", ", ".join(n.name for n in explanation.nodes) or "none is known yet"),
        ("kind", f"{known.kind} ({known.verb or 'no verb'})"),
        ("tables", ", ".join(map(str, known.tables)) or "none"),
        ("writes", ", ".join(map(str, known.writes)) or "none"),
    ]
    for number, (reason, why) in enumerate(route.reasons, 1):
        label = "reasons" if number == 1 else ""
        said.append((label, f"{number}. {why} ({reason.name})"))
    return [(Text(name), cells(value)[0]) for name, value in said]
