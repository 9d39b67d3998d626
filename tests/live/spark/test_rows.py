"""What a partition reads, without Spark's own processes: types, filters, nodes."""

from __future__ import annotations

import datetime as dt
import pickle
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

import routedb
from tests.live.spark.conftest import run_on
from tests.support.servers import PASSWORD, Database

pytestmark = pytest.mark.long  # pyspark and pyarrow are there in `make test-long`


def reader_of(
    path: str, name: str, filters: Any = (), columns: Any = (), **options: Any
):
    from routedb.integrations.spark.reading import FilteringReader  # noqa: PLC0415
    from routedb.integrations.spark.request import Request  # noqa: PLC0415
    from routedb.integrations.spark.source import source_of  # noqa: PLC0415

    request = Request(source_of(path), name, tuple(columns), **options)
    from routedb.integrations.spark.finding import layout_of  # noqa: PLC0415

    reader = FilteringReader(request, layout_of(request).taken)
    left = list(reader.pushFilters(list(filters)))
    return pickle.loads(pickle.dumps(reader)), left


def rows_of(path: str, name: str, **given: Any) -> list[tuple[Any, ...]]:
    reader, _ = reader_of(path, name, **given)
    found = []
    for partition in reader.partitions():
        for batch in reader.read(partition):
            found += [tuple(row.values()) for row in batch.to_pylist()]
    return found


def one(dsn: str) -> str:
    return f'[databases.main]\nnodes = ["{dsn}"]\n'


POSTGRESQL = [
    ("smallint", "-32768", -32768),
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("numeric(12,3)", "'-123456789.125'", Decimal("-123456789.125")),
    ("numeric", "1.5", Decimal("1.500000000000000000")),
    ("numeric(50,3)", "1.5", "1.500"),
    ("real", "'0.1'", pytest.approx(0.1, rel=1e-7)),
    ("double precision", "'0.1'", 0.1),
    ("double precision", "'-Infinity'", float("-inf")),
    ("double precision", "'NaN'", pytest.approx(float("nan"), nan_ok=True)),
    ("real", "'Infinity'", float("inf")),
    ("boolean", "true", True),
    ("boolean", "false", False),
    ("text", "''", ""),
    ("text", "E'a,\"b\"\\n\\\\ \\u00fc \\U0001F600'", 'a,"b"\n\\ \u00fc \U0001f600'),
    ("text", "'NULL'", "NULL"),
    ("character varying(5)", "'\\.'", "\\."),
    ("character(5)", "'ab'", "ab"),
    ("date", "'2024-02-29'", dt.date(2024, 2, 29)),
    ("date", "'0001-01-01'", dt.date(1, 1, 1)),
    (
        "timestamp",
        "'2024-02-29 12:00:00.123456'",
        dt.datetime(2024, 2, 29, 12, 0, 0, 123456),
    ),
    (
        "timestamptz",
        "'2024-02-29 12:00:00.5+02'",
        dt.datetime(2024, 2, 29, 10, 0, 0, 500000, dt.timezone.utc),
    ),
    ("bytea", "'\\x00ff'", b"\x00\xff"),
    ("bytea", "''", b""),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", None),
    ("jsonb", "'{\"a\": 1}'", '{"a": 1}'),
    ("integer[]", "'{1,NULL}'", "{1,NULL}"),
    ("interval", "'1 month 2 hours'", "1 mon 02:00:00"),
    ("time", "'12:00'", "12:00:00"),
]


def test_values_of_postgresql_are_spark_s(pg, written):
    listed = ", ".join(f"c{at} {case[0]}" for at, case in enumerate(POSTGRESQL))
    pg.execute(f"CREATE TABLE v (id int PRIMARY KEY, {listed})")
    values = ", ".join(case[1] for case in POSTGRESQL)
    pg.execute(f"INSERT INTO v VALUES (1, {values})")
    pg.execute("INSERT INTO v VALUES (2)")
    full, empty = sorted(rows_of(written(one(pg.writer_dsn)), "v"), key=lambda r: r[0])
    expected = [case[2] for case in POSTGRESQL]
    expected[23] = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    assert list(full[1:]) == expected
    assert empty == (2, *[None] * len(POSTGRESQL))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("numeric", "'NaN'"),
        ("numeric", "'1e-19'"),
        ("date", "'infinity'"),
        ("date", "'0044-03-15 BC'"),
        ("date", "'10000-01-01'"),
        ("timestamp", "'-infinity'"),
        ("timestamptz", "'0044-03-15 12:00 BC'"),
    ],
)
def test_what_spark_has_not_is_refused_with_table_and_node(pg, written, kind, value):
    pg.execute(f"CREATE TABLE v (a {kind})")
    pg.execute(f"INSERT INTO v VALUES ({value})")
    with pytest.raises(routedb.DataError, match="table v, node ") as caught:
        rows_of(written(one(pg.writer_dsn)), "v")
    error: Any = caught.value
    assert error.table == "v"
    assert error.node


def test_rows_of_many_blocks_are_all_read_once(pg, written, monkeypatch):
    """Blocks shorter than some rows, and rows with lines of their own."""
    from routedb.integrations.spark import batches  # noqa: PLC0415

    monkeypatch.setattr(batches, "_BLOCK_BYTES", 64)
    pg.execute("CREATE TABLE v (id int PRIMARY KEY, a text)")
    pg.execute(
        "INSERT INTO v SELECT n, CASE WHEN n % 7 > 0 THEN "
        "repeat(E'\"line\"\n', n % 31) END FROM generate_series(1, 500) n"
    )
    found = rows_of(written(one(pg.writer_dsn)), "v")
    lines = {n: '"line"\n' * (n % 31) if n % 7 else None for n in range(1, 501)}
    assert sorted(found) == list(lines.items())


def test_a_single_column_of_nulls_keeps_its_rows(pg, written):
    pg.execute("CREATE TABLE v (a text)")
    pg.execute("INSERT INTO v VALUES (NULL), (''), (NULL), ('x')")
    found = rows_of(written(one(pg.writer_dsn)), "v")
    assert found == [(None,), ("",), (None,), ("x",)]


def test_a_row_may_be_longer_than_a_batch(pg, written):
    pg.execute("CREATE TABLE v (id int PRIMARY KEY, a text)")
    pg.execute("INSERT INTO v VALUES (1, 'short'), (2, repeat(E'long\n', 4000000))")
    found = dict(rows_of(written(one(pg.writer_dsn)), "v"))
    assert found == {1: "short", 2: "long\n" * 4_000_000}


MARIADB = [
    ("tinyint", "-128", -128),
    ("smallint unsigned", "65535", 65535),
    ("int unsigned", "4294967295", 2**32 - 1),
    ("bigint unsigned", "18446744073709551615", Decimal(2**64 - 1)),
    ("decimal(12,3)", "-1.125", Decimal("-1.125")),
    ("decimal(50,3)", "1.5", "1.500"),
    ("float", "0.1", pytest.approx(0.1, rel=1e-7)),
    ("double", "0.1", 0.1),
    ("varchar(20)", "'a\\t\\n\U0001f600'", "a\t\n\U0001f600"),
    ("varchar(20) CHARACTER SET latin1", "'\u00fc'", "\u00fc"),
    ("char(5)", "'ab'", "ab"),
    ("date", "'2024-02-29'", dt.date(2024, 2, 29)),
    (
        "datetime(6)",
        "'2024-02-29 12:00:00.5'",
        dt.datetime(2024, 2, 29, 12, 0, 0, 500000),
    ),
    ("varbinary(9)", "x'00ff'", b"\x00\xff"),
    ("blob", "''", b""),
    ("bit(9)", "b'100000001'", Decimal(257)),
    ("year", "2024", 2024),
    ("time", "'-100:00:01'", "-100:00:01"),
    ("enum('x','y')", "'y'", "y"),
]


def test_values_of_mariadb_are_spark_s(my, written):
    listed = ", ".join(f"c{at} {case[0]} NULL" for at, case in enumerate(MARIADB))
    my.execute(f"CREATE TABLE v (id int PRIMARY KEY, {listed}) CHARACTER SET utf8mb4")
    values = ", ".join(case[1] for case in MARIADB)
    my.execute(f"INSERT INTO v VALUES (1, {values})")
    my.execute("INSERT INTO v (id) VALUES (2)")
    path = written(one(my.writer_dsn))
    full, empty = sorted(rows_of(path, "v"), key=lambda r: r[0])
    assert list(full[1:]) == [case[2] for case in MARIADB]
    assert empty == (2, *[None] * len(MARIADB))


def test_a_zero_date_is_refused(my, written):
    my.execute("CREATE TABLE v (a date)")
    my.execute("SET sql_mode = ''; INSERT INTO v VALUES ('0000-00-00')")
    with pytest.raises(routedb.DataError, match="table v, node "):
        rows_of(written(one(my.writer_dsn)), "v")


def test_a_value_of_another_type_in_sqlite_is_refused(tmp_path, written):
    dsn = f"sqlite:///{tmp_path}/a.db"
    with closing(routedb.connect(dsn, autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE v (a INT, b BOOLEAN, c NUMERIC)")
        cursor.execute("INSERT INTO v VALUES (1, 1, 2), (NULL, 0, 0.5)")
        path = written(one(dsn))
        assert rows_of(path, "v") == [(1, True, 2.0), (None, False, 0.5)]
        cursor.execute("INSERT INTO v VALUES ('x', 1, 1)")
    with pytest.raises(routedb.DataError, match="column a, INT, has a str"):
        rows_of(path, "v")


# -- ranges ----------------------------------------------------------------------------


def sharded(dsns: list[str], table: str) -> str:
    listed = ", ".join(f'["{dsn}"]' for dsn in dsns)
    return (
        f"[databases.all]\nshards = [{listed}]\n[tables]\n"
        f'"{table}" = {{ database = "all", shard_key = "id", function = "modulo" }}\n'
    )


def test_partitions_are_even_though_one_value_has_a_tenth_of_the_rows(shards, written):
    for number, dsn in enumerate(shards):
        run_on(
            dsn,
            "CREATE TABLE v (id bigint PRIMARY KEY, k int NOT NULL)",
            f"INSERT INTO v SELECT 4 * n + {number}, CASE WHEN n % 10 = 0 THEN 7 "
            "ELSE (n * n) % 1000003 END FROM generate_series(1, 20000) n",
        )
    path = written(sharded(shards, "v"))
    reader, _ = reader_of(path, "v", partition_rows=700, partition_key="k")
    partitions = reader.partitions()
    assert len(partitions) == 4 * 4
    seen: list[int] = []
    counts = []
    for partition in partitions:
        sizes = [0]
        for batch in reader.read(partition):
            seen += batch.column("id").to_pylist()
            sizes.append(batch.num_rows)
        counts.append(sum(sizes))
    assert sorted(seen) == list(range(4, 4 * 20001))
    mean = sum(counts) / len(counts)
    assert all(abs(count - mean) <= 0.2 * mean for count in counts)


def test_keys_of_several_columns_and_null_are_all_read(pg, my, written):
    for database, sign in ((pg, ""), (my, " CHARACTER SET utf8mb4")):
        database.execute(
            "CREATE TABLE v (a varchar(9) NOT NULL, b int NOT NULL, n int, "
            f"PRIMARY KEY (a, b)){sign}"
        )
        rows = [(chr(97 + i % 5), i, None if i % 3 else i % 2) for i in range(300)]
        listed = ", ".join(
            f"('{a}', {b}, {'NULL' if n is None else n})" for a, b, n in rows
        )
        database.execute(f"INSERT INTO v VALUES {listed}")
        path = written(one(database.writer_dsn))
        for key in (None, "n"):
            found = rows_of(path, "v", partition_rows=20, partition_key=key)
            assert sorted(found, key=str) == sorted(rows, key=str)


# -- filters ---------------------------------------------------------------------------


def test_what_is_pushed_finds_what_spark_would(pg, my, written):
    from pyspark.sql import datasource as ds  # noqa: PLC0415

    rows = [
        (1, "a", "2.50"),
        (2, "A", "-1"),
        (3, "a ", "0"),
        (4, "b%", "7"),
        (5, None, None),
    ]
    filters: list[tuple[Any, Any]] = [
        (ds.EqualTo(("t",), "a"), lambda r: r[1] == "a"),
        (ds.In(("t",), ("a", "b%")), lambda r: r[1] in ("a", "b%")),
        (ds.StringStartsWith(("t",), "b%"), lambda r: (r[1] or "").startswith("b%")),
        (
            ds.GreaterThan(("d",), Decimal("0.00")),
            lambda r: r[2] is not None and r[2] > 0,
        ),
        (ds.IsNull(("t",)), lambda r: r[1] is None),
        (ds.Not(ds.IsNull(("t",))), lambda r: r[1] is not None),
        (ds.Not(ds.In(("id",), (1, 2))), lambda r: r[0] not in (1, 2)),
        (ds.Not(ds.EqualTo(("id",), 3)), lambda r: r[0] != 3),
    ]
    for database in (pg, my):
        database.execute(
            "CREATE TABLE v (id int PRIMARY KEY, t varchar(9), d decimal(9,2))"
        )
        listed = ", ".join(
            f"({i}, {'NULL' if t is None else repr(t)}, {d or 'NULL'})"
            for i, t, d in rows
        )
        database.execute(f"INSERT INTO v VALUES {listed}")
        path = written(one(database.writer_dsn))
        for given, meant in filters:
            reader, left = reader_of(path, "v", [given])
            assert reader.where
            found = set()
            for partition in reader.partitions():
                for batch in reader.read(partition):
                    found |= {tuple(row.values()) for row in batch.to_pylist()}
            everything = {(i, t, None if d is None else Decimal(d)) for i, t, d in rows}
            wanted = {row for row in everything if meant(row)}
            assert wanted <= found
            assert left or wanted == found


def test_a_condition_of_the_table_s_own_is_met_by_its_servers(pg, my, written):
    for database in (pg, my):
        database.execute("CREATE TABLE v (id int PRIMARY KEY, t varchar(9))")
        rows = [(n, f"row {n}") for n in range(100)]
        listed = ", ".join(f"({n}, '{text}')" for n, text in rows)
        database.execute(f"INSERT INTO v VALUES {listed}")
        path = written(one(database.writer_dsn))
        where = "t LIKE 'row 1%' OR id < 5 -- all that Spark is to know of"
        found = rows_of(path, "v", where=where, partition_rows=4)
        assert sorted(found) == [
            row for row in rows if row[1].startswith("row 1") or row[0] < 5
        ]


# -- nodes -----------------------------------------------------------------------------


def test_replicas_are_read_and_the_writer_when_they_are_gone(pg, written):
    pg.execute("CREATE TABLE v (id int PRIMARY KEY)")
    pg.execute("INSERT INTO v SELECT generate_series(1, 1000)")
    pg.wait_replayed()
    nodes = ", ".join(f'"{dsn}"' for dsn in pg.dsns)
    path = written(f"[databases.main]\nnodes = [{nodes}]\nfailover_timeout = '20s'\n")
    assert is_replica_read(path)
    for replica in pg.cluster.replicas:
        replica.kill()
    try:
        assert len(rows_of(path, "v")) == 1000
        assert not is_replica_read(path)
    finally:
        for replica in pg.cluster.replicas:
            replica.start()


def is_replica_read(path: str) -> bool:
    from routedb.integrations.spark.sessions import read_somewhere  # noqa: PLC0415
    from routedb.integrations.spark.source import source_of  # noqa: PLC0415

    config = source_of(path).load()
    ((found,),) = read_somewhere(
        config.databases["main"],
        config.groups[0],
        4,
        0,
        lambda session: session.run("SELECT pg_is_in_recovery()"),
    )
    return bool(found)


def test_a_link_that_dies_while_a_range_is_read_has_it_read_again(pg, written):
    """The server ends the session in the middle of the rows, twice."""
    pg.execute("CREATE TABLE v (id int PRIMARY KEY, t text)")
    pg.execute(
        "INSERT INTO v SELECT n, repeat('x', 99) FROM generate_series(1, 5000) n"
    )
    pg.execute("CREATE SEQUENCE tries")
    pg.execute(
        "CREATE FUNCTION ends(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        "IF n = 2500 AND nextval('tries') <= 2 THEN "
        "PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN n; END $$"
    )
    pg.execute("CREATE VIEW w AS SELECT ends(id) AS id, t FROM v")
    found = rows_of(written(one(pg.writer_dsn)), "w")
    assert sorted(row[0] for row in found) == list(range(1, 5001))
    assert pg.execute("SELECT last_value >= 3 FROM tries") == [(True,)]


def test_no_password_leaves_with_a_reader(pg, written):
    reader, _ = reader_of(written(one(pg.writer_dsn)), one_table(pg))
    sent = pickle.dumps((reader, reader.partitions()))
    assert PASSWORD.encode() not in sent
    assert PASSWORD not in repr(reader.partitions())


def one_table(database: Database) -> str:
    database.execute("CREATE TABLE v (id int PRIMARY KEY)")
    return "v"
