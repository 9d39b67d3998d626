"""What lives on one backend of PostgreSQL, through its drivers' own roads."""

from __future__ import annotations

import psycopg2
import pytest

import routedb
from tests.live.state.nodes import cut, everywhere
from tests.support.server_rig import Rig, link_to


@pytest.fixture
def connection(pg_connect, pg_rig) -> routedb.Connection:
    """A connection with links to all nodes."""
    connection = pg_connect()
    everywhere(connection, pg_rig, "SELECT 1")
    return connection


def shown(connection: routedb.Connection) -> list[str]:
    return [str(pin) for pin in connection.pins]


# What a session has on one node, how it is asked for, and what is pinned.
PINS = {
    "a temporary table": (
        ["CREATE TEMP TABLE mine (a int)", "INSERT INTO mine VALUES (7)"],
        "SELECT a FROM mine",
        ["temporary table mine on writer"],
    ),
    "one that hides another": (
        ["CREATE TEMP TABLE t (id int)", "INSERT INTO t VALUES (7)"],
        "SELECT id FROM t",
        ["temporary table t on writer"],
    ),
    "a temporary view": (
        ["CREATE TEMP VIEW mine AS SELECT 7 AS a"],
        "TABLE mine",
        ["temporary view mine on writer"],
    ),
    "what the catalog tells of it": (
        ["CREATE TEMP TABLE mine (a int)"],
        "SELECT 6 + count(*) FROM pg_class WHERE relname = 'mine'",
        ["temporary table mine on writer"],
    ),
    "what a function tells of it": (
        ["CREATE TEMP TABLE mine (a int)"],
        "SELECT CASE WHEN to_regclass('mine') IS NOT NULL THEN 7 END",
        ["temporary table mine on writer"],
    ),
    "a prepared statement": (
        ["PREPARE p (int) AS SELECT $1"],
        "EXECUTE p (7)",
        ["prepared statement p on writer"],
    ),
    "a cursor": (
        ["DECLARE c CURSOR WITH HOLD FOR SELECT 7"],
        "FETCH NEXT FROM c",
        ["cursor WITH HOLD c on writer"],
    ),
    "a lock": (
        ["SELECT pg_advisory_lock(77)"],
        "SELECT CASE WHEN pg_advisory_unlock(77) THEN 7 END",
        ["session lock on writer"],
    ),
    "a channel": (
        ["LISTEN news"],
        "SELECT 7 WHERE 'news' IN (SELECT pg_listening_channels())",
        ["LISTEN news on writer"],
    ),
    "a sequence": (
        ["CREATE TEMP SEQUENCE own START 7", "SELECT nextval('own')"],
        "SELECT currval('own')",
        ["temporary sequence own on writer", "value of a sequence on writer"],
    ),
}


@pytest.mark.parametrize("case", PINS)
def test_what_lives_on_one_node_is_found_there(connection, case):
    make, ask, pins = PINS[case]
    cursor = connection.cursor()
    with connection.using(consistency="eventual"):
        for text in make:
            cursor.execute(text)
        assert shown(connection) == pins
        cursor.execute(ask)
    assert cursor.fetchone() == (7,)
    assert str(cursor.node) == "writer"


EVERYTHING = (
    "CREATE TEMP TABLE mine (a int)",
    "CREATE TEMP SEQUENCE own",
    "PREPARE p AS SELECT 7",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 7",
    "SELECT pg_advisory_lock(77)",
    "LISTEN news",
    "SELECT nextval('own')",
)


@pytest.mark.parametrize("how", ["DISCARD ALL", "reset"])
def test_everything_is_freed(connection, how):
    cursor = connection.cursor()
    for text in EVERYTHING:
        cursor.execute(text)
    assert len(connection.pins) == len(EVERYTHING)
    if how == "reset":
        connection.reset()
    else:
        cursor.execute(how)
    assert connection.pins == ()
    connection.autocommit = True
    for text in EVERYTHING:  # nothing is in the way
        cursor.execute(text)


def test_a_named_cursor_with_hold_lives_until_it_is_closed(pg_rig, connection):
    with connection.using(consistency="eventual", role="replica"):
        cursor = connection.cursor("held", withhold=True)
        cursor.execute("SELECT generate_series(1, 3)")
    where = str(cursor.node)
    assert shown(connection) == [f"cursor WITH HOLD held on {where}"]
    assert cursor.fetchone() == (1,)
    other = connection.cursor()
    other.execute("FETCH 1 FROM held")
    assert (other.fetchall(), str(other.node)) == ([(2,)], where)
    assert cursor.fetchall() == [(3,)]
    cursor.close()
    assert connection.pins == ()


def test_a_cursor_of_a_transaction_pins_nothing(pg_connect):
    connection = pg_connect(autocommit=False)
    with connection.cursor("plain") as cursor:
        cursor.execute("SELECT 1")
        assert connection.pins == ()
    connection.rollback()


def test_a_held_cursor_of_a_transaction_that_is_rolled_back_is_gone(pg_connect):
    connection = pg_connect(autocommit=False)
    cursor = connection.cursor("held", withhold=True)
    cursor.execute("SELECT 1")
    assert len(connection.pins) == 1
    connection.rollback()
    assert connection.pins == ()


def test_a_notification_comes_over_the_link_that_listens(pg_rig: Rig, connection):
    """It need not be the connection's own: that one is lost here."""
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    cut(connection, pg_rig)
    cursor = connection.cursor()
    cursor.execute("LISTEN news")
    pg_rig.database.execute("NOTIFY news, 'so'")
    cursor.execute("SELECT 1")
    connection.poll()
    assert [each.payload for each in connection.notifies] == ["so"]


def test_all_that_was_lost_is_named_once(pg_rig: Rig, connection):
    cursor = connection.cursor()
    for text in ("CREATE TEMP TABLE mine (a int)", "PREPARE p AS SELECT 1"):
        cursor.execute(text)
    pg_rig.end(link_to(connection, "writer"))
    with pytest.raises(psycopg2.OperationalError) as caught:
        cursor.execute("SELECT * FROM mine")
    assert "prepared statement p, temporary table mine" in str(caught.value)
    assert "writer" in str(caught.value)
    assert connection.pins == ()
    with pytest.raises(psycopg2.errors.UndefinedTable):
        cursor.execute("SELECT * FROM mine")
    cursor.execute("INSERT INTO t VALUES (1)")


def test_a_sequence_that_was_lost_is_no_matter_to_others(pg_rig: Rig, connection):
    cursor = connection.cursor()
    cursor.execute("SELECT nextval('s')")
    pg_rig.end(link_to(connection, "writer"))
    cursor.execute("INSERT INTO t VALUES (1)")
    pg_rig.end(link_to(connection, "writer"))
    cursor.execute("DELETE FROM t")
    with pytest.raises(psycopg2.OperationalError, match="value of a sequence"):
        cursor.execute("SELECT lastval()")


@pytest.fixture(scope="module", autouse=True)
def sequence(pg_rig: Rig) -> None:
    pg_rig.database.execute("CREATE SEQUENCE s")
    pg_rig.database.wait_replayed()
