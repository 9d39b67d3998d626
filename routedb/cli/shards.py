"""`routedb shards`: what is on each shard, how it grows, and whether it is even."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console

from routedb.cli.output import cells, console
from routedb.cli.placements import learn_placements
from routedb.cli.shard_buckets import as_json, bucket_maps
from routedb.cli.shard_buckets import lines as bucket_lines
from routedb.cli.shard_tables import ShardSize, TableSize, asking, shard_sizes, sharded
from routedb.cli.startup import config_argument, open_cluster, wait_for_nodes
from routedb.cli.streams import Guarded
from routedb.cli.tables import Listing
from routedb.config.model import ClusterConfig
from routedb.merge.limits import spelt

_HEADERS = ("shard", "node", "rows", "size", "more rows", "more bytes", "hottest")
_BAR = 40  # characters
_HOT = 3  # tables


class Line(NamedTuple):
    """What is shown of a shard. `more_…` is since the last time, None at the first."""

    shard: ShardSize
    rows: int
    more_rows: int | None
    more_bytes: int | None
    hottest: tuple[str, ...]


@click.command(cls=Guarded)
@config_argument
@click.option("--exact", is_flag=True, help="Count rows, which reads all of them.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A table and a bar chart, or one JSON object.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the last figures are kept, instead of the user's state directory.",
)
def shards(source: str, exact: bool, form: str, state: Path | None) -> None:
    """Show rows, size and growth of each shard, how even they are, and what is used.

    Of tables that are sharded by hash the buckets of each shard are shown as well.

    Rows are those of sharded tables; on PostgreSQL and MySQL they are the server's
    estimates, unless counted. Growth is since this command was run last.
    """
    with open_cluster(source) as cluster:
        wait_for_nodes(cluster)
        core = cluster.runtime.core
        databases = sharded(core)
        if not databases:
            raise click.UsageError("no database of this configuration has shards")
        learn_placements(core)
        with asking(core) as session:
            found = [s for each in databases for s in shard_sizes(session, each, exact)]
        maps = {each.name: bucket_maps(core.rules, each) for each in databases}
        path = state or _state_path(cluster.config)
    before = _read(path)
    lines = [_line(shard, before) for shard in found]
    _write(path, found)
    if form == "json":
        shown = _as_json(lines, before)
        for name, its in maps.items():
            shown["databases"][name]["maps"] = as_json(its)
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    screen = console()
    _print(screen, lines)
    for name, its in maps.items():
        for text in bucket_lines(name, its):
            screen.print(*cells(text), soft_wrap=True)


# -- what was there the last time ------------------------------------------------------


def _state_path(config: ClusterConfig) -> Path:
    """Return the file for this cluster, by its nodes, as the XDG base directories have
    it."""
    home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    names = "\n".join(f"{node.database} {node.name}" for node in config.nodes)
    digest = hashlib.sha256(names.encode()).hexdigest()[:16]
    return Path(home).expanduser() / "routedb" / "shards" / f"{digest}.json"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, found: Sequence[ShardSize]) -> None:
    known = {
        _name(shard): {
            "rows": sum(table.rows for table in shard.tables),
            "bytes": shard.size,
            "tables": {_of(t): [t.rows, t.touched] for t in shard.tables},
        }
        for shard in found
    }
    text = json.dumps({"asked_at": time.time(), "shards": known})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as exc:
        said = f"the figures are not kept for the next time: {exc.strerror}"
        click.echo(said, err=True)


# -- figures ---------------------------------------------------------------------------


def _line(shard: ShardSize, before: Mapping[str, Any]) -> Line:
    rows = sum(table.rows for table in shard.tables)
    last = before.get("shards", {}).get(_name(shard))
    hottest = _hottest(shard.tables, {} if last is None else last["tables"])
    if last is None:
        return Line(shard, rows, None, None, hottest)
    return Line(shard, rows, rows - last["rows"], shard.size - last["bytes"], hottest)


def _hottest(tables: Sequence[TableSize], before: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the tables most used since the last time: by rows read and
    written where the server counts them, else by rows that came or went."""

    def use(table: TableSize) -> int:
        last: Sequence[int | None] = before.get(_of(table), (table.rows, 0))
        rows, touched = last[0] or 0, last[1]
        if table.touched is None:
            return abs(table.rows - rows)
        since = touched or 0
        return table.touched - (since if since <= table.touched else 0)

    used = sorted(tables, key=use, reverse=True)
    return tuple(_of(table) for table in used[:_HOT] if use(table))


def skew(rows: Sequence[int]) -> float:
    """Return how many times as many rows as the average shard the fullest one has."""
    return max(rows) * len(rows) / sum(rows) if sum(rows) else 1.0


def _name(shard: ShardSize) -> str:
    return f"{shard.database}[{shard.number}]"


def _of(table: TableSize) -> str:
    has_schema = table.schema not in (None, "public")
    return f"{table.schema}.{table.name}" if has_schema else table.name


def _by_database(lines: Sequence[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.shard.database, []).append(line)
    return found


# -- output ----------------------------------------------------------------------------


def _print(screen: Console, lines: Sequence[Line]) -> None:
    for name, own in _by_database(lines).items():
        made = Listing(cells(*_HEADERS))
        for line in own:
            made.add_row(*cells(*_values(line)))
        made.print(screen)
        most = max(line.rows for line in own) or 1
        width = max(len(_name(line.shard)) for line in own)
        for line in own:
            bar = "█" * round(_BAR * line.rows / most)
            text = f"{_name(line.shard):{width}}  {bar} {line.rows:,}".rstrip()
            screen.print(*cells(text), soft_wrap=True)
        even = skew([line.rows for line in own])
        said = f"{name}: the fullest shard has {even:.2f} times the average"
        screen.print(*cells(said), soft_wrap=True)
        screen.print()


def _values(line: Line) -> tuple[str, ...]:
    more_rows = "" if line.more_rows is None else f"{line.more_rows:+,}"
    more = ""
    if line.more_bytes is not None:
        more = f"{'-' if line.more_bytes < 0 else '+'}{spelt(abs(line.more_bytes))}"
    shard = line.shard
    figures = (f"{line.rows:,}", spelt(shard.size), more_rows, more)
    return (_name(shard), shard.node, *figures, ", ".join(line.hottest))


def _as_json(lines: Sequence[Line], before: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        name: {
            "skew": round(skew([line.rows for line in own]), 4),
            "shards": [_shard_json(line) for line in own],
        }
        for name, own in _by_database(lines).items()
    }
    return {"since": before.get("asked_at"), "databases": shown}


def _shard_json(line: Line) -> dict[str, Any]:
    return {
        "shard": line.shard.number,
        "node": line.shard.node,
        "rows": line.rows,
        "bytes": line.shard.size,
        "more_rows": line.more_rows,
        "more_bytes": line.more_bytes,
        "hottest": list(line.hottest),
        "tables": [
            {"name": _of(t), "rows": t.rows, "bytes": t.size, "touched": t.touched}
            for t in line.shard.tables
        ],
    }
