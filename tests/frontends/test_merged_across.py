"""Tables of MariaDB and SQLite under statements of PostgreSQL's: values at the edges of
their types, and what is refused by name."""

from __future__ import annotations

import random
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import date, datetime
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import MySQLdb
import psycopg2
import pytest

import routedb

MOMENT = datetime(9999, 12, 31, 23, 59, 59)
# A type of MariaDB's; values, which come as they are; the type that PostgreSQL has.
MYSQL: dict[str, tuple[list[Any], str]] = {
    "tinyint": ([-128, 127], "smallint"),
    "tinyint unsigned": ([0, 255], "smallint"),
    "smallint": ([-32768, 32767], "smallint"),
    "smallint unsigned": ([65535], "integer"),
    "mediumint": ([-8388608, 8388607], "integer"),
    "mediumint unsigned": ([16777215], "integer"),
    "int": ([-(2**31), 2**31 - 1, 0, None], "integer"),
    "int(10) unsigned zerofill": ([42, 2**32 - 1], "bigint"),
    "bigint": ([-(2**63), 2**63 - 1], "bigint"),
    "bigint unsigned": ([Decimal(2**64 - 1), Decimal(0)], "numeric"),
    "decimal(65,30)": (
        [Decimal("9" * 35 + "." + "9" * 30), Decimal("-0." + "0" * 29 + "1")],
        "numeric",
    ),
    "decimal(5,2) unsigned zerofill": ([Decimal("7.50")], "numeric"),
    "double": (
        [0.1, 0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, 1 / 3, None],
        "double precision",
    ),
    "date": ([date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29)], "date"),
    "datetime": ([MOMENT, datetime(1000, 1, 1)], "timestamp without time zone"),
    "datetime(6)": (
        [MOMENT.replace(microsecond=999999), datetime(1000, 1, 1, microsecond=1)],
        "timestamp without time zone",
    ),
    "char(4)": (["a", "", " b", "é", None], "text"),
    "varchar(9) character set utf8mb4": (
        ["", "a ", 'q"\\{},', "null", "NULL", "\t\n\r", "\U0001f600", "%s", "'"],
        "text",
    ),
    "varchar(9) character set latin1": (["é", "ÿ"], "text"),
    "longtext": (["x" * 70_000], "text"),
}
SQLITE: dict[str, tuple[list[Any], str]] = {
    "INTEGER": ([-(2**63), 2**63 - 1, 0, None], "bigint"),
    "UNSIGNED INT": ([2**40], "bigint"),
    "REAL": ([0.1, 0.0, 5e-324, 1.5e308, inf, -inf, 3.0, None], "double precision"),
    "TEXT": (["", "a ", 'q"\\{},', "NULL", "\U0001f600", "%s", None], "text"),
    "VARCHAR(3)": (["longer than that"], "text"),
}


class Across(NamedTuple):
    """A routed connection, and what is behind it."""

    routed: Any
    mysql: Any
    sqlite: Any

    def ask(self, sql: str, params: Any = None) -> list[tuple[Any, ...]]:
        cursor = self.routed.cursor()
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def make(self, engine: str, type_: str, values: list[Any]) -> None:
        """Make a table of one column, and a row for each of `values`."""
        raw = self.mysql if engine == "mysql" else self.sqlite
        cursor, table = raw.cursor(), "far" if engine == "mysql" else "filed"
        mark = "%s" if engine == "mysql" else "?"
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE TABLE {table} (n int, v {type_})")
        for row in enumerate(values):
            cursor.execute(f"INSERT INTO {table} VALUES ({mark}, {mark})", row)
        raw.commit()
        self.routed.session.core.catalog.forget()


@pytest.fixture
def across(postgresql, mariadb, tmp_path: Path) -> Iterator[Across]:
    with ExitStack() as stack:
        ours = stack.enter_context(postgresql.database()).writer_dsn
        theirs = stack.enter_context(mariadb.database()).writer_dsn
        source = {
            "default": "shop",
            "databases": {
                "shop": {"nodes": [ours]},
                "crm": {"nodes": [theirs]},
                "files": {"nodes": [f"sqlite:///{tmp_path}/across.db"]},
            },
            "tables": {"far": "crm", "filed": "files", "near": "shop"},
        }
        with closing(routedb.connect(theirs)) as found:
            options = found.session.core.nodes[0].options
        mysql = stack.enter_context(closing(MySQLdb.connect(**options)))
        lite = stack.enter_context(closing(sqlite3.connect(tmp_path / "across.db")))
        raw = stack.enter_context(closing(psycopg2.connect(ours)))
        raw.cursor().execute(
            "CREATE TABLE near (n int); INSERT INTO near SELECT generate_series(0, 99)"
        )
        raw.commit()
        cluster = stack.enter_context(closing(routedb.Cluster(source)))
        routed = stack.enter_context(closing(cluster.connect(autocommit=True)))
        yield Across(routed, mysql, lite)


def _typed(values: list[Any]) -> list[tuple[str, Any]]:
    return [(type(value).__name__, repr(value)) for value in values]


def _check(across: Across, engine: str, type_: str, values: list[Any]) -> set[str]:
    across.make(engine, type_, values)
    table = "far" if engine == "mysql" else "filed"
    rows = across.ask(
        f"SELECT t.v, pg_typeof(t.v)::text FROM near JOIN {table} t USING (n) "
        "ORDER BY n"
    )
    assert _typed([row[0] for row in rows]) == _typed(values), type_
    return {row[1] for row in rows}


def test_values_of_mariadbs_types_come_as_they_are(across):
    for type_, (values, its) in MYSQL.items():
        assert _check(across, "mysql", type_, values) == {its}, type_


def test_values_of_sqlites_types_come_as_they_are(across):
    for type_, (values, its) in SQLITE.items():
        assert _check(across, "sqlite", type_, values) == {its}, type_


def test_floats_keep_every_bit(across):
    rng = random.Random()
    found: list[float] = []
    while len(found) < 100:
        (value,) = struct.unpack("d", rng.randbytes(8))
        if abs(value) < inf:
            found.append(value)
    _check(across, "mysql", "double", found)
    _check(across, "sqlite", "REAL", found)


def test_texts_compare_as_postgresqls(across):
    across.make("mysql", "varchar(5) collate utf8mb4_general_ci", ["a", "A", "a "])
    across.make("sqlite", "TEXT COLLATE NOCASE", ["a", "A", "b"])
    found = across.ask(
        "SELECT far.n, filed.n FROM far JOIN filed ON far.v = filed.v ORDER BY 1, 2"
    )
    assert found == [(0, 0), (1, 1)]
    assert across.ask("SELECT count(DISTINCT v) FROM far, near WHERE near.n = 1") == [
        (3,)
    ]


CONDITIONS: list[tuple[str, Any]] = [
    ("far.v = 3", None),
    ("far.v IN (1, %s)", (3,)),
    ("%(a)s < far.v AND filed.v >= %(b)s", {"a": 1, "b": 0, "c": object()}),
    ("far.v <> -1 AND 2 >= filed.v", None),
    ("far.v = %s", ("3",)),
    ("far.v = %s", (None,)),
    ("far.v < %s", (Decimal("2.5"),)),
    ("far.v < %s", (2**70,)),
    ("filed.v > %s", (-(2**63),)),
    ("filed.v > %s", (-(2**63) - 1,)),
]


@pytest.mark.parametrize(("where", "params"), CONDITIONS)
def test_conditions_on_numbers(across, where, params):
    values = [-1, 0, 1, 2, 3, None]
    across.make("mysql", "int", values)
    across.make("sqlite", "INTEGER", values)
    listed = "(VALUES (0,-1),(1,0),(2,1),(3,2),(4,3),(5,null))"
    here = (
        f"SELECT far.n, filed.v FROM {listed} far (n, v) JOIN {listed} filed (n, v) "
        f"USING (n) WHERE {where} ORDER BY 1"
    )
    there = (
        f"SELECT far.n, filed.v FROM far JOIN filed USING (n) WHERE {where} ORDER BY 1"
    )
    if isinstance(params, dict):
        params = {name: params[name] for name in ("a", "b")}
    assert across.ask(there, params) == across.ask(here, params)


def test_parameters_that_another_driver_cannot_write_do_not_reach_it(across):
    across.make("mysql", "int", [1])
    found = across.ask(
        "SELECT far.v FROM far JOIN near USING (n) WHERE far.v = %(v)s "
        "AND near.n <> ALL (%(all)s)",
        {"v": 1, "all": [5, 6]},
    )
    assert found == [(1,)]


REFUSED = [
    ("mysql", "point", [], "column v of far in crm is of mysql's type point"),
    ("mysql", "varchar(3)", ["a\0"], "column v of crm has a text with NUL"),
    (
        "mysql",
        "date",
        ["0000-00-00"],
        "column v of crm has 0000-00-00, which is no day",
    ),
    ("mysql", "date", ["2024-00-01"], "2024-00-01, which is no day"),
    ("mysql", "datetime", ["2024-02-31"], "2024-02-31 00:00:00, which is no day"),
    ("sqlite", "", [], r"sqlite's type \(none\)"),
    ("sqlite", "DECIMAL", [], "sqlite's type DECIMAL"),
    (
        "sqlite",
        "INTEGER",
        ["a"],
        "of type INTEGER, has a value of Python's type str",
    ),
    ("sqlite", "INT", [1.5], "Python's type float"),
    ("sqlite", "REAL", ["x"], "Python's type str"),
    ("sqlite", "TEXT", [b"a"], "Python's type bytes"),
    ("sqlite", "TEXT", ["a\0b"], "a text with NUL"),
]


@pytest.mark.parametrize(("engine", "type_", "values", "why"), REFUSED)
def test_what_is_no_value_of_postgresqls_is_refused_by_name(
    across, engine, type_, values, why
):
    cursor = across.mysql.cursor()
    cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
    across.make(engine, type_, values)
    table = "far" if engine == "mysql" else "filed"
    with pytest.raises(routedb.CrossDatabaseError, match=why):
        across.ask(f"SELECT v FROM {table} JOIN near USING (n)")
    assert across.ask(f"SELECT t.n FROM {table} t JOIN near USING (n)") == [
        (n,) for n in range(len(values))
    ]


PREFIXES = ("EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN ANALYZE")
SAID_BY = {"far": "select_type=SIMPLE", "filed": "SCAN routedb_t"}


def test_explain_shows_the_plan_and_what_each_server_says_of_its_part(across):
    across.make("mysql", "int", [1])
    across.make("sqlite", "INTEGER", [1])
    for table, database in (("far", "crm"), ("filed", "files")):
        sql = f"SELECT v FROM {table} JOIN near USING (n)"
        for prefix in PREFIXES:
            said = [line for (line,) in across.ask(f"{prefix} {sql}")]
            own = [n for n, line in enumerate(said) if line.endswith(" says")]
            assert [said[n].split()[1] for n in own] == [database, "shop"]
            assert SAID_BY[table] in said[own[0] + 1]
            assert "Seq Scan on " in said[own[1] + 1]
            assert ("rows: 1" in map(str.strip, said)) == (prefix == PREFIXES[-1])
        assert f"fragment 0: {database}" in str(across.routed.explain(sql, None))
        assert across.ask(sql) == [(1,)]


def test_within_a_transaction_and_under_a_padding_mode(across):
    across.make("mysql", "char(4)", ["a", "b c"])
    across.make("sqlite", "TEXT", ["a", "b"])
    across.routed.autocommit = False
    across.routed.cursor().execute(
        "/* routedb: database=crm */ SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'"
    )
    sql = (
        "SELECT far.v, filed.v FROM far LEFT JOIN filed ON far.v = filed.v "
        "JOIN near ON near.n = far.n ORDER BY 1"
    )
    assert across.ask(sql) == [("a", "a"), ("b c", None)]
    across.routed.rollback()
