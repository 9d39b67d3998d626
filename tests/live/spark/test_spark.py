"""Tables in a real Spark, on servers."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from functools import partial
from typing import Any

import psycopg2
import pytest

import routedb
from tests.live.spark.conftest import PATIENCE, rows_on, run_on
from tests.live.spark.test_rows import one, sharded
from tests.support.servers import PASSWORD

pytestmark = PATIENCE

ROWS = 20_000


@pytest.fixture
def path(shards, written):
    """Four shards with a table of rows, whose numbers say their shard."""
    for number, dsn in enumerate(shards):
        run_on(
            dsn,
            "CREATE TABLE v (id bigint PRIMARY KEY, k int, t text)",
            f"INSERT INTO v SELECT 4 * n + {number}, n % 100, 'row ' || n "
            f"FROM generate_series(1, {ROWS // 4}) n",
        )
    return written(sharded(shards, "v"))


def test_filters_are_left_to_the_servers_and_answers_are_spark_s(spark, path):
    from routedb.integrations.spark import register_tables, table  # noqa: PLC0415

    frame = table(spark, path, "v", partition_rows=3000)
    pushed = table(spark, path, "v", partition_rows=3000, push_filters=True)
    found = pushed.where("k = 7 AND t LIKE 'row 1%'")
    plan = found._jdf.queryExecution().executedPlan().toString()
    assert "Filter (" not in plan
    expected = sum(
        n % 100 == 7 and str(n).startswith("1") for n in range(1, ROWS // 4 + 1)
    )
    assert found.count() == 4 * expected
    assert frame.where("k = 7").count() == ROWS // 100
    assert frame.selectExpr("sum(id)").collect()[0][0] == sum(range(4, ROWS + 4))
    assert register_tables(spark, path) == ["v"]
    counted = spark.sql("SELECT count(*) FROM v WHERE k IN (1, 2)").collect()
    assert counted[0][0] == ROWS // 50


def test_no_password_is_in_a_plan_or_an_error(spark, path):
    from routedb.integrations.spark import table  # noqa: PLC0415

    frame = table(spark, path, "v")
    execution = frame._jdf.queryExecution()
    assert PASSWORD not in execution.toString()
    assert PASSWORD not in execution.debug().toString()
    with pytest.raises(
        routedb.ProgrammingError, match="table v.*has no column"
    ) as caught:
        table(spark, path, "v", ["absent"])
    assert PASSWORD not in str(caught.value)


def test_an_error_of_a_task_names_table_and_node(spark, pg, written):
    from routedb.integrations.spark import table  # noqa: PLC0415

    pg.execute("CREATE TABLE v (a numeric)")
    pg.execute("INSERT INTO v VALUES ('NaN')")
    frame = table(spark, written(one(pg.writer_dsn)), "v")
    with pytest.raises(Exception, match="DataError: table v, node 127.0.0.1") as caught:
        frame.collect()
    assert PASSWORD not in str(caught.value)


def test_a_node_has_no_more_connections_than_it_may(spark, path, shards):
    """Two scans of the same tables in one query, and each more partitions than one."""
    from routedb.integrations.spark import table  # noqa: PLC0415

    names = [dsn.rpartition("/")[2].partition("?")[0] for dsn in shards]
    most = dict.fromkeys(names, 0)
    is_over = threading.Event()

    def count() -> None:
        with closing(psycopg2.connect(shards[0].replace(names[0], "postgres"))) as raw:
            raw.autocommit = True
            cursor = raw.cursor()
            while not is_over.is_set():
                cursor.execute(
                    "SELECT datname, count(*) FROM pg_stat_activity "
                    "WHERE datname = ANY(%s) GROUP BY 1",
                    (names,),
                )
                for name, number in cursor.fetchall():
                    most[name] = max(most[name], number)
                time.sleep(0.001)  # lets the servers work

    watching = threading.Thread(target=count)
    watching.start()
    try:
        given: Any = {"partition_rows": 500, "max_connections_per_node": 1}
        left, right = (table(spark, path, "v", **given) for _ in range(2))
        joined = left.join(right.withColumnRenamed("k", "other"), "id")
        assert joined.count() == ROWS
    finally:
        is_over.set()
        watching.join()
    assert set(most.values()) == {1}


def test_a_task_that_is_killed_writes_nothing_twice(spark, shards, written, tmp_path):
    """Two before they write anything, when batches of theirs have come to the writer;
    two when all is committed; then all again."""
    from routedb.integrations.spark import register  # noqa: PLC0415
    from tests.support import dying_tasks  # noqa: PLC0415

    for dsn in shards:
        run_on(dsn, "CREATE TABLE w (id bigint PRIMARY KEY, t text)")
    path = written(sharded(shards, "w"))
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 20)
    rows = spark.range(0, ROWS, 1, 8).selectExpr(
        "id", "concat('row ', repeat('x', 99), id) AS t"
    )
    dying = partial(dying_tasks.dying_rows, str(deaths), (2, 5))
    frame = rows.mapInArrow(dying, "id bigint, t string")
    register(spark)
    spark.dataSource.register(dying_tasks.dying_source(str(deaths), (3, 6)))
    for _ in range(2):  # the second time all is there
        writer = frame.write.format(dying_tasks.NAME).mode("append")
        writer.options(config=path, table="w", load_id="nightly").save()
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    assert sorted(mark.name for mark in deaths.iterdir()) == ["2", "3", "5", "6"]
    for number, dsn in enumerate(shards):
        found = rows_on(dsn, "SELECT count(*), min(id % 4), max(id % 4) FROM w")
        assert found == [(ROWS // 4, number, number)]
    noted = [rows_on(dsn, "SELECT count(*) FROM routedb_loads")[0][0] for dsn in shards]
    assert sum(noted) == 8
