"""INSERT … SELECT from one database into another: values of every type arrive as they
are, and what would not is refused."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Any

import pytest

import routedb

PG_TYPES = {
    "a": ("smallint", "-1"),
    "b": ("bigint", "9223372036854775807"),
    "c": ("numeric", "'12345678901234567890.123456789'"),
    "d": ("numeric(10, 2)", "'NaN'"),
    "e": ("real", "0.1"),
    "f": ("double precision", "'1.7976931348623157e308'"),
    "g": ("text", "E'a\\\\b\"c''d\\n%s {}'"),
    "h": ("varchar(9)", "'NULL'"),
    "i": ("char(5)", "'x'"),
    "j": ("bytea", "'\\x00ff5c27'"),
    "k": ("date", "'4000-01-01 BC'"),
    "l": ("timestamp", "'2024-02-29 23:59:59.123456'"),
    "m": ("timestamptz", "'infinity'"),
    "n": ("time", "'24:00:00'"),
    "o": ("timetz", "'04:05:06+13'"),
    "p": ("interval", "'1 year 2 mons -3 days 04:05:06.7'"),
    "q": ("boolean", "true"),
    "r": ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    "s": ("json", '\'{"a":  1, "a": 2}\''),
    "t": ("jsonb", "'{\"b\": [1, null]}'"),
    "u": ("integer[]", "'[0:1][1:2]={{1,NULL},{3,4}}'"),
    "v": ("text[]", "ARRAY['a,b', NULL, 'NULL', '']"),
    "w": ("int4range", "'[1,5)'"),
    "x": ("inet", "'10.1.2.3/8'"),
    "y": ("bit varying(8)", "B'101'"),
    "z": ("money", "12.34"),
    "aa": ("point", "'(1.1,2.2)'"),
    "ab": ("xml", "'<a>b</a>'"),
    "ac": ("tsvector", "'a:1 b:2'"),
    "ad": ("mood", "'glad'"),
    "ae": ('"char"', "'z'"),
    "af": ("pair", "ROW(1, 'x,y')"),
}
MY_TYPES = {
    "a": ("tinyint", "-1"),
    "b": ("bigint unsigned", "18446744073709551615"),
    "c": ("decimal(30, 10)", "12345678901234567890.0123456789"),
    "d": ("double", "1.7976931348623157e308"),
    "e": ("varchar(20)", "'a\\\\b\"c''d %s 😀'"),
    "f": ("char(5)", "'x'"),
    "g": ("varbinary(9)", "X'00FF5C27'"),
    "h": ("blob", "X'C328'"),
    "i": ("date", "'2024-02-29'"),
    "j": ("datetime(6)", "'2024-02-29 23:59:59.123456'"),
    "k": ("time(3)", "'-838:59:59.123'"),
    "l": ("year", "2024"),
    "m": ("json", "'{\"a\":  1}'"),
    "n": ("timestamp", "'2024-02-29 23:59:59'"),
    "o": ("text CHARACTER SET latin1", "'é'"),
    "p": ("datetime", "'2024-01-01'"),
}
SETUP = "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TYPE pair AS (n int, t text)"


def _databases(servers: Any, types: Any, setup: str, stack: ExitStack) -> Any:
    made = [stack.enter_context(servers.database()) for _ in range(2)]
    columns = ", ".join(f"{name} {type_}" for name, (type_, _) in types.items())
    values = ", ".join(value for _, value in types.values())
    nulls = ", ".join(["NULL"] * len(types))
    for database, table in zip(made, ("originals", "copies"), strict=True):
        for text in filter(None, setup.split("; ")):
            database.execute(text)
        database.execute(f"CREATE TABLE {table} ({columns})")
    made[0].execute(f"INSERT INTO originals VALUES ({values}), ({nulls})")
    source = {
        "default": "one",
        "databases": {
            "one": {"nodes": [made[0].writer_dsn]},
            "other": {"nodes": [made[1].writer_dsn]},
        },
        "tables": {"originals": "one", "copies": "other", "loose": "other"},
    }
    cluster = stack.enter_context(closing(routedb.Cluster(source)))
    return stack.enter_context(closing(cluster.connect(autocommit=True))), made


@pytest.fixture
def pg(postgresql, stack) -> Any:
    """Two databases of PostgreSQL."""
    return _databases(postgresql, PG_TYPES, SETUP, stack)


@pytest.fixture
def my(mariadb, stack) -> Any:
    """Two databases of MariaDB."""
    return _databases(mariadb, MY_TYPES, "", stack)


def _shown(connection: Any, table: str, types: Any, cast: str) -> list[Any]:
    listed = ", ".join(cast.format(name) for name in types)
    cursor = connection.cursor()
    cursor.execute(f"SELECT {listed} FROM {table}")
    return sorted(map(tuple, cursor.fetchall()), key=str, reverse=True)


def test_postgresqls_types(pg):
    connection, _ = pg
    cursor = connection.cursor()
    cursor.execute("SET bytea_output = 'escape'")
    cursor.execute("SET intervalstyle = 'sql_standard'")
    with pytest.raises(routedb.ProgrammingError):  # json has no equality
        cursor.execute("INSERT INTO copies SELECT DISTINCT * FROM originals")
    cursor.execute("UPDATE originals SET k = '2024-02-29' WHERE a = -1")
    cursor.execute("INSERT INTO copies SELECT * FROM originals")
    assert cursor.rowcount == 2
    assert cursor.statusmessage == "INSERT 0 2"
    cast = "{}::text"
    original = _shown(connection, "originals", PG_TYPES, cast)
    assert _shown(connection, "copies", PG_TYPES, cast) == original
    assert any(None not in row for row in original)


def test_mariadbs_types(my):
    connection, _ = my
    cursor = connection.cursor()
    cursor.execute("INSERT INTO copies SELECT * FROM originals")
    assert cursor.rowcount == 2
    original = _shown(connection, "originals", MY_TYPES, "HEX({})")
    assert _shown(connection, "copies", MY_TYPES, "HEX({})") == original
    assert any(None not in row for row in original)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("INSERT INTO copies (k) SELECT 'infinity'::date FROM originals", "infinity"),
        ("INSERT INTO copies (g) SELECT 'int4'::regtype FROM originals", "one server"),
        ("INSERT INTO copies (g) SELECT ROW(1, a) FROM originals", "one server"),
    ],
)
def test_what_postgresql_would_not_carry(pg, sql, why):
    connection, _ = pg
    with pytest.raises(routedb.CrossDatabaseError, match=why):
        connection.cursor().execute(sql)
    assert _shown(connection, "copies", {"a": ()}, "{}") == []


ASSIGNED = [
    ("INSERT INTO copies (k, s, ad, p) SELECT '2024-01-01', '{}', 'sad', '1 day' "
     "FROM originals", None),
    ("INSERT INTO copies (k, s, ad) SELECT %s, %s, %s FROM originals",
     ("2024-01-01", "[1]", None)),
    ("INSERT INTO copies (k, a) SELECT %(d)s, %(n)s FROM originals",
     {"d": "2024-01-01", "n": 5}),
    ("INSERT INTO copies (h) SELECT 'longer than nine' FROM originals", None),
    ("INSERT INTO copies (h) SELECT g FROM originals", None),
    ("INSERT INTO copies (k) SELECT g FROM originals", None),
    ("INSERT INTO copies (a) SELECT b FROM originals", None),
    ("INSERT INTO copies (a, c) SELECT f, f FROM originals WHERE a IS NULL", None),
    ("INSERT INTO copies (d) SELECT c FROM originals", None),
    ("INSERT INTO copies (g) SELECT a FROM originals", None),
    ("INSERT INTO copies (k) SELECT DISTINCT '2024-01-01' FROM originals", None),
    ("INSERT INTO copies (i) SELECT h FROM originals", None),
    ("INSERT INTO copies (u[1]) SELECT a FROM originals", None),
    ("INSERT INTO copies SELECT a, NULL FROM originals", None),
    ("INSERT INTO copies (a, b) SELECT a FROM originals", None),
    ("INSERT INTO copies (a) SELECT a, NULL FROM originals", None),
]  # fmt: skip


def test_assignments_are_those_of_one_database(pg):
    """The same statement within the first database, which has a table of that name as
    well, ends alike."""
    connection, made = pg
    columns = ", ".join(f"{name} {type_}" for name, (type_, _) in PG_TYPES.items())
    made[0].execute(f"CREATE TABLE copies ({columns})")
    cursor = connection.cursor()
    for sql, params in ASSIGNED:
        found = []
        for name in (None, "one"):
            with connection.using(name):
                try:
                    cursor.execute(sql, params)
                    told = _shown(connection, "copies", PG_TYPES, "{}::text")
                except routedb.Error as exc:
                    told = [getattr(exc, "pgcode", None)]
                found.append(told)
                connection.cursor().execute("DELETE FROM copies")
        assert found[0] == found[1], sql


def test_a_type_of_the_source_alone_is_told(pg):
    connection, made = pg
    made[0].execute("CREATE TYPE odd AS ENUM ('x')")
    with pytest.raises(routedb.ProgrammingError, match="odd"):
        connection.cursor().execute(
            "INSERT INTO copies (g) SELECT 'x'::odd FROM originals"
        )


TEXTS = (
    "SELECT concat(a), i, j, k, l, n, p, b, c, d FROM originals",
    "SELECT round(a * 1.5e0, 1), date(j), round(c, 3), d * 2e-9, a + 1.5 "
    "FROM originals",
    "SELECT sum(a), min(j), max(k), 1.5e0, true, 'x', NULL, 0x41 FROM originals",
)


@pytest.mark.parametrize("sql", TEXTS)
def test_mariadbs_values_become_the_texts_of_one_database(my, sql):
    connection, made = my
    columns = ", ".join(f"c{n} text" for n in range(sql.count(",") + 1))
    for database in made:
        database.execute(f"CREATE TABLE loose ({columns})")
    width = 5 if "round" in sql else 10 if "concat" in sql else 8
    listed = ", ".join(f"c{n}" for n in range(width))
    found = []
    for name in (None, "one"):
        with connection.using(name):
            cursor = connection.cursor()
            cursor.execute(f"INSERT INTO loose ({listed}) {sql}")
            cursor.execute("SELECT * FROM loose ORDER BY 1")
            found.append(cursor.fetchall())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("INSERT INTO copies (a) SELECT avg(a) FROM originals", "more digits"),
        ("INSERT INTO copies (a) SELECT a FROM originals WHERE e = 1", "warnings"),
        ("INSERT INTO copies (d) SELECT round(d, 2) FROM originals", "large number"),
    ],
)
def test_what_mariadb_would_write_otherwise(my, sql, why):
    connection, _ = my
    with pytest.raises(routedb.CrossDatabaseError, match=why):
        connection.cursor().execute(sql)
