"""Tables in Spark: `python -m benchmarks spark`.

`lineitem` of TPC-H 0.1, over four shards, read whole by routedb's data source and by
Spark's own JDBC source, with as many partitions; then the 22 queries, whose answers are
compared with one PostgreSQL's. Spark runs two tasks at a time, on this machine.

Needs pyspark (`make .venv/spark.stamp`), Debian's libpostgresql-jdbc-java and the extra
`bench`.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg2.extensions import parse_dsn

from benchmarks.timing import Row
from benchmarks.tpch.data import SHARDED, TABLES, generate
from benchmarks.tpch.queries import queries
from benchmarks.tpch.worlds import SHARDS, world
from routedb.integrations.spark import register, sql, table

SCALE = 0.1
ROUNDS = 5
PER_SHARD = 2  # partitions
JDBC = Path("/usr/share/java/postgresql.jar")


def run() -> list[Row]:
    """Measure everything; takes some minutes."""
    if not JDBC.exists():
        raise SystemExit(
            f"{JDBC} is not there: apt-get install libpostgresql-jdbc-java"
        )
    with TemporaryDirectory() as folder:
        generate(SCALE, Path(folder))
        with world(Path(folder), is_mixed=False, has_foreign=False) as made:
            dsns = [node.dsn for node in made.routed.session.core.nodes]
            config = Path(folder) / "routedb.toml"
            config.write_text(_toml(dsns), encoding="utf-8")
            spark = _session()
            try:
                return [*_reading(spark, config, dsns), *_answers(spark, config, made)]
            finally:
                spark.stop()


def _toml(dsns: Sequence[str]) -> str:
    shards = ", ".join(f'["{dsn}"]' for dsn in dsns)
    lines = [f'default = "all"\n[databases.all]\nshards = [{shards}]\n[tables]']
    for name in TABLES:
        key = SHARDED.get(name)
        how = (
            "reference = true"
            if key is None
            else f'shard_key = "{key}", function = "modulo", key_type = "integer"'
        )
        lines.append(f'"{name}" = {{ database = "all", {how} }}')
    return "\n".join(lines)


def _session() -> Any:
    from pyspark.sql import SparkSession  # noqa: PLC0415  (of an extra)

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder: Any = SparkSession.builder.master("local[2]")
    for key in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(key, "false")
    builder = builder.config("spark.sql.shuffle.partitions", "4")
    builder = builder.config("spark.driver.extraClassPath", str(JDBC))
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    register(spark)
    return spark


# -- reading one table -----------------------------------------------------------------


def _reading(spark: Any, config: Path, dsns: Sequence[str]) -> list[Row]:
    rows = table(spark, config, "lineitem").count()
    each = rows // (SHARDS * PER_SHARD) + SHARDS
    ways: dict[str, Callable[[], Any]] = {
        "routedb": lambda: table(
            spark,
            config,
            "lineitem",
            partition_rows=each + each // 10,
            max_connections_per_node=PER_SHARD,
        ),
        "JDBC": lambda: _by_jdbc(spark, dsns),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, make in ways.items():
            began = time.perf_counter()
            make().write.format("noop").mode("overwrite").save()
            if turn:  # the first starts Spark's workers, and compiles
                times[name].append(time.perf_counter() - began)
    ours, other = (statistics.median(found) for found in times.values())
    counts = [make().rdd.getNumPartitions() for make in ways.values()]
    note = (
        f"{ours:.2f} s against {other:.2f} s for {rows} rows, "
        f"{rows / ours / 1000:.0f} and {rows / other / 1000:.0f} thousand rows/s, "
        f"{counts[0]} and {counts[1]} partitions"
    )
    return [Row("Spark reads lineitem, of JDBC's time", ours / other, "x", 1.0, note)]


def _by_jdbc(spark: Any, dsns: Sequence[str]) -> Any:
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
            .option("user", said["user"])
            .option("password", said["password"])
            .option("dbtable", "lineitem")
            .option("partitionColumn", "l_orderkey")
            .option("lowerBound", 1)
            .option("upperBound", int(6_000_000 * SCALE))
            .option("numPartitions", PER_SHARD)
            .option("fetchsize", 10_000)
            .load()
        )
        found = frame if found is None else found.unionAll(frame)
    return found


# -- the 22 queries --------------------------------------------------------------------


def _answers(spark: Any, config: Path, made: Any) -> list[Row]:
    wrong, began = [], time.perf_counter()
    texts = queries()
    for number, text in texts.items():
        cursor = made.one.cursor()
        cursor.execute(text)
        expected = [tuple(row) for row in cursor.fetchall()]
        found = [tuple(row) for row in sql(spark, config, text).collect()]
        fault = _difference(found, expected)
        print(f"TPC-H {number:2} {fault or 'right'}", flush=True)
        if fault:
            wrong.append(number)
    seconds = time.perf_counter() - began
    note = f"{len(texts) - len(wrong)} of {len(texts)} right in {seconds:.0f} s"
    return [Row("TPC-H answers that differ in Spark", len(wrong), "", 0.5, note)]


def _difference(found: list[Any], expected: list[Any]) -> str:
    """Say what differs from PostgreSQL's rows, in Spark's types; "" is nothing."""
    if len(found) != len(expected):
        return f"WRONG {len(found)} rows, not {len(expected)}"
    for place, (mine, its) in enumerate(zip(found, expected, strict=True)):
        if len(mine) != len(its) or not all(map(_is_same, mine, its)):
            return f"WRONG row {place}: {mine}, not {its}"
    return ""


def _is_same(mine: Any, its: Any) -> bool:
    """Tell whether two values are one: a mean has six places in Spark, and a char(n) no
    blanks at its end."""
    if isinstance(mine, Decimal) and its is not None:
        places = Decimal(1).scaleb(int(mine.as_tuple().exponent))
        return abs(mine - Decimal(its)) <= places / 2
    if isinstance(mine, float) and its is not None:
        return abs(mine - float(its)) <= 1e-9 * max(1.0, abs(mine))
    if isinstance(mine, str) and isinstance(its, str):
        return mine == its.rstrip()
    return bool(mine == its)
