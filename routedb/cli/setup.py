"""`routedb setup`: make what routedb keeps in the databases."""

from __future__ import annotations

import secrets
import sys
from contextlib import closing

import click

from routedb import adapters, errors
from routedb.cli.check import ask_all, find_members, hear
from routedb.cli.startup import config_argument, load_config, report_errors
from routedb.cli.streams import FAILED, Guarded
from routedb.config.label import label_of
from routedb.config.mask import mask
from routedb.config.model import ClusterConfig
from routedb.engine.shared.core import Core
from routedb.engine.shared.ledger import ledger_of
from routedb.mover.state import MOVES, Moves


@click.command(cls=Guarded)
@config_argument
@click.option(
    "--print", "is_dry", is_flag=True, help="Connect to nothing; print the statements."
)
def setup(source: str, is_dry: bool) -> None:
    """Make what routedb keeps in the databases of CONFIG: in each database and shard
    the table of decisions and, under `atomic_reads`, that of counts; in the home
    database that of placements, and that of moves.

    Transactions over several databases need the first, in the one that decides about
    them (`transactions = "two-phase"`). Without the right to make it at its first use,
    let somebody run this who has it. Whoever writes needs INSERT and SELECT on it, and
    who recovers DELETE; on the table of counts UPDATE as well.

    Placements say where tables are that were moved. Every program needs SELECT on them.

    Exits with 1 when a table could not be made.
    """
    config = load_config(source)
    with report_errors():
        if is_dry:
            _print(config)
        elif not _make(config):
            sys.exit(FAILED)


def _print(config: ClusterConfig) -> None:
    for group in config.groups:
        node = group.nodes[0]
        decisions = adapters.load(node.engine).decisions
        click.echo(f"-- {node.name}")
        namespace = label_of(node).namespace
        texts = decisions.texts(namespace, secrets.token_hex(6))
        if config.atomic_reads != "no":
            texts = (*texts, decisions.counts.text(namespace))
        if text := decisions.waits.text(namespace):
            texts = (*texts, text)
        if group == config.home:
            texts += adapters.load(node.engine).placements.texts(namespace)
            texts += (MOVES,) if _may_move(config) else ()
        for text in texts:
            click.echo(f"{text};")


def _make(config: ClusterConfig) -> bool:
    """Make the tables; tell whether all are there."""
    core = Core(config, adapters.load)
    try:
        find_members(core)
        hear(core, ask_all(core))
        ledger = ledger_of(core)
        is_done = True
        for group in core.groups:
            if config.databases[group.database].read_only:
                continue
            try:
                click.echo(f"{group.nodes[0].name}: {ledger.make(group.id)}")
                if group == config.home:
                    ledger.make_placements(group.id)
                    click.echo(f"{group.nodes[0].name}: the table of placements")
                    _make_moves(config)
            except errors.Error as exc:
                click.echo(mask(str(exc)), err=True)
                is_done = False
        return is_done
    finally:
        core.close()


def _may_move(config: ClusterConfig) -> bool:
    """Tell whether the home database of `config` can be that of moves."""
    return config.home is not None and config.home.nodes[0].engine != "sqlite"


def _make_moves(config: ClusterConfig) -> None:
    if _may_move(config):
        with closing(Moves(config)) as moves:
            moves.make()
            click.echo(f"{moves.session.node.name}: the table of moves")
