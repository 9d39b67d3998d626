"""Each kind of session state, through each road, read back from every node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import routedb
from tests.live.state.nodes import cut, everywhere, on_all
from tests.support.later import one_of
from tests.support.server_rig import Rig

# Kind -> its name, how it is asked for, values.
KINDS = {
    "sql_mode": ("sql_mode", "SELECT @@sql_mode", ("ANSI_QUOTES", "NO_ZERO_DATE")),
    "time_zone": ("time_zone", "SELECT @@time_zone", ("+01:00", "+02:00")),
    "the character set": (
        "character_set_client",
        "SELECT @@character_set_client",
        ("latin1", "utf8mb4"),
    ),
    "a number": ("sort_buffer_size", "SELECT @@sort_buffer_size", (65536, 32768)),
    "the isolation level": (
        "tx_isolation",
        "SELECT @@tx_isolation",
        ("READ-COMMITTED", "SERIALIZABLE"),
    ),
}


def written(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"


def run(*texts: str) -> Callable[[Any, str, Any], None]:
    """A road of texts; {n} and {v} are the name and the value."""

    def road(connection: Any, name: str, value: Any) -> None:
        cursor = connection.cursor()
        for text in texts:
            cursor.execute(text.format(n=name, v=written(value)))
            while cursor.nextset():
                pass

    return road


def as_bytes(connection: Any, name: str, value: Any) -> None:
    connection.cursor().execute(f"SET {name} = {written(value)}".encode())


def with_a_parameter(connection: Any, name: str, value: Any) -> None:
    given = [value]
    connection.cursor().execute(f"SET {name} = %s", given)
    given.clear()


def with_a_name(connection: Any, name: str, value: Any) -> None:
    connection.cursor().execute(f"SET {name} = %(v)s", {"v": value})


def many(connection: Any, name: str, value: Any) -> None:
    connection.cursor().executemany(f"SET {name} = %s", [(value,), (value,)])


ROADS = {
    "SET": run("SET {n} = {v}"),
    "SET SESSION": run("SET SESSION {n} = {v}"),
    "SET LOCAL, which is the same": run("SET LOCAL {n} := {v}"),
    "@@session.": run("SET @@session.{n} = {v}"),
    "bytes": as_bytes,
    "a parameter": with_a_parameter,
    "a named parameter": with_a_name,
    "executemany": many,
    "several at once": run("SET lock_wait_timeout = 9, SESSION {n} = {v}"),
    "several statements": run("SELECT 1; SET {n} = {v}; SELECT 2"),
    "behind a write": run("INSERT INTO t VALUES (1); SET {n} = {v}"),
    "a user variable": run("SET @old = {v}", "SET {n} = @old"),
    "as a dump does it": run(
        "SET @old = @@{n}, {n} = {v}", "SET @new = @@{n}, {n} = @old", "SET {n} = @new"
    ),
    "a query": run("SET {n} = (SELECT {v})"),
    "an expression": run("SET {n} = COALESCE(NULL, {v})"),
    "a transaction": run("BEGIN", "SET {n} = {v}", "COMMIT"),
    "a transaction that is rolled back": run("BEGIN", "SET {n} = {v}", "ROLLBACK"),
    "a savepoint that is rolled back": run(
        *("BEGIN", "SELECT 1 FROM t", "SAVEPOINT a", "SET {n} = {v}"),
        *("ROLLBACK TO a", "COMMIT"),
    ),
}


@pytest.fixture
def connection(my_connect) -> routedb.Connection:
    """A connection in autocommit mode, the writer's link open."""
    return my_connect()


@pytest.mark.parametrize("road", one_of(2, ROADS))
def test_what_is_set_is_set_on_every_node_now_and_later(connection, my_rig, road):
    for name, ask, values in KINDS.values():
        if name == "tx_isolation" and "transaction" in road:
            continue  # it cannot be changed inside one
        for value in values:
            ROADS[road](connection, name, value)
            assert everywhere(connection, my_rig, ask) == on_all(my_rig, value), name
    before = my_rig.rows()
    cut(connection, my_rig)
    forget_variables(connection)
    for name, ask, values in KINDS.values():
        if name == "tx_isolation" and "transaction" in road:
            continue
        last = on_all(my_rig, values[-1])
        assert everywhere(connection, my_rig, ask) == last, name
    assert my_rig.rows() == before


def forget_variables(connection: routedb.Connection) -> None:
    """User variables are lost with their link, and that is told once."""
    if connection.pins:
        with pytest.raises(connection.OperationalError, match="user variable"):
            connection.cursor().execute("INSERT INTO t VALUES (2)")


def charset_first(connection):
    connection.set_character_set("utf8mb4")
    connection.cursor().execute("SET NAMES latin1")


def charset_last(connection):
    connection.cursor().execute("SET NAMES utf8mb4")
    connection.set_character_set("latin1")


# What is called, what is asked, what is answered.
METHODS: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "set_sql_mode": (
        lambda c: c.set_sql_mode("ANSI_QUOTES"),
        "SELECT @@sql_mode",
        "ANSI_QUOTES",
    ),
    "set_character_set": (
        lambda c: c.set_character_set("latin1"),
        "SELECT @@character_set_client",
        "latin1",
    ),
    "set_character_set with a collation": (
        lambda c: c.set_character_set("utf8mb4", "utf8mb4_bin"),
        "SELECT @@collation_connection",
        "utf8mb4_bin",
    ),
    "set_character_set, then SET NAMES": (
        charset_first,
        "SELECT @@character_set_client",
        "latin1",
    ),
    "SET NAMES, then set_character_set": (
        charset_last,
        "SELECT @@character_set_client",
        "latin1",
    ),
    "SET NAMES with a collation": (
        lambda c: c.cursor().execute("SET NAMES utf8mb4 COLLATE utf8mb4_bin"),
        "SELECT @@collation_connection",
        "utf8mb4_bin",
    ),
    "SET NAMES behind a hint": (
        lambda c: c.cursor().execute("/* routedb: role=writer */ SET NAMES latin1"),
        "SELECT @@character_set_client",
        "latin1",
    ),
    "SET CHARACTER SET": (
        lambda c: c.cursor().execute("SET CHARACTER SET latin1"),
        "SELECT @@character_set_client",
        "latin1",
    ),
    "select_db": (
        lambda c: c.select_db("information_schema"),
        "SELECT DATABASE()",
        "information_schema",
    ),
    "USE": (
        lambda c: c.cursor().execute("USE `information_schema`"),
        "SELECT DATABASE()",
        "information_schema",
    ),
    "SET SESSION TRANSACTION": (
        lambda c: c.cursor().execute(
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
        ),
        "SELECT @@tx_isolation",
        "READ-COMMITTED",
    ),
}


# NAMES and its kin in a list: no variable has that name, and nothing may fail for it.
LISTS = (
    "SET @a = 1, NAMES latin1",
    "SET NAMES latin1, @a = 2",
    "SET NAMES latin1, sql_mode = 'ANSI_QUOTES'",
    "SET SESSION sql_mode = '', NAMES latin1 COLLATE latin1_bin",
    "SET lock_wait_timeout = 9, CHARACTER SET latin1",
    "SET @a = 3, CHARSET latin1",
    "SET CHARACTER SET latin1, @@lock_wait_timeout = 9",
    "SET autocommit = 1, NAMES latin1",
    "SET CHARACTER SET utf8mb4, NAMES latin1",
    "SET @a = @@character_set_client, NAMES latin1, @b = 4",
    "SET ROLE NONE, NAMES latin1",
    "SET NAMES latin1, ROLE NONE, time_zone = '+01:00'",
)


@pytest.mark.parametrize("text", LISTS)
def test_character_sets_in_a_list_reach_every_node(connection, my_rig, text):
    ask = "SELECT @@character_set_client"
    everywhere(connection, my_rig, ask)
    connection.cursor().execute(text)
    assert everywhere(connection, my_rig, ask) == on_all(my_rig, "latin1")
    cut(connection, my_rig)
    forget_variables(connection)
    assert everywhere(connection, my_rig, ask) == on_all(my_rig, "latin1")


@pytest.mark.parametrize("name", METHODS)
def test_methods_and_other_words_reach_every_node(connection, my_rig, name):
    act, ask, value = METHODS[name]
    everywhere(connection, my_rig, "SELECT 1")
    act(connection)
    assert everywhere(connection, my_rig, ask) == on_all(my_rig, value)
    cut(connection, my_rig)
    assert everywhere(connection, my_rig, ask) == on_all(my_rig, value)


@pytest.mark.parametrize("how", ["SET autocommit = 0", "SET @@autocommit = OFF"])
def test_autocommit_by_text_is_that_of_every_link(connection, my_rig: Rig, how):
    connection.cursor().execute(how)
    assert not connection.get_autocommit()
    assert everywhere(connection, my_rig, "SELECT @@autocommit") == on_all(my_rig, 0)
    cut(connection, my_rig)
    assert everywhere(connection, my_rig, "SELECT @@autocommit") == on_all(my_rig, 0)


# What autocommit is set to, before, and what it is then.
SWITCHES = [
    (True, "SET @old = @@autocommit, autocommit = 0", False),
    (False, "SET autocommit = @old", True),
    (True, "SET @x = 5, @@autocommit = OFF", False),
    (False, "SET sort_buffer_size = 65536, SESSION autocommit = 1, @x = 6", True),
    (True, "SET autocommit = (0)", False),
    (False, "SET autocommit = !0", True),
    (True, "SET autocommit = @@autocommit", True),
    (True, "SET autocommit = 1 - 1", False),
    (False, "SET autocommit = @@autocommit", False),
    (False, "SET @@session.autocommit = @@global.autocommit", True),
    (True, "SET autocommit = COALESCE(NULL, 0)", False),
    (False, "SET autocommit = DEFAULT", True),
    (True, "BEGIN NOT ATOMIC SET @y = 1; END", True),
]


@pytest.fixture
def counted(my_rig: Rig) -> None:
    """A table of one number, which is 0."""
    my_rig.database.execute("CREATE OR REPLACE TABLE counted (v int)")
    my_rig.database.execute("INSERT INTO counted VALUES (0)")
    my_rig.database.wait_replayed()


def test_autocommit_is_what_the_server_says(connection, my_rig: Rig, counted):
    cursor = connection.cursor()
    for before, text, after in SWITCHES:
        assert connection.get_autocommit() is before, text
        cursor.execute(text)
        assert connection.get_autocommit() is after, text
        cursor.execute("UPDATE counted SET v = v + 1")
        ((seen,),) = my_rig.database.execute("SELECT v FROM counted")
        assert (seen > 0) is after, text
        cursor.execute("UPDATE counted SET v = 0")
        connection.commit()
        told = everywhere(connection, my_rig, "SELECT @@autocommit")
        assert told == on_all(my_rig, int(after)), text
        connection.commit()


def test_autocommit_that_is_off_already_commits_nothing(
    connection, my_rig: Rig, counted
):
    cursor = connection.cursor()
    for text, params in (("SET autocommit = 0", None), ("SET autocommit = %s", (0,))):
        connection.autocommit(False)
        cursor.execute("UPDATE counted SET v = 7")
        cursor.execute(text, params)
        connection.rollback()
        assert my_rig.database.execute("SELECT v FROM counted") == [(0,)]
    cursor.execute("SET autocommit = %s", (1,))
    assert connection.get_autocommit()
    cursor.execute("BEGIN")
    cursor.execute("UPDATE counted SET v = 7")
    with pytest.raises(routedb.NotSupportedError, match="end it first"):
        cursor.execute("SET autocommit = 0")
    connection.rollback()
    assert my_rig.database.execute("SELECT v FROM counted") == [(0,)]


@pytest.mark.parametrize(
    "text",
    [
        "SET @n = @@warning_count",
        "SET @n = @@session.warning_count + 0",
        "SET @m = 1, @n := @@local.`warning_count`",
        "SET @n = (SELECT @@warning_count)",
        "SELECT @@warning_count INTO @n",
        "GET DIAGNOSTICS @n = NUMBER",
    ],
)
def test_warnings_are_those_of_the_last_statement(connection, my_rig: Rig, text):
    cursor = connection.cursor()
    with connection.using(role="replica"):
        cursor.execute("SELECT CAST('x' AS int)")
        cursor.fetchall()
    cursor.execute(text)
    cursor.execute("SELECT @n")
    assert cursor.fetchone() == (1,)
    assert str(cursor.node) != "writer"


# What a session has on one node only, and how that is asked for.
PINS = {
    "a temporary table": (
        ["CREATE TEMPORARY TABLE mine (a int)", "INSERT INTO mine VALUES (7)"],
        "SELECT a FROM mine",
        ["temporary table mine on writer"],
    ),
    "one that hides another table": (
        ["CREATE TEMPORARY TABLE t (id int)", "INSERT INTO t VALUES (7)"],
        "SELECT id FROM t",
        ["temporary table t on writer"],
    ),
    "a user variable": (
        ["SET @mine = 7"],
        "SELECT @mine",
        ["user variable mine on writer"],
    ),
    "a variable of a query": (
        ["SELECT 7 INTO @mine"],
        "SELECT @mine",
        ["user variable mine on writer"],
    ),
    "a prepared statement": (
        ["PREPARE p FROM 'SELECT 7'"],
        "EXECUTE p",
        ["prepared statement p on writer"],
    ),
    "a lock": (
        ["SELECT GET_LOCK('mine', 0)"],
        "SELECT IF(RELEASE_LOCK('mine') = 1, 7, 0)",
        ["session lock on writer"],
    ),
    "the last key": (
        ["INSERT INTO keyed VALUES (NULL)"],
        "SELECT LAST_INSERT_ID()",
        [],
    ),
    "the rows that were changed": (
        ["DELETE FROM keyed", "INSERT INTO keyed VALUES (8), (9)"],
        "SELECT ROW_COUNT() + 5",
        [],
    ),
}


@pytest.mark.parametrize("case", PINS)
def test_what_lives_on_one_node_is_found_there(connection, my_rig, case):
    make, ask, pins = PINS[case]
    if "keyed" in str(make):
        my_rig.database.execute("DROP TABLE IF EXISTS keyed")
        my_rig.database.execute("CREATE TABLE keyed (id int AUTO_INCREMENT KEY)")
        my_rig.database.execute("ALTER TABLE keyed AUTO_INCREMENT = 7")
        my_rig.database.wait_replayed()
    everywhere(connection, my_rig, "SELECT 1")
    cursor = connection.cursor()
    with connection.using(consistency="eventual"):
        for text in make:
            cursor.execute(text)
        assert [str(pin) for pin in connection.pins] == pins
        cursor.execute(ask)
    assert cursor.fetchone() == (7,)
    assert str(cursor.node) == "writer"


def test_found_rows_are_those_of_the_last_query_wherever_it_ran(connection, my_rig):
    cursor = connection.cursor()
    with connection.using(consistency="eventual"):
        cursor.execute("SELECT 1 FROM information_schema.engines LIMIT 2")
        where = cursor.node
        assert str(where) in my_rig.replicas
        cursor.execute("SELECT FOUND_ROWS()")
        assert (cursor.fetchone(), cursor.node) == ((2,), where)


@pytest.mark.parametrize(
    "texts",
    [
        ["SET character_set_results = NULL"],
        ["SET character_set_results = IF(1, NULL, 'utf8mb4')"],
        ["SET @none = NULL", "SET character_set_results = @none"],
        ["SET NAMES latin1", "SET @@character_set_results = COALESCE(NULL, NULL)"],
        ["SET STATEMENT lock_wait_timeout = 9 FOR SET character_set_results = NULL"],
    ],
)
def test_a_variable_without_a_value_is_so_on_every_node(connection, my_rig, texts):
    """It is read back where an expression computes it: no value is one, too."""
    ask = "SELECT COALESCE(@@character_set_results, 'none')"
    for text in texts:
        connection.cursor().execute(text)
    assert everywhere(connection, my_rig, ask) == on_all(my_rig, "none")
