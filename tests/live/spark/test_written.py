"""Partitions that are written, without Spark's own processes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

import routedb
from tests.live.spark.conftest import rows_on, run_on
from tests.live.spark.test_rows import one, rows_of, sharded

pytestmark = pytest.mark.long  # pyspark and pyarrow are there in `make test-long`


def write(path: str, name: str, batch: Any, load: str, given: list[tuple[str, str]]):
    from routedb.integrations.spark.request import Request  # noqa: PLC0415
    from routedb.integrations.spark.source import source_of  # noqa: PLC0415
    from routedb.integrations.spark.writing import TableWriter  # noqa: PLC0415

    writer = TableWriter(Request(source_of(path), name), load, given)
    return writer.write(iter([batch]))


def batch_of(**columns: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    return pa.RecordBatch.from_pydict(columns)


def test_rows_go_to_their_shards_and_a_second_time_nowhere(shards, written):
    for dsn in shards:
        run_on(dsn, "CREATE TABLE v (id bigint PRIMARY KEY, t text)")
    path = written(sharded(shards, "v"))
    batch = batch_of(id=list(range(5000)), t=[f"row {n}" for n in range(5000)])
    given = [("id", "bigint"), ("t", "string")]
    first = write(path, "v", batch, "load 1", given)
    again = write(path, "v", batch, "load 1", given)
    assert (first.rows, first.is_new) == (5000, True)
    assert (again.rows, again.is_new) == (5000, False)
    for number, dsn in enumerate(shards):
        found = rows_on(dsn, "SELECT count(*), min(id % 4), max(id % 4) FROM v")
        assert found == [(1250, number, number)]


def test_a_partition_of_a_load_has_as_many_rows_each_time(pg, written):
    pg.execute("CREATE TABLE v (id int PRIMARY KEY)")
    path, given = written(one(pg.writer_dsn)), [("id", "int")]
    import pyarrow as pa  # noqa: PLC0415

    write(path, "v", batch_of(id=pa.array([1, 2], pa.int32())), "l", given)
    with pytest.raises(routedb.IntegrityError, match="written with 2 rows, and has 3"):
        write(path, "v", batch_of(id=pa.array([1, 2, 3], pa.int32())), "l", given)
    assert pg.execute("SELECT count(*) FROM v") == [(2,)]


def test_a_partition_that_fails_leaves_nothing_on_any_shard(shards, written):
    for dsn in shards:
        run_on(dsn, "CREATE TABLE v (id bigint PRIMARY KEY, t text)")
    run_on(shards[3], "INSERT INTO v VALUES (3999, 'there')")
    path = written(sharded(shards, "v"))
    batch = batch_of(id=list(range(4000)), t=["x"] * 4000)
    with pytest.raises(routedb.IntegrityError, match="table v"):
        write(path, "v", batch, "load 2", [("id", "bigint"), ("t", "string")])
    counts = [rows_on(dsn, "SELECT count(*) FROM v")[0][0] for dsn in shards]
    assert counts == [0, 0, 0, 1]


@pytest.mark.parametrize("engine", ["pg", "my"])
def test_what_is_written_is_what_is_read(engine, request, written):
    database = request.getfixturevalue(engine)
    types = {
        "pg": ("timestamptz", "timestamp", "bytea"),
        "my": ("timestamp", "datetime", "blob"),
    }
    zoned, plain, binary = types[engine]
    database.execute(
        f"CREATE TABLE v (id int PRIMARY KEY, d numeric(9,2), z {zoned} NULL, "
        f"s {plain}, b {binary}, t varchar(20), f double precision, a date)"
    )
    noon = dt.datetime(2024, 1, 1, 12)
    row = {
        "id": 1,
        "d": Decimal("1.50"),
        "z": noon.replace(tzinfo=dt.timezone.utc),
        "s": noon,
        "b": b"\x00\xff'\\",
        "t": "a'\\\u00fc%s",
        "f": 0.1,
        "a": dt.date(2024, 1, 1),
    }
    kinds = ["int", "decimal(9,2)", "timestamp", "timestamp_ntz", "binary", "string"]
    given = list(zip(row, [*kinds, "double", "date"], strict=True))
    path = written(one(database.writer_dsn))
    columns = {name: [value, None] for name, value in row.items()} | {"id": [1, 2]}
    write(path, "v", batch_of(**columns), "l", given)
    found = sorted(rows_of(path, "v"), key=lambda each: each[0])
    assert found == [tuple(row.values()), (2, *[None] * 7)]


def test_columns_of_another_type_are_refused_by_name(pg, written):
    pg.execute("CREATE TABLE v (id int PRIMARY KEY)")
    path = written(one(pg.writer_dsn))
    with pytest.raises(routedb.ConfigError, match="column id is bigint .* and int in"):
        write(path, "v", batch_of(id=[1]), "l", [("id", "bigint")])
