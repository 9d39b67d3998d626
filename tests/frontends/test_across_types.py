"""Values at the edges of each engine's types, under statements of each other dialect:
what comes is what the text's own engine has for them, value and type."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any, NamedTuple
from uuid import UUID

import MySQLdb
import psycopg2
import psycopg2.extras
import pytest

import routedb

MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999999)
FIRST = datetime(1, 1, 1)
ID = "0123abcd-0000-4fff-8000-00000000000a"
TEXTS = ["", "a ", 'q"\\{},', "NULL", "\t\n\r", "é\U0001f600", "%s", "'", "\\N", None]
FLOATS = [0.1, 0.0, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, 1 / 3, None]
BYTES = [b"", b"\0\xff\\'", b"abc", b"\x80" * 70_000, None]
LETTERS = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
DAYS = [date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), None]


class Case(NamedTuple):
    """A type of one engine with its values, and of the text's: what it has for them, if
    those are others."""

    home: str
    values: list[Any]
    type: str
    its: list[Any] | None = None


def _texts(values: list[Any]) -> list[Any]:
    return [None if value is None else str(value) for value in values]


CASES: dict[tuple[str, str], list[Case]] = {
    ("mysql", "postgresql"): [
        Case("timestamp(6)", [datetime(2024, 10, 27, 0, 30, 0, 5)], "timestamptz", [
            "2024-10-27 00:30:00.000005+00"]),
        Case("time(6)", [timedelta(hours=-838, minutes=-59, seconds=-59),
                         timedelta(microseconds=1), None], "interval"),
        Case("year", [1901, 2155, 0, None], "smallint"),
        Case("float", [0.1, -1.5, 3.4028234e38, None], "real"),
        Case("double unsigned", [0.1], "double precision"),
        Case("bit(3)", [5, 0, None], "bit(3)", ["101", "000", None]),
        Case("bit(1)", [1], "bit(1)", ["1"]),
        Case("bit(64)", [2**64 - 1], "bit(64)", ["1" * 64]),
        Case("enum('b','a','')", ["a", "b", "", None], "text"),
        Case("set('x','y')", ["x,y", "", None], "text"),
        Case("json", ['{"a": [1, "é"]}', "null", None], "text"),
        Case("longblob", BYTES, "bytea"),
        Case("binary(3)", [b"a\0\0", None], "bytea"),
        Case("varbinary(9)", BYTES[:3], "bytea"),
        Case("uuid", [ID, None], "uuid"),
        Case("bigint unsigned", [2**64 - 1, 0], "numeric(20,0)"),
        Case("tinyint(1)", [1, 0, -128, None], "smallint"),
    ],
    ("sqlite", "postgresql"): [
        Case("BLOB", BYTES, "bytea"),
        Case("BOOLEAN", [1, 0, None], "boolean", [True, False, None]),
        Case("DATE", _texts(DAYS[1:]) + ["0001-01-01"], "date"),
        Case("DATETIME", ["2024-02-29 23:59:59.999999", "2024-01-01T00:00:00",
                          None], "timestamp"),
        Case("TIMESTAMP", ["0001-01-01 00:00:00"], "timestamp"),
        Case("TIME", ["23:59:59.5", "00:00:00", None], "time"),
        Case("DECIMAL(15,2)", ["9999999999999.99", "-0.01", "7", "7.50", None],
             "numeric(15,2)"),
        Case("numeric(3)", ["999", "-1"], "numeric(3)"),
    ],
    ("postgresql", "mysql"): [
        Case("smallint", [-32768, 32767, None], "smallint"),
        Case("integer", [-(2**31), 2**31 - 1], "int"),
        Case("bigint", [-(2**63), 2**63 - 1], "bigint"),
        Case("numeric(65,30)", [Decimal("9" * 35 + "." + "9" * 30),
                                Decimal("-0." + "0" * 29 + "1")], "decimal(65,30)"),
        Case("numeric(5,0)", [Decimal(7), None], "decimal(5,0)"),
        Case("real", [0.1, 1.5, 3.4028234663852886e38, None], "double",
             [0.10000000149011612, 1.5, 3.4028234663852886e38, None]),
        Case("double precision", FLOATS, "double"),
        Case("boolean", [True, False, None], "tinyint(1)"),
        Case("text", TEXTS, f"longtext {LETTERS}"),
        Case("varchar(9)", TEXTS, f"varchar(9) {LETTERS}"),
        Case("char(4)", ["a", " b", "é", None], f"char(4) {LETTERS}"),
        Case("date", DAYS, "date"),
        Case("timestamp", [FIRST, MOMENT, None], "datetime(6)"),
        Case("timestamp(0)", [datetime(2024, 3, 31, 2, 30)], "datetime(0)"),
        Case("timestamptz", ["2024-11-03 01:30:00-04", "2024-11-03 01:30:00.5-05",
                             "9999-12-31 23:59:59.999999+00", None], "datetime(6)",
             ["2024-11-03 05:30:00", "2024-11-03 06:30:00.5", MOMENT, None]),
        Case("time", [time(0), time(23, 59, 59, 999999), "24:00:00", None], "time(6)"),
        Case("uuid", [ID, None], f"char(36) {LETTERS}"),
        Case("json", ['{"a":  [1, "é"]}', "null", None], f"longtext {LETTERS}"),
        Case("jsonb", ['{"a": "\\u00e9\\\\"}'], f"longtext {LETTERS}", [
            '{"a": "é\\\\"}']),
        Case("bytea", BYTES, "longblob"),
    ],
    ("sqlite", "mysql"): [
        Case("INTEGER", [-(2**63), 2**63 - 1, None], "bigint"),
        Case("REAL", FLOATS, "double"),
        Case("TEXT", TEXTS, f"longtext {LETTERS}"),
        Case("BLOB", BYTES, "longblob"),
        Case("BOOLEAN", [1, 0, None], "tinyint(1)"),
        Case("DATE", _texts(DAYS[1:]), "date"),
        Case("DATETIME", ["2024-02-29 23:59:59.999999", None], "datetime(6)"),
        Case("TIME", ["23:59:59.5", None], "time(6)"),
        Case("DECIMAL(15,2)", ["9999999999999.99", "-0.01", "7"], "decimal(15,2)"),
    ],
    ("postgresql", "sqlite"): [
        Case("bigint", [-(2**63), 2**63 - 1, None], "bigint"),
        Case("numeric(15,5)", ["9999999999.99999", "-0.00001", "7.00000", None],
             "decimal(15,5)"),
        Case("real", [0.1, inf, None], "real", [0.10000000149011612, inf, None]),
        Case("double precision", [*FLOATS, inf, -inf], "real"),
        Case("boolean", [True, False, None], "boolean"),
        Case("text", TEXTS, "text"),
        Case("char(4)", ["a", " b", None], "text"),
        Case("date", DAYS, "date", _texts(DAYS[:-1]) + [None]),
        Case("timestamp", [FIRST, MOMENT, datetime(2024, 1, 1, 0, 0, 0, 500000), None],
             "datetime", ["0001-01-01 00:00:00", str(MOMENT),
                          "2024-01-01 00:00:00.500000", None]),
        Case("timestamptz", ["2024-11-03 01:30:00-04"], "datetime", [
            "2024-11-03 05:30:00"]),
        Case("time", [time(23, 59, 59, 5), time(0)], "time", [
            "23:59:59.000005", "00:00:00"]),
        Case("uuid", [ID], "text"),
        Case("jsonb", ['{"a": 1}', None], "text"),
        Case("bytea", BYTES, "blob"),
    ],
    ("mysql", "sqlite"): [
        Case("int(5) unsigned zerofill", [42], "bigint"),
        Case("bigint unsigned", [2**63 - 1], "bigint"),
        Case("year", [2155, 0], "bigint"),
        Case("decimal(15,2)", ["9999999999999.99", "-0.01", "7.00"], "decimal(15,2)"),
        Case("float", [0.1], "real", [0.10000000149011612]),
        Case("double", FLOATS, "real"),
        Case("varchar(9) character set utf8mb4", TEXTS, "text"),
        Case("char(4)", ["a", " b", None], "text"),
        Case("enum('b','a')", ["a", None], "text"),
        Case("date", DAYS, "date", _texts(DAYS[:-1]) + [None]),
        Case("datetime(6)", [MOMENT, datetime(2024, 1, 1)], "datetime", [
            str(MOMENT), "2024-01-01 00:00:00"]),
        Case("timestamp", [datetime(2024, 10, 27, 0, 30)], "datetime", [
            "2024-10-27 00:30:00"]),
        Case("time", [timedelta(hours=23), timedelta(0)], "time", [
            "23:00:00", "00:00:00"]),
        Case("mediumblob", BYTES, "blob"),
        Case("uuid", [ID], "text"),
    ],
}  # fmt: skip

# What is no value of the other engine's type, though its column is carried.
ODD = [
    ("postgresql", "mysql", "double precision", nan, "which is no number of MySQL's"),
    ("postgresql", "mysql", "double precision", inf, "which is no number of MySQL's"),
    ("postgresql", "mysql", "numeric(5,2)", "NaN", "no number of every engine's"),
    ("postgresql", "mysql", "date", "infinity", "which is no day"),
    ("postgresql", "mysql", "date", "0044-03-15 BC", "which is no day"),
    ("postgresql", "mysql", "timestamp", "10000-01-01", "which is no day"),
    ("postgresql", "mysql", "timestamptz", "-infinity", "which is no day"),
    ("postgresql", "mysql", "timestamptz", "9999-12-31 23:59:59-01", "is no day"),
    ("postgresql", "sqlite", "double precision", nan, "NaN, which is NULL in SQLite"),
    ("mysql", "sqlite", "bigint unsigned", 2**63, "which is no integer of SQLite's"),
    ("mysql", "sqlite", "time", timedelta(hours=24), "which is no time of day"),
    ("mysql", "postgresql", "timestamp", "0000-00-00", "timestamp which is no day"),
    ("sqlite", "postgresql", "BOOLEAN", 2, "which is no boolean"),
    ("sqlite", "postgresql", "DATE", "2024-02-30", "which is no day"),
    ("sqlite", "postgresql", "DATE", 20240101, "which is no day"),
    ("sqlite", "mysql", "DECIMAL(5,2)", 0.125, r"which is no decimal\(5,2\)"),
    ("sqlite", "mysql", "DECIMAL(5,2)", 1000, r"which is no decimal\(5,2\)"),
    ("sqlite", "mysql", "DECIMAL(5,2)", "a", "value of Python's type str"),
    ("sqlite", "mysql", "INTEGER", "a", "value of Python's type str"),
    ("sqlite", "mysql", "BLOB", "a", "value of Python's type str"),
]
# Of these no type of the other engine certainly has the values.
NOT_CARRIED = [
    ("postgresql", "mysql", "numeric interval timetz bit(3) int[] inet int4range"),
    ("postgresql", "sqlite", "numeric numeric(16,2) interval bit(3) numeric(3,5)"),
    ("mysql", "sqlite", "decimal(16,2) bit(3) point inet6"),
    ("mysql", "postgresql", "double(7,2) float(7,2) point"),
    ("sqlite", "postgresql", "NUMERIC ANY DECIMAL(16,2)"),
]
_MARKS = {"postgresql": "%s", "mysql": "%s", "sqlite": "?"}
_IN_ZONE = {
    "postgresql": "SET TimeZone = 'America/New_York'",
    "mysql": "SET time_zone = '+05:30'",
}


class Trio(NamedTuple):
    """A database of each engine, the drivers' connections to them, and a routed one
    for texts of each dialect."""

    raws: dict[str, Any]
    routed: dict[str, Any]

    def make(self, engine: str, table: str, type_: str, values: list[Any]) -> None:
        """Make a table of one column, and a row for each of `values`."""
        raw, mark = self.raws[engine], _MARKS[engine]
        cursor = raw.cursor()
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE TABLE {table} (n int, v {type_} NULL)")
        for row in enumerate(values):
            cursor.execute(f"INSERT INTO {table} VALUES ({mark}, {mark})", row)
        raw.commit()
        for connection in self.routed.values():
            connection.session.core.catalog.forget()

    def ask(self, dialect: str, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.routed[dialect].cursor()
        cursor.execute(sql)
        return list(cursor.fetchall())


@pytest.fixture(scope="module")
def trio(postgresql, mariadb, tmp_path_factory) -> Iterator[Trio]:
    path = tmp_path_factory.mktemp("trio") / "trio.db"
    with ExitStack() as stack:
        dsns = {
            "postgresql": stack.enter_context(postgresql.database()).writer_dsn,
            "mysql": stack.enter_context(mariadb.database()).writer_dsn,
            "sqlite": f"sqlite:///{path}",
        }
        with closing(routedb.connect(dsns["mysql"])) as found:
            options = found.session.core.nodes[0].options
        raws: dict[str, Any] = {
            "postgresql": psycopg2.connect(dsns["postgresql"]),
            "mysql": MySQLdb.connect(**options),
            "sqlite": sqlite3.connect(path),
        }
        psycopg2.extras.register_uuid(conn_or_curs=raws["postgresql"])
        raws["mysql"].cursor().execute("SET time_zone = '+00:00', sql_mode = ''")
        for raw in raws.values():
            stack.enter_context(closing(raw))
        source = {
            "databases": {name: {"nodes": [dsn]} for name, dsn in dsns.items()},
            "tables": {f"*_{name}": name for name in dsns},
        }
        routed = {}
        for name in dsns:
            cluster = stack.enter_context(
                closing(routedb.Cluster({**source, "default": name}))
            )
            routed[name] = stack.enter_context(
                closing(cluster.connect(autocommit=True))
            )
            for engine, text in _IN_ZONE.items():
                with routed[name].using(engine):
                    routed[name].cursor().execute(text)
        yield Trio(raws, routed)


def _typed(rows: list[tuple[Any, ...]]) -> list[tuple[str, str]]:
    return [(type(row[-1]).__name__, _said(row[-1])) for row in rows]


def _said(value: Any) -> str:
    return repr(bytes(value) if isinstance(value, memoryview) else value)


WAYS = [
    (home, dialect, limits)
    for home, dialect in CASES
    for limits in ({}, {"tables_above": 0})
    if not limits or dialect != "sqlite"
]


@pytest.mark.parametrize(("home", "dialect", "limits"), WAYS)
def test_values_are_those_of_the_texts_engine(trio, home, dialect, limits):
    for case in CASES[home, dialect]:
        trio.make(home, f"far_{home}", case.home, case.values)
        its = case.values if case.its is None else case.its
        trio.make(dialect, f"own_{dialect}", case.type, its)
        sql = f"SELECT n, v FROM {{}} t ORDER BY n LIMIT {len(its)}"
        with trio.routed[dialect].using(merge=limits):
            far = trio.ask(dialect, sql.format(f"far_{home}"))
            own = trio.ask(dialect, sql.format(f"own_{dialect}"))
        assert _typed(far) == _typed(own), case
        assert len(far) == len(case.values)


@pytest.mark.parametrize(("home", "dialect", "type_", "value", "why"), ODD)
def test_values_that_the_other_type_has_not_are_refused(
    trio, home, dialect, type_, value, why
):
    trio.make(home, f"far_{home}", type_, [value])
    with pytest.raises(routedb.CrossDatabaseError, match=why):
        trio.ask(dialect, f"SELECT v FROM far_{home} ORDER BY v")
    assert trio.ask(dialect, f"SELECT n FROM far_{home}") == [(0,)]


@pytest.mark.parametrize(("home", "dialect", "types"), NOT_CARRIED)
def test_types_that_are_not_carried_are_refused_by_name(trio, home, dialect, types):
    for type_ in types.split():
        trio.make(home, f"far_{home}", type_, [])
        with pytest.raises(
            routedb.CrossDatabaseError, match="certainly has its values"
        ):
            trio.ask(dialect, f"SELECT v FROM far_{home}")
        assert trio.ask(dialect, f"SELECT n FROM far_{home}") == []


def test_ids_are_ids(trio):
    psycopg2.extras.register_uuid(conn_or_curs=trio.routed["postgresql"])
    trio.make("mysql", "far_mysql", "uuid", [ID])
    assert trio.ask("postgresql", "SELECT v FROM far_mysql ORDER BY v") == [(UUID(ID),)]
