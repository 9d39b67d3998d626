"""The SQLite frontend: what users of sqlite3 call on connections and cursors."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

import routedb
from tests.frontends.home import Home
from tests.support.server_rig import settle

ALL = [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]
# Text, parameters: both select the row of number 2.
STYLES = {
    "qmark": ("SELECT name FROM t WHERE id = ?", (2,)),
    "qmark beside a percent sign": ("SELECT name FROM t WHERE id % 7 = ?", [2]),
    "named": ("SELECT name FROM t WHERE id = :key", {"key": 2}),
    "format": ("SELECT name FROM t WHERE id = %s", (2,)),
    "pyformat": ("SELECT name FROM t WHERE id = %(key)s", {"key": 2}),
    "a question mark in a string": ("SELECT name FROM t WHERE '?' <> %s", ("?",)),
}


class Rewriting(sqlite3.Cursor):
    """As Django's: it takes %s and hands ? to its parent."""

    def execute(self, query, params=None):
        if params is None:
            return super().execute(query)
        return super().execute(query % (("?",) * len(params)), params)


class Longest:
    """An aggregate: the longest text."""

    def __init__(self):
        self.best = ""

    def step(self, text):
        self.best = max(self.best, text, key=len)

    def finalize(self):
        return self.best


@pytest.fixture
def home(lite_home: Home) -> Home:
    return lite_home


def ids(rows) -> list[int]:
    return [row[0] for row in rows]


@pytest.mark.parametrize("style", [s for s in STYLES if "string" not in s])
def test_both_styles_of_placeholders_are_taken(connection, style):
    text, params = STYLES[style]
    assert connection.execute(text, params).fetchall() == [("b",)]


def test_a_question_mark_in_a_string_is_no_placeholder(connection):
    text, params = STYLES["a question mark in a string"]
    assert connection.execute(text, params).fetchall() == []


def test_statements_return_their_cursor(connection):
    made = connection.executemany("INSERT INTO t VALUES (?, ?)", [(6, "f"), (7, "g")])
    assert isinstance(made, sqlite3.Cursor)
    assert made.rowcount == 2
    assert ids(made.execute("SELECT id FROM t WHERE id > 5")) == [6, 7]


def test_a_cursor_class_of_the_users_is_routed(connection):
    cursor = connection.cursor(factory=Rewriting)
    assert isinstance(cursor, Rewriting)
    assert cursor.execute("SELECT id, name FROM t WHERE id > %s", (3,)) is cursor
    assert cursor.fetchall() == ALL[3:]
    assert cursor.node.name == "writer"


def test_a_factory_that_is_no_cursor_class_is_refused(connection):
    with pytest.raises(sqlite3.NotSupportedError, match=r"sqlite3\.Cursor"):
        connection.cursor(factory=lambda connection: None)


def test_row_factory_makes_rows_with_names(connection):
    connection.row_factory = sqlite3.Row
    row = connection.execute("SELECT id, name FROM t").fetchone()
    assert (row["id"], row["name"], row.keys()) == (1, "a", ["id", "name"])


def test_what_is_registered_is_on_every_link_now_and_later(home: Home, cluster):
    connection = cluster.connect(autocommit=True)
    settle(cluster, {n["name"] for n in home.nodes if n["name"] != "writer"})
    connection.create_function("double", 1, lambda n: 2 * n, deterministic=True)
    connection.create_aggregate("longest", 1, Longest)
    connection.create_collation("backward", lambda a, b: (a < b) - (a > b))
    connection.text_factory = lambda raw: raw.decode().upper()
    for role in ("writer", "replica"):  # nobody knows what functions of Python do
        with connection.using(role=role, consistency="eventual"):
            assert connection.execute("SELECT name FROM t").fetchone() == ("A",)
    asked = "SELECT double(id), name FROM t ORDER BY name COLLATE backward"
    raws = connection.raw_connections()
    assert [raw.execute(asked).fetchone() for raw in raws] == [(10, "E")] * 2
    assert connection.execute("SELECT longest(name) FROM t").fetchone() == ("A",)


@pytest.mark.parametrize("level", [None, "", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"])
def test_isolation_level_is_sqlite3s(home: Home, connection, level):
    connection.isolation_level = level
    assert connection.isolation_level == level
    connection.execute("INSERT INTO t VALUES (6, 'f')")
    assert connection.in_transaction is (level is not None)
    connection.rollback()
    assert len(home.rows()) == (6 if level is None else 5)


def test_leaving_transactions_commits(home: Home, connection):
    connection.execute("DELETE FROM t")
    connection.isolation_level = None
    assert home.rows() == []


def test_a_read_begins_no_transaction(connection):
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (5,)
    assert not connection.in_transaction


def test_a_script_commits_and_runs_all_its_statements(home: Home, connection):
    connection.execute("DELETE FROM t WHERE id = 1")
    connection.executescript(
        "INSERT INTO t VALUES (8, 'h'); DELETE FROM t WHERE id = 2;"
    )
    connection.rollback()
    assert ids(home.rows()) == [3, 4, 5, 8]
    assert connection.executescript("").rowcount == -1


def test_a_database_is_copied(home: Home, connection):
    with closing(sqlite3.connect(":memory:")) as copy:
        connection.backup(copy)
        assert copy.execute("SELECT id, name FROM t").fetchall() == ALL
    assert "CREATE TABLE" in "\n".join(connection.iterdump())


def test_changes_are_counted_and_traced(connection):
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    before = connection.total_changes
    connection.execute("UPDATE t SET name = 'x'")
    assert connection.total_changes - before == 5
    assert any(text.startswith("UPDATE") for text in seen)


def test_exceptions_are_sqlite3s_and_routedbs(connection):
    assert connection.IntegrityError is sqlite3.IntegrityError
    with pytest.raises(sqlite3.IntegrityError) as caught:
        connection.execute("INSERT INTO t VALUES (1, 'again')")
    assert isinstance(caught.value, routedb.IntegrityError)


def test_a_cursor_goes_from_one_node_to_another(cluster):
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    for role in ("writer", "replica", "writer"):
        with connection.using(role=role):
            assert cursor.execute("SELECT id, name FROM t").fetchall() == ALL


def test_begin_in_the_text_begins_at_once(connection):
    for text in ("BEGIN IMMEDIATE", "PRAGMA foreign_keys", "SELECT 1"):
        connection.execute(text)
        assert connection.in_transaction
    connection.execute("ROLLBACK")
    assert not connection.in_transaction


def test_the_last_key_outlives_the_commit(connection):
    cursor = connection.cursor()
    for text in ("BEGIN", "INSERT INTO t VALUES (10, 'x')", "COMMIT"):
        cursor.execute(text)
    assert cursor.lastrowid == 10


@pytest.mark.parametrize("text", ["", "  ", "-- nothing", "/* nothing */", ";"])
@pytest.mark.parametrize("autocommit", [True, False])
def test_a_text_that_says_nothing_does_nothing(home: Home, cluster, text, autocommit):
    """As with sqlite3: what is left behind the last semicolon of a script."""
    connection = cluster.connect(autocommit=autocommit)
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    cursor.execute(text)
    assert (cursor.description, cursor.fetchall()) == (None, [])
    cursor.execute("INSERT INTO t VALUES (10, 'x')")
    connection.commit()
    assert len(home.rows()) == 6
