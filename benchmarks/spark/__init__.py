"""Tables in Spark: `python -m benchmarks spark`, parts by `benchmarks.spark`.

Four shards of TPC-H, and a Spark with two tasks at a time, on this machine. `lineitem`
is read whole by routedb's data source and by Spark's own for JDBC, with as many
partitions; the answers of the 22 queries are compared with one PostgreSQL's; and a
million rows are written to their shards, by tasks of which some are killed.

Needs pyspark (`make .venv/spark.stamp`), the extra `bench`, and for the first part
Debian's libpostgresql-jdbc-java.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.timing import Row
from benchmarks.tpch.data import SHARDED, TABLES, generate
from benchmarks.tpch.worlds import world

PARTS = ("reading", "answers", "writing")
WRITTEN = "written"  # a table of none of TPC-H's
ROWS = 1_000_000


class Setting(NamedTuple):
    """What the parts have: one PostgreSQL with all rows, the shards, and where their
    configuration is."""

    scale: float
    rounds: int
    rows: int
    one: Any
    dsns: Sequence[str]
    config: Path


def run(
    scale: float = 0.1,
    rounds: int = 5,
    rows: int = ROWS,
    parts: Sequence[str] = PARTS,
) -> list[Row]:
    """Measure `parts` at a `scale` of TPC-H, reading `rounds` times and writing `rows`;
    takes some minutes."""
    from benchmarks.spark.parts import RUN, session  # noqa: PLC0415  (an extra's)

    with _setting(scale, rounds, rows) as setting, session() as spark:
        return [row for part in parts for row in RUN[part](spark, setting)]


@contextmanager
def _setting(scale: float, rounds: int, rows: int) -> Iterator[Setting]:
    with TemporaryDirectory() as folder:
        generate(scale, Path(folder))
        with world(Path(folder), is_mixed=False, has_foreign=False) as made:
            dsns = [node.dsn for node in made.routed.session.core.nodes]
            config = Path(folder) / "routedb.toml"
            config.write_text(_toml(dsns), encoding="utf-8")
            yield Setting(scale, rounds, rows, made.one, dsns, config)


def _toml(dsns: Sequence[str]) -> str:
    shards = ", ".join(f'["{dsn}"]' for dsn in dsns)
    lines = [f'default = "all"\n[databases.all]\nshards = [{shards}]\n[tables]']
    for name in TABLES:
        lines.append(_rule(name, SHARDED.get(name)))
    return "\n".join([*lines, _rule(WRITTEN, "id")])


def _rule(name: str, key: str | None) -> str:
    how = (
        "reference = true"
        if key is None
        else f'shard_key = "{key}", function = "modulo", key_type = "integer"'
    )
    return f'"{name}" = {{ database = "all", {how} }}'
