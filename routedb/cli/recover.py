"""`routedb recover`: finish the prepared branches that transactions have left."""

from __future__ import annotations

import sys
import time

import click

from routedb import adapters
from routedb.cli.check import ask_all, find_members, hear
from routedb.cli.output import cells, console
from routedb.cli.startup import config_argument, load_config, report_errors
from routedb.cli.streams import FAILED, Guarded
from routedb.cli.tables import Listing
from routedb.config.model import ClusterConfig
from routedb.engine.shared.core import Core
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.shared.recovery import GRACE_S, Found, Recovery

_PAUSE_S = 5.0  # between two rounds of --watch
_HEADERS = ("node", "branch", "decider", "age", "outcome")


@click.command(cls=Guarded)
@config_argument
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=GRACE_S,
    show_default=True,
    metavar="SECONDS",
    help="Leave branches alone that are younger.",
)
@click.option("--watch", is_flag=True, help="Go on until interrupted.")
def recover(source: str, grace: float, watch: bool) -> None:
    """Finish the prepared branches of transactions over several databases of CONFIG.

    Each is committed when its transaction is, and rolled back else; a transaction that
    is still on its way loses. Branches of other applications are left alone. Safe to
    run at any time, by many at once.

    Exits with 0 when no branch is left, with 1 when one is, or a database could not be
    asked.
    """
    config = load_config(source)
    with report_errors():
        while True:
            is_clean = _round(config, grace)
            if not watch:
                sys.exit(0 if is_clean else FAILED)
            time.sleep(_PAUSE_S)


def _round(config: ClusterConfig, grace: float) -> bool:
    """Recover once, show what was found; tell whether nothing is left."""
    core = Core(config, adapters.load)
    try:
        find_members(core)
        hear(core, ask_all(core))
        recovery = Recovery(ledger_of(core))
        found = recovery.round(grace)
        if found:
            _table(found).print(console())
        for text in recovery.troubles:
            click.echo(text, err=True)
        recovery.forget_old()
        return not recovery.troubles and all(each.finished for each in found)
    finally:
        core.close()


def _table(found: list[Found]) -> Listing:
    made = Listing(cells(*_HEADERS))
    for each in found:
        age = f"{each.age_s:.0f} s"
        outcome = each.finished or f"left: {each.why}"
        row = (each.node, str(each.branch), each.branch.decider, age, outcome)
        made.add_row(*cells(*row))
    return made
