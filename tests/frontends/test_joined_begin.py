"""`begin = "with-statement"`: a transaction is as psycopg2's, a round trip shorter."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions, extras, sql

import routedb
from tests.frontends.home import ROWS, Home, postgresql_home
from tests.support.servers import PostgreSQLCluster

WHAT_RUNS = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()"
WRITE = "UPDATE t SET name = 'x' WHERE id = %s"

# First statements of a transaction.
STATEMENTS: dict[str, tuple[Any, Any]] = {
    "read": ("SELECT id, name FROM t ORDER BY id", None),
    "read with parameters": ("SELECT name FROM t WHERE id = %s", (2,)),
    "read with named parameters": ("SELECT name FROM t WHERE id = %(i)s", {"i": 2}),
    "bytes": (b"SELECT name FROM t WHERE id = %s", (2,)),
    "composed": (sql.SQL("SELECT {} FROM t").format(sql.Identifier("name")), None),
    "percent": ("SELECT name FROM t WHERE name LIKE 'a%'", None),
    "comment": ("/* of a program */ SELECT count(*) FROM t -- here", None),
    "write": (WRITE, (1,)),
    "write of nothing": (WRITE, (99,)),
    "returning": ("INSERT INTO t VALUES (7, 'g') RETURNING id, name", None),
    "notice": ("SELECT say('hello') FROM t WHERE id = 1", None),
    "no such column": ("SELECT nothing, id FROM t", None),
    "no such table": ("SELECT id FROM nowhere", None),
    "syntax": ("SELECT id FROM t WHERE WHERE", None),
    "unfinished": ("SELECT id FROM t WHERE name = 'a", None),
    "bad constant": ("SELECT id FROM t WHERE id = 'x'", None),
    "division": ("SELECT 1 / (id - id) FROM t", None),
    "duplicate": ("INSERT INTO t VALUES (1, 'again')", None),
    "raised": ("SELECT fail('no') FROM t WHERE id = 1", None),
    "wrong parameters": ("SELECT name FROM t WHERE id = %s", (1, 2)),
    "several": ("SELECT 1 FROM t; SELECT 2 FROM t", None),
    "not on tables": ("SELECT 1", None),
    "definition": ("CREATE TABLE made (id int)", None),
    "explain": ("EXPLAIN (COSTS OFF) SELECT id FROM t", None),
}


@pytest.fixture(scope="module")
def home(postgresql: PostgreSQLCluster) -> Iterator[Home]:
    """The table t, and functions that tell and fail."""
    with postgresql.database() as database:
        made = postgresql_home(database)
        for name, does in (("say", "NOTICE"), ("fail", "EXCEPTION")):
            made.run(
                f"CREATE FUNCTION {name}(x text) RETURNS int LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE {does} '%', x; RETURN 1; END $$"
            )
        yield made


@pytest.fixture
def place(home: Home) -> Iterator[Home]:
    """The same with the rows that it had at first."""
    yield home
    home.run("DELETE FROM t")
    home.run(ROWS)


@pytest.fixture
def plain(place: Home) -> Iterator[Any]:
    """What psycopg2 makes."""
    with closing(psycopg2.connect(place.writer_dsn)) as made:
        yield made


@pytest.fixture
def ours(place: Home) -> Iterator[Any]:
    """A connection that begins with the statement."""
    source = joining(place)
    with routedb.Cluster(source) as cluster, closing(cluster.connect()) as made:
        made.cursor().execute("SELECT 1")  # opens it
        made.rollback()
        yield made


def joining(home: Home) -> dict[str, Any]:
    """Return the configuration of a home whose transactions begin so."""
    databases = home.source["databases"].items()
    option = {"begin": "with-statement"}
    return {**home.source, "databases": {at: {**of, **option} for at, of in databases}}


def shown(connection: Any, query: Any, params: Any, **how: Any) -> dict[str, Any]:
    """What a program can see of the first statement of a transaction, and after it."""
    cursor = connection.cursor(**how)
    del connection.notices[:]
    told: dict[str, Any] = {}
    try:
        cursor.execute(query, params)
        told["rows"] = cursor.fetchall() if cursor.description else None
        told["description"] = cursor.description
    except (psycopg2.Error, IndexError, TypeError) as exc:
        error: Any = exc
        told["error"] = str(exc)
        if isinstance(exc, psycopg2.Error) and exc.pgcode is not None:
            told["server's error"] = (exc.pgcode, exc.pgerror)
            told["position"] = error.diag.statement_position
    for name in ("query", "statusmessage", "rowcount", "rownumber", "lastrowid"):
        told[name] = getattr(cursor, name)
    told["notices"] = list(connection.notices)
    told["status"] = connection.status
    told["server's"] = connection.get_transaction_status()
    connection.rollback()
    told["after"] = (connection.status, connection.get_transaction_status())
    return told


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("isolation", [None, "SERIALIZABLE"])
def test_a_program_sees_no_difference(plain, ours, name, isolation):
    for connection in (plain, ours):
        connection.set_session(isolation_level=isolation or "DEFAULT")
    expected, found = (
        [shown(connection, *STATEMENTS[name]) for _ in range(2)]
        for connection in (plain, ours)
    )
    assert found == expected


@pytest.mark.parametrize("factory", [extras.DictCursor, extras.RealDictCursor])
def test_cursor_factories(plain, ours, factory):
    expected, found = (
        shown(connection, *STATEMENTS["read"], cursor_factory=factory)
        for connection in (plain, ours)
    )
    assert found == expected


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE", "DEFAULT"])
@pytest.mark.parametrize("deferrable", [True, False, "DEFAULT"])
def test_it_begins_as_was_set(ours, level, deferrable):
    ours.set_session(isolation_level=level, deferrable=deferrable)
    cursor = ours.cursor()
    for _ in range(2):
        cursor.execute("SELECT current_setting('transaction_isolation'), "
                       "current_setting('transaction_deferrable') FROM t")  # fmt: skip
        expected = "read committed" if level == "DEFAULT" else level.lower()
        assert cursor.fetchone() == (expected, "on" if deferrable is True else "off")
        ours.commit()


def test_begin_and_the_statement_are_one_message(ours, place):
    cursor = ours.cursor()
    cursor.execute(WRITE, (1,))
    (sent,) = place.run(
        "SELECT query FROM pg_stat_activity WHERE pid = %s", (ours.get_backend_pid(),)
    )
    assert sent[0].startswith("BEGIN")
    assert sent[0].endswith(WRITE % 1)
    assert cursor.query == (WRITE % 1).encode()
    ours.rollback()


def test_commit_and_rollback_end_it(ours, place):
    cursor = ours.cursor()
    for end, name in ((ours.rollback, "a"), (ours.commit, "x"), (ours.commit, "x")):
        cursor.execute(WRITE, (1,))
        cursor.execute("SELECT name FROM t WHERE id = 1")
        assert cursor.fetchone() == ("x",)
        end()
        assert place.rows()[0] == (1, name)
        assert ours.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE


def later_named(connection: Any) -> None:
    with connection.cursor("c") as named:
        named.execute("SELECT id FROM t ORDER BY id")
        assert named.fetchmany(2) == [(1,), (2,)]
        assert named.fetchall() == [(3,), (4,), (5,)]


def later_values(connection: Any) -> None:
    with connection.cursor() as cursor:
        extras.execute_values(cursor, "INSERT INTO t VALUES %s", [(8, "h"), (9, "i")])


def later_many(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, 'x')", [(8,), (9,)])


def later_object(connection: Any) -> None:
    made = connection.lobject(0, "wb")
    assert made.write(b"abc") == 3
    made.close()


def later_copy(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.copy_expert("COPY t FROM STDIN", io.StringIO("8\th\n9\ti\n"))


def later_savepoint(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT s")
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT nothing FROM t")
        cursor.execute("ROLLBACK TO s")
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchone() == (5,)


LATER: list[Callable[[Any], None]] = [
    *(later_named, later_values, later_many, later_object, later_copy),
    later_savepoint,
]


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_what_comes_later_is_as_with_psycopg2(plain, ours, place, later, first, end):
    """With a statement before it, or as the first thing of a transaction."""
    left = []
    for connection in (plain, ours):
        del connection.notices[:]
        if first:
            connection.cursor().execute(WRITE, (1,))
        later(connection)
        told = (connection.status, connection.get_transaction_status())
        getattr(connection, end)()
        left.append((*told, connection.status, place.rows(), connection.notices))
        place.run("DELETE FROM t")
        place.run(ROWS)
    assert left[1] == left[0]


def test_a_session_that_ended_while_it_was_idle_is_replaced(ours, place):
    place.run("SELECT pg_terminate_backend(%s, 10000)", (ours.get_backend_pid(),))
    ours.cursor().execute(WRITE, (1,))
    ours.commit()
    assert place.rows()[0] == (1, "x")


def test_a_session_that_ends_inside_is_told(ours, place):
    cursor = ours.cursor()
    cursor.execute(WRITE, (1,))
    place.run("SELECT pg_terminate_backend(%s, 10000)", (ours.get_backend_pid(),))
    with pytest.raises(routedb.TransactionLost):
        ours.commit()
    cursor.execute(WRITE, (2,))
    ours.commit()
    assert [name for _, name in place.rows()][:2] == ["a", "x"]


def test_other_engines_take_the_option(lite_home):
    """They begin with the statement anyway."""
    with (
        routedb.Cluster(joining(lite_home)) as cluster,
        closing(cluster.connect()) as made,
    ):
        made.cursor().execute("UPDATE t SET name = 'x' WHERE id = 1")
        made.commit()
    assert lite_home.rows()[0] == (1, "x")
