"""`lineitem` read whole, by routedb's data source and by Spark's own for JDBC."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from psycopg2.extensions import parse_dsn

from benchmarks.spark import Setting
from benchmarks.timing import Row
from benchmarks.tpch.worlds import SHARDS
from routedb.integrations.spark import table

PER_SHARD = 2  # partitions
JDBC = Path("/usr/share/java/postgresql.jar")
_USER = "jdbc"


def reading(spark: Any, setting: Setting) -> list[Row]:
    """Read the table both ways in turn, and compare the times."""
    if not JDBC.exists():
        raise SystemExit(
            f"{JDBC} is not there: apt-get install libpostgresql-jdbc-java"
        )
    # What the tests' servers keep of their password took one round. JDBC's driver
    # wants the 4,096 that a server takes by itself.
    setting.one.cursor().execute(
        f"CREATE ROLE {_USER} LOGIN SUPERUSER PASSWORD '{_USER}'"
    )
    rows = table(spark, setting.config, "lineitem").count()
    most = rows // (SHARDS * PER_SHARD) * 11 // 10 + SHARDS
    ways: dict[str, Callable[[], Any]] = {
        "routedb": lambda: table(
            spark,
            setting.config,
            "lineitem",
            partition_rows=most,
            max_connections_per_node=PER_SHARD,
        ),
        "JDBC": lambda: _by_jdbc(spark, setting.dsns, setting.scale),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(setting.rounds + 1):
        for name, make in ways.items():
            began = time.perf_counter()
            make().write.format("noop").mode("overwrite").save()
            seconds = time.perf_counter() - began
            print(f"lineitem by {name}: {seconds:.2f} s", flush=True)
            if turn:  # the first starts Spark's workers, and compiles
                times[name].append(seconds)
    ours, other = (statistics.median(found) for found in times.values())
    counts = [make().rdd.getNumPartitions() for make in ways.values()]
    note = (
        f"{ours:.2f} s against {other:.2f} s for {rows} rows, "
        f"{rows / ours / 1000:.0f} and {rows / other / 1000:.0f} thousand rows/s, "
        f"{counts[0]} and {counts[1]} partitions"
    )
    return [Row("Spark reads lineitem, of JDBC's time", ours / other, "x", 1.0, note)]


def _by_jdbc(spark: Any, dsns: Sequence[str], scale: float) -> Any:
    """Return the table by Spark's own source: one URL for each shard."""
    found = None
    for dsn in dsns:
        said = parse_dsn(dsn)
        frame = (
            spark.read.format("jdbc")
            .option(
                "url",
                f"jdbc:postgresql://{said['host']}:{said['port']}/{said['dbname']}",
            )
            .option("driver", "org.postgresql.Driver")
            .option("user", _USER)
            .option("password", _USER)
            .option("dbtable", "lineitem")
            .option("partitionColumn", "l_orderkey")
            .option("lowerBound", 1)
            .option("upperBound", int(6_000_000 * scale))
            .option("numPartitions", PER_SHARD)
            .option("fetchsize", 10_000)
            .load()
        )
        found = frame if found is None else found.unionAll(frame)
    return found
