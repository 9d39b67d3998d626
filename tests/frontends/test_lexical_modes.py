"""Whatever a session's settings make of quotes: what is a string to the server is no
hint and no code to us, and reaches no other database."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import MySQLdb
import psycopg2
import pytest

from routedb import errors
from tests.frontends.home import sqlite_home
from tests.support.server_rig import settle_all

HINT = "/* routedb: database=other */"

# Strings to a server without escapes; to another, with a hint or a table outside them.
PLAIN = [
    rf"SELECT 'a\', ' {HINT} , ', 'x' -- '",
    r"SELECT 'a\', '; INSERT INTO crm_notes VALUES (1); SELECT ', 'x' -- '",
    r"SELECT 'a\', ', (SELECT count(*) FROM crm_notes), ', 'x' -- '",
    r"SELECT 'a\', '-- routedb: database=other', 'x' -- '",
    rf"SELECT '\', ''', {HINT}, ''', 'x' -- '",
]
# The other way round.
ESCAPING = [
    rf"SELECT 'a\' {HINT} , \' '",
    r"SELECT 'a\'; INSERT INTO crm_notes VALUES (1); SELECT \' '",
    r"SELECT 'a\', (SELECT count(*) FROM crm_notes) , \' '",
    rf"SELECT 'it''s\\\' {HINT} , ''\' '",
    rf"SELECT 'a\' -- \' {HINT} '",
]
ANSI = [f'SELECT "id" FROM (SELECT 1 AS "id") AS "s" {text}' for text in ("", "-- '")]

POSTGRESQL = [
    ["SET standard_conforming_strings = off"],
    ["SELECT set_config('standard_conforming_strings', 'off', false)"],
    ["BEGIN", "SET LOCAL standard_conforming_strings TO off"],
    ["SET standard_conforming_strings = off; SELECT 1"],
]
# What other links do not get: where they are open, such texts are not read.
HIDDEN = [
    ("pg_home", ["SELECT hide()"], ESCAPING),
    ("pg_home", ["DO $é$ BEGIN PERFORM hide(); END $é$"], ESCAPING),
    ("pg_home", ["WITH é AS (SELECT hide()) SELECT * FROM é"], ESCAPING),
    ("my_home", ["EXECUTE IMMEDIATE 'SET sql_mode = 1048576'"], PLAIN),
    ("my_home", ["PREPARE s FROM 'SET sql_mode = 1048576'", "EXECUTE s"], PLAIN),
]
MYSQL = [
    (["SET sql_mode = 'NO_BACKSLASH_ESCAPES'"], PLAIN),
    (["SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"], PLAIN),
    (["SET @@sql_mode = 1048576"], PLAIN),
    (["SET @a = 1; SET sql_mode = 'NO_BACKSLASH_ESCAPES'"], PLAIN),
    (["SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "SET sql_mode = ''"], ESCAPING),
    (["SET sql_mode = 'ORACLE,NO_BACKSLASH_ESCAPES'"], PLAIN + ANSI),
    (["SET sql_mode = 'ORACLE'"], ESCAPING + ANSI),
    (["SET sql_mode = 'ANSI'"], ESCAPING + ANSI),
    (["SET sql_mode = 'POSTGRESQL'"], ESCAPING + ANSI),
    (["SET sql_mode = 'DB2'"], ESCAPING + ANSI),
    (["SET sql_mode = 'MAXDB'"], ESCAPING + ANSI),
    (["CALL hide()"], ESCAPING),
]


@pytest.fixture
def connect(open_cluster, sqlite_dir):
    """Connect to a home, beside another database with the tables of a rule."""
    other = sqlite_home(sqlite_dir)
    other.run("CREATE TABLE crm_notes (id integer)")

    def connect(home, **options):
        databases = {
            "main": {"nodes": home.dsns, **options},
            "other": {"nodes": other.dsns},
        }
        source = {"databases": databases, "default": "main"}
        source["tables"] = {"crm_*": "other"}
        made = open_cluster(source).connect(autocommit=True)
        made.written = lambda: other.run("SELECT * FROM crm_notes")
        return made

    return connect


def run(cursor, sql):
    cursor.execute(sql)
    rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
    nextset = getattr(cursor, "nextset", lambda: None)
    with suppress(psycopg2.NotSupportedError):  # nor has ours there
        while nextset():
            pass
    return rows


def check_strings(connection, texts, raw):
    """Each text gives what it gives on `raw`, a connection past routedb, on main."""
    for sql in texts:
        for _ in range(3):  # as a new text, and as a known one
            cursor = connection.cursor()
            rows = run(cursor, sql)
            assert cursor.route.database == "main", sql
            assert rows == run(raw, sql), sql
    assert connection.written() == []


REFUSALS = (errors.UnknownTableError, errors.HintError)


HIDE = """CREATE FUNCTION hide() RETURNS text LANGUAGE sql AS
$é$ SELECT set_config('standard_conforming_strings', 'off', false) $é$"""


@pytest.fixture
def pg_raw(pg_home):
    pg_home.run(HIDE)
    pg_home.settle()
    raw = psycopg2.connect(pg_home.writer_dsn)
    raw.autocommit = True
    yield raw.cursor()
    raw.close()


@pytest.fixture
def my_raw(my):
    my.execute(
        "CREATE PROCEDURE hide() BEGIN SET SESSION sql_mode = 'ANSI_QUOTES'; END"
    )
    my.wait_replayed()
    raw = my.cluster.nodes[0].connect(my.name)
    yield raw.cursor()
    raw.close()


@pytest.mark.parametrize("setting", POSTGRESQL, ids=" ".join)
def test_strings_that_postgresql_reads_with_escapes(pg_home, connect, pg_raw, setting):
    connection = connect(pg_home)
    cursor = connection.cursor()
    for sql in ESCAPING:  # unknown, or known as what they are without the setting
        with suppress(errors.Error):
            cursor.execute(sql)
    check_strings(connection, PLAIN, pg_raw)
    for sql in setting:
        run(cursor, sql)
        run(pg_raw, sql)
    check_strings(connection, ESCAPING, pg_raw)
    if setting[0] == "BEGIN":
        run(cursor, "ROLLBACK")
        run(pg_raw, "ROLLBACK")
        check_strings(connection, PLAIN, pg_raw)


@pytest.mark.parametrize(("home", "setting", "texts"), HIDDEN, ids=str)
@pytest.mark.parametrize("nodes", [1, 3])
def test_modes_that_are_set_out_of_sight(request, connect, home, setting, texts, nodes):
    raw = request.getfixturevalue("pg_raw" if home == "pg_home" else "my_raw")
    home = request.getfixturevalue(home)
    connection = connect(home, nodes=home.dsns[-nodes:])
    cursor = connection.cursor()
    for sql in ("SELECT * FROM t", *setting):
        run(cursor, sql)
    for sql in setting:
        run(raw, sql)
    if nodes == 1:
        check_strings(connection, texts, raw)
    for sql in texts:
        with suppress(*REFUSALS):
            cursor.execute(sql)
            assert cursor.route.database == "main"
    assert connection.written() == []


@pytest.mark.parametrize("way", ["dsn", "options", "database"])
def test_postgresql_sessions_that_begin_with_escapes(pg_home, connect, pg_raw, way, pg):
    setting = "-c standard_conforming_strings=off"
    options: dict[str, object] = {"options": {"options": setting}}
    if way == "database":
        pg_home.run(f"ALTER DATABASE {pg.name} SET standard_conforming_strings = off")
        pg_home.settle()
        options = {}
    if way == "dsn":
        options = {"nodes": [f"{d}?options={quote(setting)}" for d in pg_home.dsns]}
    connection = connect(pg_home, **options)
    pg_raw.execute("SET standard_conforming_strings = off")
    check_strings(connection, ESCAPING, pg_raw)


@pytest.mark.parametrize(("setting", "texts"), MYSQL, ids=lambda v: str(v[-1])[:40])
def test_strings_of_mysqls_modes(my_home, connect, my_raw, setting, texts):
    connection = connect(my_home)
    cursor = connection.cursor()
    run(cursor, "SET sql_mode = ''")
    run(my_raw, "SET sql_mode = ''")
    for sql in PLAIN:
        with suppress(errors.Error):
            cursor.execute(sql)
    check_strings(connection, ESCAPING, my_raw)
    for sql in setting:
        run(cursor, sql)
        run(my_raw, sql)
    check_strings(connection, texts, my_raw)


def test_a_mode_that_is_set_within_the_text(my_home, connect):
    connection = connect(my_home)
    for text in PLAIN:
        with pytest.raises(REFUSALS):
            connection.cursor().execute(f"SET sql_mode = 1048576; {text}")
    assert connection.written() == []


def test_brackets_that_quote_names(my_home, connect):
    connection = connect(my_home)
    cursor = connection.cursor()
    cursor.execute("SET sql_mode = 'MSSQL'")
    for text in (f"SELECT 1 AS [it's], '{HINT}'", "SELECT 1 AS [a], 'crm_notes'"):
        with pytest.raises(REFUSALS):
            cursor.execute(text)
    with connection.using("main"):
        assert run(cursor, "SELECT 1 AS [a]") == [(1,)]


@pytest.mark.parametrize("way", ["sql_mode", "init_command", "method"])
def test_mysql_sessions_that_begin_without_escapes(my_home, connect, my_raw, way):
    options = {
        "sql_mode": {"options": {"sql_mode": "NO_BACKSLASH_ESCAPES"}},
        "init_command": {"options": {"init_command": "SET sql_mode = 1048576"}},
        "method": {},
    }[way]
    connection = connect(my_home, **options)
    if way == "method":
        run(connection.cursor(), ESCAPING[0])
        connection.set_sql_mode("NO_BACKSLASH_ESCAPES")
    my_raw.execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    check_strings(connection, PLAIN, my_raw)


def test_a_pool_gives_no_ones_mode_to_another(my_home, connect, my_raw):
    connection = connect(my_home, pool={"max": 2})
    run(connection.cursor(), "SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    connection.close()
    my_raw.execute("SET sql_mode = @@GLOBAL.sql_mode")
    again = connect(my_home, pool={"max": 2})
    check_strings(again, ESCAPING, my_raw)


def test_characters_that_hold_a_backslash(my_home, connect):
    """What is sent as UTF-8 is read as GBK: 中 takes in the backslash behind it."""
    connection = connect(my_home)
    cursor = connection.cursor()
    text = rf"SELECT '中\', ' {HINT} , ', 'x' -- '"
    with pytest.raises(errors.Error):
        cursor.execute(text)
    cursor.execute("SET NAMES gbk")
    with pytest.raises(REFUSALS):
        cursor.execute(text)
    assert run(cursor, "SELECT 'a\\'' -- é") == [("a'",)]


def test_a_text_that_other_servers_read_otherwise_is_not_sent(
    pg_home, my_home, open_cluster
):
    databases = {"main": {"nodes": pg_home.dsns}, "old": {"nodes": my_home.dsns}}
    source = {"databases": databases, "default": "main", "tables": {"t": "old"}}
    connection = open_cluster(source).connect(autocommit=True)
    cursor = connection.cursor()
    with pytest.raises(errors.NotSupportedError, match="nothing was sent"):
        cursor.execute(r"UPDATE t SET name = 'a\' WHERE id = 1 -- '")
    cursor.execute("UPDATE t SET name = 'é' WHERE id = 1")
    assert my_home.rows()[0] == (1, "é")


@pytest.mark.parametrize("engine", ["pg_home", "my_home", "lite_home"])
def test_only_using_chooses(request, open_cluster, engine):
    home = request.getfixturevalue(engine)
    databases = {"main": {"nodes": home.dsns}, "other": {"nodes": home.dsns}}
    source = {"databases": databases, "default": "main", "hints": "using-only"}
    cluster = open_cluster(source)
    connection = cluster.connect(autocommit=True)
    settle_all(cluster)
    cursor = connection.cursor()
    for words in ("database=other", "role=writer", "shard=7", "nonsense"):
        cursor.execute(f"SELECT 1 /* routedb: {words} */")
        assert cursor.route.database == "main"
        cursor.execute(f"SELECT name FROM t -- routedb: {words}")
        assert cursor.route.role.value == "replica"
    with connection.using("other"):
        cursor.execute("SELECT 1 /* routedb: database=main */")
    assert cursor.route.database == "other"


UNMERGED = (
    errors.ShardError,
    errors.CrossDatabaseError,
    errors.UnknownTableError,
)
MODES = {
    "my_world": ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "ANSI_QUOTES,ORACLE", ""],
    "pg_world": ["off", "on"],
}
SEVERAL = {
    "my_world": [
        r"SELECT id, '\' AS a FROM items WHERE name <> '\' OR owner = 2 ORDER BY id",
        "SELECT '\\', ''', id, ''' -- '\n FROM items ORDER BY 1",
        'SELECT "name", count(*) FROM items GROUP BY "name" ORDER BY 1',
        'SELECT max("id") FROM items',
        'SELECT i.id, "l" FROM items i JOIN leads l ON l.owner = i.owner ORDER BY i.id',
        r"SELECT 'a\' /* routedb: database=crm */ , \' ', id FROM items ORDER BY id",
        r"SELECT '\', (SELECT count(*) FROM leads), '\' x FROM items ORDER BY id",
        "SELECT id, name FROM items ORDER BY id",
    ],
    "pg_world": [
        r"SELECT id, 'a\\b' FROM items WHERE name <> '\\' OR owner = 2 ORDER BY id",
        "SELECT '\\', ''', id, ''' -- '\n FROM items ORDER BY id",
        r"SELECT id, 'x\'/* routedb: database=crm */, \'' FROM items ORDER BY id",
        r"SELECT i.id, E'x\'', $é$ ' $é$ FROM items i ORDER BY i.id",
        r"SELECT i.id, '\\' || l.src FROM items i JOIN leads l ON i.owner = l.owner",
    ],
}


def _rows(connection, sql):
    """What a text shows; None where the server refuses it."""
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
    except UNMERGED:
        raise
    except (psycopg2.Error, MySQLdb.Error):
        connection.rollback()
        return None
    return sorted(map(str, cursor.fetchall()))


@pytest.mark.parametrize("name", SEVERAL)
def test_over_several_groups_the_answer_is_the_servers_or_none(request, name):
    """Planning reads texts as sessions usually do."""
    world = request.getfixturevalue(name)
    setting = "sql_mode" if name == "my_world" else "standard_conforming_strings"
    answered = 0
    for mode in MODES[name]:
        for connection in world:
            connection.cursor().execute(f"SET {setting} = '{mode}'")
        world.one.commit()
        for sql in SEVERAL[name]:
            expected = _rows(world.one, sql)
            try:
                assert _rows(world.routed, sql) == expected, sql
            except UNMERGED:
                if mode in ("", "on"):  # as sessions usually are: it is no SQL then
                    assert expected is None
            else:
                answered += 1
    assert answered > 4
