"""What psycopg2 does where PEP 249 says nothing: on psycopg2 itself, and on routedb
with a writer and two replicas."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions

from tests.frontends.home import Home
from tests.support.server_rig import settle

INSERT = "INSERT INTO t VALUES (%s, 'x')"
ENDS = ["COMMIT", "ROLLBACK", "SELECT 1; COMMIT"]


@pytest.fixture
def home(pg_home: Home) -> Home:
    """A fresh database on PostgreSQL's writer and two replicas."""
    return pg_home


@pytest.fixture(params=["psycopg2", "routedb"])
def conn(request: pytest.FixtureRequest, home: Home, stack, open_cluster) -> Any:
    """A connection as either makes it: autocommit is off."""
    if request.param == "psycopg2":
        made = psycopg2.connect(home.writer_dsn)
        stack.callback(made.close)
        return made
    cluster = open_cluster(home.source)
    made = cluster.connect()
    settle(cluster, {"replica1", "replica2"})
    return made


@pytest.mark.parametrize("text", ENDS)
def test_no_transaction_begins_after_a_text_that_ends_one(conn, home: Home, text):
    cursor = conn.cursor()
    cursor.execute("SELECT count(*) FROM t")
    cursor.execute(text)
    cursor.execute("VACUUM t")  # refused inside a transaction
    cursor.execute(INSERT, (10,))
    assert len(home.rows()) == 6
    assert not conn.autocommit


ENDED_BY: dict[str, Callable[[Any], object]] = {
    "commit": lambda conn: conn.commit(),
    "rollback": lambda conn: conn.rollback(),
    "with": lambda conn: conn.__exit__(None, None, None),
    "text": lambda conn: conn.cursor().execute("BEGIN"),
    "level": lambda conn: conn.set_isolation_level(2),
}


@pytest.mark.parametrize("end", ENDED_BY)
def test_it_begins_again_when_the_program_says_so(conn, home: Home, end):
    cursor = conn.cursor()
    cursor.execute("COMMIT")
    ENDED_BY[end](conn)
    cursor.execute(INSERT, (10,))
    named = conn.cursor("n")  # refused outside a transaction
    named.execute("SELECT id FROM t WHERE id = 10")
    assert named.fetchall() == [(10,)]
    assert len(home.rows()) == 5
    conn.commit()
    assert len(home.rows()) == 6


def test_a_chained_transaction_is_one(conn, home: Home):
    cursor = conn.cursor()
    cursor.execute(INSERT, (10,))
    cursor.execute("COMMIT AND CHAIN")
    cursor.execute(INSERT, (11,))
    assert len(home.rows()) == 6
    conn.rollback()
    assert len(home.rows()) == 6


def test_with_begins_nothing_after_a_text_that_ended_a_transaction(conn, home: Home):
    cursor = conn.cursor()
    cursor.execute("COMMIT")
    with conn:
        cursor.execute("VACUUM t")
    cursor.execute(INSERT, (10,))
    conn.rollback()
    assert len(home.rows()) == 5


def test_a_change_of_nothing_leaves_what_a_text_has_begun(conn, home: Home):
    conn.autocommit = True
    cursor = conn.cursor()
    for text in ("BEGIN", INSERT % 10, INSERT % 11):
        cursor.execute(text)
        conn.autocommit = True
    cursor.execute("ROLLBACK")
    assert len(home.rows()) == 5


# Autocommit, what is run, and what is to be seen of the transaction then.
STATES = [
    (False, [], 0),
    (False, ["SAVEPOINT s"], 2),
    (False, ["SELECT 1"], 2),
    (False, ["SELECT 1", "COMMIT"], 0),
    (False, ["SELECT 1/0"], 3),
    (True, ["SELECT 1"], 0),
    (True, ["BEGIN"], 2),
    (True, ["BEGIN", "SELECT 1/0"], 3),
    (True, ["BEGIN", "SAVEPOINT s", "COMMIT"], 0),
]


@pytest.mark.parametrize(("autocommit", "texts", "state"), STATES)
def test_the_transaction_is_seen_before_a_backend_has_it(
    conn, autocommit, texts, state
):
    conn.autocommit = autocommit
    for text in texts:
        with suppress(psycopg2.Error):
            conn.cursor().execute(text)
    assert conn.get_transaction_status() == state
    assert conn.info.transaction_status == state
    if texts[-1:] != ["COMMIT"]:  # which psycopg2 overlooks
        is_begun = state and not autocommit
        assert conn.status == (extensions.STATUS_BEGIN if is_begun else 1)


TAGS = {
    "begin work": "BEGIN",
    "START TRANSACTION READ WRITE": "START TRANSACTION",
    "SAVEPOINT s": "SAVEPOINT",
    "INSERT INTO t VALUES (10, 'x')": "INSERT 0 1",
    "ROLLBACK TO s": "ROLLBACK",
    "RELEASE SAVEPOINT s": "RELEASE",
    "COMMIT AND CHAIN": "COMMIT",
    "END": "COMMIT",
    "/* and */ BEGIN": "BEGIN",
    "ABORT": "ROLLBACK",
}


def test_a_cursor_tells_what_the_server_says_of_a_statement(conn):
    conn.autocommit = True
    cursor = conn.cursor()
    for text, tag in TAGS.items():
        cursor.execute(text)
        assert (cursor.statusmessage, cursor.query) == (tag, text.encode())


def test_it_tells_of_a_commit_that_was_a_rollback(conn):
    cursor = conn.cursor()
    with pytest.raises(psycopg2.Error):
        cursor.execute("SELECT 1/0")
    cursor.execute("COMMIT")
    assert cursor.statusmessage == "ROLLBACK"


@pytest.mark.parametrize("before", ["SELECT id FROM t", INSERT % 10, "SELECT st()"])
@pytest.mark.parametrize("text", ["SELECT no FROM t", "UPDATE t SET no = 1", "SELEC"])
def test_a_cursor_shows_the_statement_that_failed(conn, home, before, text):
    conn.autocommit = True
    home.run("CREATE FUNCTION st() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'")
    home.settle()
    cursor = conn.cursor()
    cursor.execute(before)
    with pytest.raises(psycopg2.ProgrammingError) as caught:
        cursor.execute(text)
    error: Any = caught.value
    assert error.cursor is cursor
    assert (cursor.query, cursor.rowcount) == (text.encode(), -1)
    assert (cursor.description, not cursor.statusmessage) == (None, True)


def test_what_is_given_and_told_by_default(conn):
    cursor = conn.cursor()
    assert cursor.scrollable is None
    assert cursor.callproc("now") is None
    assert cursor.callproc("abs", [-1]) == [-1]


@pytest.mark.parametrize("wrong", ["INSERT INTO t VALUES (1, 'taken')", "TABLE absent"])
def test_what_a_failed_text_has_begun_waits_for_a_rollback(conn, home: Home, wrong):
    conn.autocommit = True
    cursor = conn.cursor()
    with pytest.raises(psycopg2.Error):
        cursor.execute(f"BEGIN; {wrong}; COMMIT")
    assert conn.info.transaction_status == 3
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        cursor.execute("SELECT id FROM t")
    cursor.execute("ROLLBACK")
    cursor.execute(INSERT, (10,))
    assert len(home.rows()) == 6


@pytest.mark.parametrize("text", ["SELECT id FROM t", INSERT % 10])
def test_what_a_cursor_has_told_is_there_after_it_was_closed(conn, text):
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(text)
        told = (cursor.rowcount, cursor.description, cursor.statusmessage)
    assert (cursor.rowcount, cursor.description, cursor.statusmessage) == told
    assert cursor.query == text.encode()


def test_recovering_leaves_what_a_text_has_begun(conn, home: Home):
    conn.autocommit = True
    cursor = conn.cursor()
    cursor.execute("BEGIN")
    assert conn.tpc_recover() == []
    cursor.execute(INSERT, (10,))
    cursor.execute("ROLLBACK")
    assert len(home.rows()) == 5


MODES = {
    "SET TRANSACTION READ ONLY": ("transaction_read_only", "on"),
    "BEGIN READ ONLY": ("transaction_read_only", "on"),
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE": (
        "transaction_isolation",
        "serializable",
    ),
}
TABLELESS = ["SELECT 1", "SHOW search_path", "SET application_name = 'x'"]


@pytest.mark.parametrize("text", MODES)
@pytest.mark.parametrize("first", TABLELESS)
def test_the_mode_holds_whatever_comes_first(conn, text, first):
    name, value = MODES[text]
    cursor = conn.cursor()
    cursor.execute(text)
    cursor.execute(first)
    cursor.execute("SELECT count(*) FROM t")
    cursor.execute(f"SHOW {name}")
    assert cursor.fetchone() == (value,)
