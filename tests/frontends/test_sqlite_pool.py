"""What a session on SQLite keeps never reaches the pool's next user."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

import routedb


def _run(*texts):
    def change(connection):
        for text in texts:
            connection.cursor().execute(text).fetchall()

    return change


def _function(name="h"):
    """A function of the program's that changes the session when it is called."""

    def change(connection):
        def set_(*_):
            connection.row_factory = sqlite3.Row
            return 1

        connection.create_function(name, 0, set_)

    return change


def _calls(*texts):
    def change(connection):
        _function()(connection)
        _run(*texts)(connection)

    return change


# What a user does, and a question whose answer is then another.
STATES = {
    "a pragma": (_run("PRAGMA cache_size = 77"), "PRAGMA cache_size"),
    "foreign keys": (_run("PRAGMA foreign_keys = on"), "PRAGMA foreign_keys"),
    "read-only": (_run("PRAGMA query_only = on"), "PRAGMA query_only"),
    "triggers": (_run("PRAGMA recursive_triggers = on"), "PRAGMA recursive_triggers"),
    "a bound": (_run("PRAGMA busy_timeout = 77"), "PRAGMA busy_timeout"),
    "patterns": (_run("PRAGMA case_sensitive_like = on"), "SELECT 'a' LIKE 'A'"),
    "a pragma before a read": (
        _run("PRAGMA temp_store = 2", "SELECT a FROM one"),
        "PRAGMA temp_store",
    ),
    "a temporary table": (
        _run("CREATE TEMP TABLE mine (a)"),
        "SELECT count(*) FROM temp.sqlite_master",
    ),
    "a temporary trigger": (
        _run("CREATE TEMP TRIGGER x AFTER INSERT ON one BEGIN SELECT 1; END"),
        "SELECT count(*) FROM temp.sqlite_master",
    ),
    "a file": (_run("ATTACH ':memory:' AS other"), "PRAGMA database_list"),
    "a transaction": (_run("BEGIN", "INSERT INTO one VALUES (2)"), "SELECT * FROM one"),
    "the last row": (
        _run("INSERT INTO noted VALUES (7)"),
        "SELECT last_insert_rowid()",
    ),
    "counts": (_run("INSERT INTO noted VALUES (8)"), "SELECT total_changes()"),
    "a function": (_function(), "SELECT h()"),
    "a function in a text": (_calls("SELECT h()"), "SELECT h()"),
    "a function in a trigger": (_calls("INSERT INTO fires VALUES (1)"), "SELECT h()"),
    "a function in a view": (_calls("SELECT a FROM v"), "SELECT h()"),
    "a collation": (
        lambda connection: connection.create_collation("mine", lambda a, b: 0),
        "SELECT 'a' = 'b' COLLATE mine",
    ),
    "an authorizer": (
        lambda connection: connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY),
        "SELECT a FROM one",
    ),
    "texts": (
        lambda connection: setattr(connection, "text_factory", bytes),
        "SELECT 'a'",
    ),
    "rows": (
        lambda connection: setattr(connection, "row_factory", lambda *_: "row"),
        "SELECT 'a'",
    ),
}


@pytest.fixture
def cluster(sqlite_dir):
    path = sqlite_dir / "t.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(
            "CREATE TABLE one AS SELECT 1 AS a; CREATE TABLE noted (a); "
            "CREATE TABLE fires (a); CREATE VIEW v AS SELECT h() AS a;"
            "CREATE TRIGGER f AFTER INSERT ON fires BEGIN SELECT h(); END"
        )
    with routedb.Cluster(f"sqlite:///{path}", pool={"max": 1}) as cluster:
        yield cluster


def shown(cluster, show, change=lambda connection: None):
    with closing(cluster.connect(autocommit=True)) as connection:
        change(connection)
        try:
            return connection.cursor().execute(show).fetchall()
        except routedb.Error as exc:
            return str(exc)


@pytest.mark.parametrize("kind", STATES)
def test_no_state_reaches_the_next_user(cluster, kind):
    change, show = STATES[kind]
    before = shown(cluster, show)
    assert shown(cluster, show, change) != before
    assert shown(cluster, show) == before
