"""`routedb explain`: the route of a statement, and its reasons."""

from __future__ import annotations

from contextlib import nullcontext

import click
from rich.table import Table

from routedb.cli.output import cells, console
from routedb.cli.params import parameters
from routedb.cli.startup import config_argument, open_cluster, wait_for_nodes
from routedb.engine.route.explain import Explanation


@click.command()
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
def explain(
    source: str,
    statement: str,
    params: tuple[str, ...],
    using: str | None,
    role: str | None,
) -> None:
    """Show the route of one statement and all its reasons, without running it.

    Exits with 1 and says why on the error stream when the statement is refused.
    """
    values = parameters(statement, params)
    with open_cluster(source) as cluster:
        connection = cluster.connect(autocommit=True)
        wait_for_nodes(cluster)
        is_told = using is not None or role is not None
        with connection.using(using, role=role) if is_told else nullcontext():
            explanation = connection.explain(statement, values)
        route = str(explanation.route)
    console().print(_grid(explanation, route))


def _grid(explanation: Explanation, text: str) -> Table:
    route, known = explanation.route, explanation.statement
    shards = ", ".join(map(str, route.groups))
    nodes = ", ".join(node.name for node in explanation.nodes)
    grid = Table.grid(padding=(0, 2))
    grid.add_row(*cells("route", text))
    grid.add_row(*cells("database", route.database))
    grid.add_row(*cells("groups", shards))
    grid.add_row(*cells("role", route.role.value))
    grid.add_row(*cells("nodes", nodes or "none is known yet"))
    grid.add_row(*cells("kind", f"{known.kind} ({known.verb or 'no verb'})"))
    grid.add_row(*cells("tables", ", ".join(map(str, known.tables)) or "none"))
    grid.add_row(*cells("writes", ", ".join(map(str, known.writes)) or "none"))
    for number, (reason, text) in enumerate(route.reasons, 1):
        label = "reasons" if number == 1 else ""
        grid.add_row(*cells(label, f"{number}. {text} ({reason.name})"))
    return grid
