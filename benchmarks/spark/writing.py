"""Rows written to their shards, by tasks of which some are killed and run again."""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2

from benchmarks.spark import WRITTEN, Setting
from benchmarks.timing import Row
from benchmarks.tpch.worlds import SHARDS
from tests.support.dying_tasks import NAME, dying_rows, dying_source

PARTITIONS = 8
_BEFORE, _AFTER = (2, 5), (3, 6)  # partitions whose first task dies, and when


def writing(spark: Any, setting: Setting) -> list[Row]:
    """Write the rows as one load, twice, and look where they are."""
    for dsn in setting.dsns:
        _ask(
            dsn,
            f"CREATE TABLE {WRITTEN} (id bigint PRIMARY KEY, k int, t text)",
            has_rows=False,
        )
    frame = spark.range(0, setting.rows, 1, PARTITIONS).selectExpr(
        "id", "CAST(id % 1000 AS int) AS k", "concat('row ', id) AS t"
    )
    seconds = []
    with TemporaryDirectory() as folder:
        spark.dataSource.register(dying_source(folder, _AFTER))

        rows = frame.mapInArrow(partial(dying_rows, folder, _BEFORE), frame.schema)
        for _ in range(2):  # the second time all is there
            began = time.perf_counter()
            rows.write.format(NAME).mode("append").options(
                config=str(setting.config), table=WRITTEN, load_id="benchmark"
            ).save()
            seconds.append(time.perf_counter() - began)
            print(f"{setting.rows} rows written: {seconds[-1]:.1f} s", flush=True)
        died = sorted(path.name for path in Path(folder).iterdir())
    return [_judged(setting, seconds, len(died))]


def _judged(setting: Setting, seconds: list[float], died: int) -> Row:
    text = f"SELECT count(*), count(DISTINCT id), min(id % {SHARDS}), "
    text += f"max(id % {SHARDS}) FROM {WRITTEN}"
    found = [_ask(dsn, text) for dsn in setting.dsns]
    each = setting.rows // SHARDS
    wrong = [
        number
        for number, row in enumerate(found)
        if row != (each, each, number, number)
    ]
    noted = sum(
        _ask(dsn, "SELECT count(*) FROM routedb_loads")[0] for dsn in setting.dsns
    )
    faults = len(wrong) + (noted != PARTITIONS) + (died != len(_BEFORE + _AFTER))
    note = (
        f"{setting.rows} rows of {PARTITIONS} partitions in {seconds[0]:.0f} s, "
        f"{setting.rows / seconds[0] / 1000:.0f} thousand rows/s, {died} tasks killed; "
        f"the whole load again in {seconds[1]:.0f} s; "
        f"rows of the shards: {', '.join(str(row[0]) for row in found)}"
    )
    return Row("rows that Spark wrote wrongly", faults, "", 0.5, note)


def _ask(dsn: str, text: str, has_rows: bool = True) -> Any:
    """Run a text on a shard; return its first row, if it `has_rows`."""
    with closing(psycopg2.connect(dsn)) as raw, raw.cursor() as cursor:
        raw.autocommit = True
        cursor.execute(text)
        return cursor.fetchone() if has_rows else None
