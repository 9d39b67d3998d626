"""A program that speaks PostgreSQL, or SQLite, gets from MariaDB what it means."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.home import Home
from tests.support.server_rig import settle_all

RIGHT = [
    ("SELECT name || '!' FROM legacy WHERE id = 1", "a!"),
    ("""SELECT "order" FROM legacy WHERE id = 1""", 7),
    ("""SELECT "l"."name" FROM "legacy" AS "l" WHERE "l"."id" = 1""", "a"),
    ("""SELECT count(*) FROM legacy WHERE "name" = 'a'""", 1),
    ("""SELECT count(*) FROM legacy WHERE name || 'b' = 'ab'""", 1),
    ("""SELECT max(id) AS "the name" FROM legacy ORDER BY "the name" """, 1),
    ("SELECT name || '!' || name FROM legacy", "a!a"),
    ("""SELECT '<' || "name" || '>' FROM legacy WHERE "id" = 1""", "<a>"),
    ("""SELECT "legacy"."order" FROM legacy""", 7),
    ("""SELECT count(*) FROM legacy WHERE "order" = 7 AND "order" <> id""", 1),
    ("""SELECT count(*) FROM legacy WHERE name || "name" = 'aa'""", 1),
    ("""SELECT "order" AS "a ""quoted"" name" FROM legacy""", 7),
    ("""SELECT CASE WHEN "name" = 'a' THEN 'x' || 'y' END FROM legacy""", "xy"),
    ("""SELECT max("name") FROM legacy GROUP BY "order" ORDER BY "order" """, "a"),
    ("SELECT coalesce(NULL || name, 'none') FROM legacy", "none"),
    ("SELECT name FROM legacy WHERE 'a' || 'b' LIKE name || '_'", "a"),
]
WRITE = """UPDATE legacy SET "order" = 8, name = name || 'z'"""


@pytest.fixture
def legacy(my_home: Home) -> Home:
    my_home.run("CREATE TABLE legacy (id int PRIMARY KEY, name text, `order` int)")
    my_home.run("INSERT INTO legacy VALUES (1, 'a', 7)")
    my_home.settle()
    return my_home


@pytest.fixture
def connect(open_cluster, legacy: Home):
    def connect(home: Home, **options: object):
        old = {"nodes": legacy.dsns, **options}
        databases = {"main": {"nodes": home.dsns}, "old": old}
        source = {"default": "main", "databases": databases}
        source["tables"] = {"legacy": "old"}
        cluster = open_cluster(source)
        connection = cluster.connect(autocommit=True)
        settle_all(cluster)
        return connection

    return connect


def rows(connection, sql):
    cursor = connection.cursor()
    cursor.execute(sql)
    return list(cursor.fetchall())


@pytest.mark.parametrize("more", [{}, {"pool": {"max": 2}}])
def test_quotes_and_bars_mean_what_the_program_means(pg_home, connect, more):
    connection = connect(pg_home, **more)
    for sql, expected in RIGHT:
        assert rows(connection, sql) == [(expected,)], sql
    connection.cursor().execute(WRITE)
    sql = """SELECT "order", name FROM legacy FOR UPDATE"""
    assert rows(connection, sql) == [(8, "az")]


def test_what_sqlite_means_is_read_and_not_written_to_another_engine(
    lite_home, connect
):
    connection = connect(lite_home)
    for sql, expected in RIGHT:
        assert rows(connection, sql) == [(expected,)], sql
    with pytest.raises(routedb.CrossDatabaseError, match="speaks mysql"):
        rows(connection, WRITE)


@pytest.mark.parametrize(("sql", "expected"), RIGHT)
def test_texts_in_mysqls_own_dialect_are_read_as_they_are_run(
    pg_home, connect, sql, expected
):
    connection = connect(pg_home)
    cursor = connection.cursor()
    with connection.using("old"):
        cursor.execute(sql)
    assert list(cursor.fetchall()) == [(expected,)]
    assert cursor.route.role.value == "replica", cursor.route


def test_the_modes_are_added_to_those_of_the_server(pg_home, connect, legacy):
    ((server,),) = legacy.run("SELECT @@GLOBAL.sql_mode")
    ((mode,),) = rows(connect(pg_home), "/* routedb: database=old */ SELECT @@sql_mode")
    added = {"ANSI_QUOTES", "PIPES_AS_CONCAT"}
    assert set(mode.split(",")) == set(server.split(",")) | added


def test_a_configured_mode_stays(pg_home, connect):
    connection = connect(pg_home, options={"sql_mode": "STRICT_ALL_TABLES"})
    sql = "/* routedb: database=old */ SELECT @@sql_mode"
    assert rows(connection, sql) == [("STRICT_ALL_TABLES",)]
    with connection.using("old"):
        assert rows(connection, RIGHT[0][0]) == [(0,)]
    assert rows(connection, RIGHT[0][0]) == [("a!",)]


def test_a_link_of_a_pool_has_the_modes_again(pg_home, open_cluster, legacy):
    old = {"nodes": [legacy.writer_dsn], "pool": {"max": 1}}
    databases = {"main": {"nodes": pg_home.dsns}, "old": old}
    tables = {"legacy": "old"}
    cluster = open_cluster(
        {"default": "main", "databases": databases, "tables": tables}
    )
    for _ in range(3):
        connection = cluster.connect(autocommit=True)
        assert rows(connection, RIGHT[0][0]) == [("a!",)]
        cursor = connection.cursor()
        cursor.execute("/* routedb: database=old */ SET sql_mode = ''")
        connection.close()


def test_a_program_that_speaks_mysql_is_left_alone(my_home, open_cluster):
    connection = open_cluster(
        {"databases": {"main": {"nodes": my_home.dsns}}}
    ).connect()
    ((server,),) = my_home.run("SELECT @@GLOBAL.sql_mode")
    assert rows(connection, "SELECT @@sql_mode") == [(server,)]
    assert rows(connection, 'SELECT "a"') == [("a",)]
