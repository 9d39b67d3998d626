"""`routedb move`: tables move between databases while every application goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TextIO

import click

from routedb import move as moving
from routedb.cli.move_display import Display, plan_text, status_table
from routedb.cli.output import console
from routedb.cli.startup import (
    config_argument,
    config_source,
    load_config,
    report_errors,
)
from routedb.cli.streams import FAILED, Guarded, GuardedVerbs

_DEFAULT_ROWS = 50_000
name_argument = click.argument("name")
_tables = click.option(
    "--tables", default="", metavar="NAMES", help="Names or patterns, with commas."
)
_to = click.option("--to", default="", metavar="DATABASE", help="Where they go.")
_rule = (
    click.option("--shard-key", metavar="COLUMN", help="Where that is sharded."),
    click.option(
        "--function",
        metavar="NAME",
        help="Of the shard key; hash, unless the rule says another.",
    ),
    click.option(
        "--shards",
        type=click.IntRange(min=1),
        help="Of the target's shards, how many get rows.",
    ),
    click.option(
        "--keys",
        metavar="KEYS",
        help="Keys that go to one shard, with commas.",
    ),
    click.option("--shard", type=click.IntRange(min=0), help="The shard of --keys."),
    click.option(
        "--rule",
        metavar="JSON",
        help="What else the tables' rule says: key_type, bounds, values, buckets.",
    ),
)


_ddl = click.option(
    "--ddl",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="SQL that makes the tables at the target, instead of definitions of ours.",
)


def _with_rule(command: Any) -> Any:
    for option in reversed(_rule):
        command = option(command)
    return command


_format = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
)


@click.group(cls=GuardedVerbs)
def move() -> None:
    """Move tables from one database of CONFIG to another, online.

    `plan` says what would be done. `start` copies, follows what is written and
    compares; killed at any moment and started again, it goes on. `switch` has the
    tables live at the target, `undo` at the source again, with what was written
    meanwhile. `finish` ends the way back, `abort` gives a move up before the switch.
    """


@move.command(cls=Guarded)
@config_argument
@name_argument
@_tables
@_to
@_with_rule
@_ddl
@_format
def plan(
    source: str,
    name: str,
    tables: str,
    to: str,
    ddl: TextIO | None,
    format_: str,
    **rule: Any,
) -> None:
    """Say what moving the tables would do; change nothing.

    Exits with 1 when something is refused.
    """
    if not tables or not to:
        raise click.UsageError("say which tables go where: --tables and --to")
    with report_errors():
        made = moving.plan(
            config_source(source), _listed(tables), to, _read(rule), _text(ddl)
        )
    if format_ == "json":
        click.echo(json.dumps({"name": name, **asdict(made)}, default=str, indent=2))
    else:
        click.echo(plan_text(made))
    if made.refusals:
        raise SystemExit(FAILED)


@move.command(cls=Guarded)
@config_argument
@name_argument
@_tables
@_to
@_with_rule
@_ddl
@click.option(
    "--chunk-rows",
    type=click.IntRange(min=1),
    default=_DEFAULT_ROWS,
    show_default=True,
    help="Rows that are copied at once.",
)
@click.option(
    "--parallel",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Threads that copy.",
)
@click.option(
    "--rate", default="", help="At most so much in a second: 20000 (rows), 10MB."
)
@click.option(
    "--max-load",
    default="",
    metavar="BOUNDS",
    help="Wait while the source is beyond: 20, or sessions=20,lag=5s.",
)
def start(
    source: str,
    name: str,
    tables: str,
    to: str,
    ddl: TextIO | None,
    chunk_rows: int,
    parallel: int,
    rate: str,
    max_load: str,
    **rule: Any,
) -> None:
    """Copy the tables, follow what is written to them, and compare both sides.

    Started again, it goes on where it was. What is written goes on being noted until
    the move is switched or aborted: let `routedb move run` apply it meanwhile.
    """
    with report_errors(), Display() as shown:
        moving.start(
            config_source(source),
            name,
            _listed(tables),
            to,
            chunk_rows,
            shown.tell,
            _read(rule),
            parallel,
            rate,
            max_load,
            _text(ddl),
        )
    _say(source, name)


@move.command(cls=Guarded)
@config_argument
@click.argument("name", required=False)
@_format
def status(source: str, name: str | None, format_: str) -> None:
    """Say how far the move NAME, or each move, has come."""
    with report_errors():
        found = moving.status(load_config(source), name)
    if format_ == "json":
        shown: Any = [asdict(each) for each in found]
        click.echo(json.dumps(shown if name is None else shown[0], indent=2))
        return
    status_table(found).print(console())
    for each in found:
        waiting = f"waiting: {each.waiting}" if each.waiting else ""
        for line in (*each.differences, each.error, waiting):
            if line:
                click.echo(f"{each.name}: {line}")


@move.command(cls=Guarded)
@config_argument
@name_argument
def verify(source: str, name: str) -> None:
    """Apply what was noted, and compare all rows again.

    Exits with 1 when both sides differ.
    """
    with report_errors(), Display() as shown:
        moving.verify(config_source(source), name, shown.tell)
    _say(source, name)


@move.command(cls=Guarded)
@config_argument
@name_argument
@click.option("--no-reverse", is_flag=True, help="Keep no way back.")
def switch(source: str, name: str, no_reverse: bool) -> None:
    """Have the tables live at the target from now on.

    The source is fenced: whoever writes there is told where the table is. What is
    written at the target is noted for `undo`, unless --no-reverse.
    """
    with report_errors(), Display() as shown:
        moving.switch(config_source(source), name, not no_reverse, shown.tell)
    _say(source, name)


@move.command(cls=Guarded)
@config_argument
@name_argument
@click.option(
    "--seconds", type=click.FloatRange(min=0), help="End after so long; else go on."
)
def run(source: str, name: str, seconds: float | None) -> None:
    """Apply what is written: to the target before the switch, back after it."""
    with report_errors(), Display() as shown:
        moving.run(config_source(source), name, seconds, shown.tell)


@move.command(cls=Guarded)
@config_argument
@name_argument
def undo(source: str, name: str) -> None:
    """Have the tables live at the source again, with all that was written since."""
    with report_errors(), Display() as shown:
        moving.undo(config_source(source), name, shown.tell)
    _say(source, name)


@move.command(cls=Guarded)
@config_argument
@name_argument
def finish(source: str, name: str) -> None:
    """End the way back: the old tables get other names, and keep their fence."""
    with report_errors(), Display() as shown:
        moving.finish(config_source(source), name, shown.tell)
    _say(source, name)


@move.command(cls=Guarded)
@config_argument
@name_argument
def abort(source: str, name: str) -> None:
    """Give the move up: the source is as before, the copies are dropped."""
    with report_errors(), Display() as shown:
        moving.abort(config_source(source), name, shown.tell)
    _say(source, name)


def _text(file: TextIO | None) -> str:
    return "" if file is None else file.read()


def _listed(tables: str) -> list[str]:
    return [each.strip() for each in tables.split(",") if each.strip()]


def _read(said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the rule that the options say; None where they say none."""
    try:
        rule: dict[str, Any] = json.loads(said["rule"] or "{}")
    except ValueError as exc:
        raise click.UsageError(f"--rule is no JSON: {exc}") from None
    if not isinstance(rule, dict):
        raise click.UsageError("--rule is no JSON object")
    given = {key: said[key] for key in ("shard_key", "function", "shards") if said[key]}
    if said["keys"]:
        if said["shard"] is None:
            raise click.UsageError("say which shard gets --keys: --shard")
        given["keys"] = [_key(each) for each in _listed(said["keys"])]
        given["shard"] = said["shard"]
    return {**rule, **given} or None


def _key(text: str) -> int | str:
    """Return a key as a rule has it: a number where it is written as one."""
    return int(text) if text.lstrip("-").isdecimal() else text


def _say(source: str, name: str) -> None:
    with report_errors():
        (found,) = moving.status(config_source(source), name)
    click.echo(f"{name}: {found.phase}")
