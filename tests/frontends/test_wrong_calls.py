"""Calls that cannot work raise what the driver alone raises for them.

Programs catch that by its class, which may be Python's own: TypeError, IndexError …
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import MySQLdb
import psycopg2
import pytest
from psycopg2 import extras, sql

import routedb
from tests.frontends.home import Home

Call = Callable[[Any], Any]
ANY: Any = 5  # what no stub allows
READ = "SELECT id FROM t WHERE id = {}"
TEXTS = {
    "read": READ,
    "write": "UPDATE t SET name = 'x' WHERE id = {}",
    "insert": "INSERT INTO t (id) VALUES ({})",
    "locking read": READ + " FOR UPDATE",
}


# Of a sharded table: of one shard, and what asks or writes several.
SHARDED = {
    **{name: TEXTS[name] for name in ("read", "write", "insert")},
    "merged": "SELECT count(*), max(name) FROM t WHERE id <> {}",
    "written on all": "UPDATE t SET name = 'x' WHERE id < {}",
}


def named(connection: Any) -> Any:
    return connection.cursor("named", withhold=True)


def closed(connection: Any) -> Any:
    cursor = connection.cursor()
    cursor.close()
    return cursor


def executing(marks: str, *params: Any) -> Callable[[str], Call]:
    return lambda text: lambda cursor: cursor.execute(text.format(marks), *params)


def executing_many(marks: str, rows: Any) -> Callable[[str], Call]:
    return lambda text: lambda cursor: cursor.executemany(text.format(marks), rows)


def mogrifying(marks: str, *params: Any) -> Callable[[str], Call]:
    return lambda text: lambda cursor: cursor.mogrify(text.format(marks), *params)


# What stands for a value -> the parameters, both wrong together.
PARAMETERS: dict[str, tuple[str, Any]] = {
    "one too few": ("%s + %s", (1,)),
    "none of two": ("%s + %s", ()),
    "one too many": ("%s", (1, 2)),
    "all too many": ("1", (1,)),
    "too few in a list": ("%s + %s", [1]),
    "a key is missing": ("%(a)s", {"b": 1}),
    "one of two keys is missing": ("%(a)s + %(b)s", {"a": 1}),
    "a sequence for names": ("%(a)s", (1,)),
    "a list for names": ("%(a)s", [1]),
    "a mapping for positions": ("%s", {"a": 1}),
    "both styles": ("%s + %(a)s", {"a": 1}),
    "both styles, a sequence": ("%s + %(a)s", (1, 2)),
    "an unknown format": ("%q", (1,)),
    "an unknown format of a name": ("%(a)q", {"a": 1}),
    "a format of numbers": ("%z", (1,)),
    "a percent sign alone": ("%s % 2", (1,)),
    "a percent sign at the end": ("%s %", (1,)),
    "a name that does not end": ("%(a", {"a": 1}),
    "a name without a letter": ("%(a)", {"a": 1}),
    "a number": ("%s", 5),
    "a float": ("%s", 1.5),
    "a text": ("%s", "ab"),
    "a set": ("%s", {1}),
    "a generator": ("%s", (n for n in (1,))),
    "an object": ("%s", object()),
    "an object as a value": ("%s", (object(),)),
    "a class as a value": ("%s", (Home,)),
    "an object by name": ("%(a)s", {"a": object()}),
    "a lone surrogate": ("%s", ("\ud800",)),
    "a list with an object": ("%s", ([object()],)),
}

PSYCOPG2: dict[str, Call] = {
    "no text": lambda cursor: cursor.execute(),
    "an argument too many": lambda cursor: cursor.execute("SELECT 1", (), 3),
    "a keyword": lambda cursor: cursor.execute("SELECT 1", parameters=()),
    "a number as a text": lambda cursor: cursor.execute(5),
    "a list as a text": lambda cursor: cursor.execute(["SELECT 1"]),
    "nothing as a text": lambda cursor: cursor.execute(None),
    "an object as a text": lambda cursor: cursor.mogrify(object()),
    "a NUL": lambda cursor: cursor.execute("SELECT %s", ("a\0b",)),
    "no rows": lambda cursor: cursor.executemany("SELECT %s", None),
    "a number as rows": lambda cursor: cursor.executemany("SELECT %s", 5),
    "a number as a row": lambda cursor: cursor.executemany("SELECT %s", [5]),
    "a short row": lambda cursor: cursor.executemany(
        "INSERT INTO t VALUES (%s, %s)", [(90, "a"), (91,)]
    ),
    "a number as a procedure": lambda cursor: cursor.callproc(5),
    "a number as arguments": lambda cursor: cursor.callproc("abs", 5),
    "a number as a keyword": lambda cursor: cursor.callproc("abs", {1: 2}),
    "no file": lambda cursor: cursor.copy_expert("COPY t TO STDOUT", 5),
    "no file to read": lambda cursor: cursor.copy_expert("COPY t FROM STDIN", None),
    "no text to copy by": lambda cursor: cursor.copy_expert(5, io.StringIO()),
    "copy_from without a file": lambda cursor: cursor.copy_from(5, "t"),
    "copy_to without a file": lambda cursor: cursor.copy_to(5, "t"),
    "copy_from without a table": lambda cursor: cursor.copy_from(io.StringIO(), 5),
    "columns that are none": lambda cursor: cursor.copy_from(
        io.StringIO(), "t", columns=5
    ),
    "values without a place": lambda cursor: extras.execute_values(
        cursor, "INSERT INTO t VALUES", [(90,)]
    ),
    "values for two places": lambda cursor: extras.execute_values(
        cursor, "INSERT INTO t VALUES %s %s", [(90,)]
    ),
    "values in another format": lambda cursor: extras.execute_values(
        cursor, "INSERT INTO t VALUES %q", [(90,)]
    ),
    "values by name from a tuple": lambda cursor: extras.execute_values(
        cursor, "INSERT INTO t (id) VALUES %s", [(90,)], template="(%(a)s)"
    ),
    "values of objects": lambda cursor: extras.execute_values(
        cursor, "INSERT INTO t (id) VALUES %s", [(object(),)]
    ),
    "values that are none": lambda cursor: extras.execute_values(
        cursor, "INSERT INTO t (id) VALUES %s", 5
    ),
    "a batch with a short row": lambda cursor: extras.execute_batch(
        cursor, "INSERT INTO t VALUES (%s, %s)", [(90,)]
    ),
    "a batch that is none": lambda cursor: extras.execute_batch(cursor, READ, 5),
    "a composed text, too few": lambda cursor: cursor.execute(
        sql.SQL("SELECT {} {}").format(sql.Literal(1))
    ),
    "a composed text, no name": lambda cursor: cursor.execute(
        sql.SQL("SELECT {a}").format(b=sql.Literal(1))
    ),
    "a composed text of no part": lambda cursor: cursor.execute(
        sql.SQL("SELECT {}").format(ANY)
    ),
    "a literal of an object": lambda cursor: cursor.execute(
        sql.SQL("SELECT {}").format(sql.Literal(object()))
    ),
    "a placeholder without a value": lambda cursor: cursor.execute(
        sql.SQL("SELECT {}").format(sql.Placeholder("a")), {"b": 1}
    ),
    "to scroll by a text": lambda cursor: (
        cursor.execute("SELECT 1"),
        cursor.scroll("a"),
    ),
    "to scroll too far": lambda cursor: (
        cursor.execute("SELECT 1"),
        cursor.scroll(7),
    ),
    "to scroll in another mode": lambda cursor: (
        cursor.execute("SELECT 1"),
        cursor.scroll(0, "odd"),
    ),
    "a size that is none": lambda cursor: (
        cursor.execute("SELECT 1"),
        cursor.fetchmany("a"),
    ),
}
# Of the connection, that a cursor names.
ON_CONNECTION: dict[str, Call] = {
    "a class that is no cursor": lambda conn: conn.cursor(cursor_factory=dict),
    "a number as a factory": lambda conn: conn.cursor(cursor_factory=ANY),
    "a number as a name": lambda conn: conn.cursor(ANY),
    "a level that is none": lambda conn: conn.set_session("bogus"),
    "a level of another number": lambda conn: conn.set_session(99),
    "a flag that is none": lambda conn: conn.set_session(readonly="bogus"),
    "isolation_level": lambda conn: setattr(conn, "isolation_level", object()),
    "isolation_level as a word": lambda conn: setattr(conn, "isolation_level", "bogus"),
    "readonly": lambda conn: setattr(conn, "readonly", "bogus"),
    "deferrable": lambda conn: setattr(conn, "deferrable", b"bogus"),
    "a level of old": lambda conn: conn.set_isolation_level(99),
    "no xid": lambda conn: conn.tpc_begin(None),
    "a number as an xid": lambda conn: conn.tpc_begin(ANY),
    "a number to commit": lambda conn: conn.tpc_commit(ANY),
    "a number to roll back": lambda conn: conn.tpc_rollback(ANY),
    "an xid of too few parts": lambda conn: conn.xid(1),
    "an xid of a negative number": lambda conn: conn.xid(-1, "a", "b"),
    "an xid that is too long": lambda conn: conn.xid(1, "a" * 100, "b"),
    "an encoding that is none": lambda conn: conn.set_client_encoding(None),
    "a parameter that is none": lambda conn: conn.get_parameter_status(None),
    "an argument of commit": lambda conn: conn.commit(1),
    "a cursor that is closed": lambda conn: closed(conn).execute("SELECT 1"),
    "a closed cursor's rows": lambda conn: closed(conn).fetchone(),
    "named, too few": lambda conn: named(conn).execute("SELECT %s, %s", (1,)),
    "named, no key": lambda conn: named(conn).execute("SELECT %(a)s", {}),
    "named, many": lambda conn: named(conn).executemany("SELECT %s", [(1,)]),
}


def of_connection(call: Call) -> Call:
    return lambda cursor: call(cursor.connection)


PSYCOPG2 |= {name: of_connection(call) for name, call in ON_CONNECTION.items()}
MYSQLDB: dict[str, Call] = {
    name: PSYCOPG2[name]
    for name in ("no text", "an argument too many", "a keyword", "a number as rows")
}
MYSQLDB |= {
    "a number as a row": lambda cursor: cursor.executemany("SELECT %s, %s", [5]),
    "a short row": lambda cursor: cursor.executemany(
        "INSERT INTO t VALUES (%s, %s)", [(90, "a"), (91,)]
    ),
    "a short row by name": lambda cursor: cursor.executemany(
        "INSERT INTO t (id) VALUES (%(a)s)", [{"b": 1}]
    ),
    "a number as a procedure": lambda cursor: cursor.callproc(5),
    "a number as arguments": lambda cursor: cursor.callproc("p", 5),
    "a number as a factory": lambda cursor: cursor.connection.cursor(5),
    "a class that is no cursor": lambda cursor: cursor.connection.cursor(dict),
    "a number as a database": lambda cursor: cursor.connection.select_db(5),
    "a cursor that is closed": lambda cursor: closed(cursor.connection).execute(READ),
    "a closed cursor's rows": lambda cursor: closed(cursor.connection).fetchone(),
    "a character set that is none": lambda cursor: cursor.connection.set_character_set(
        None
    ),
}
# In sqlite3's own style of parameters.
SQLITE3: dict[str, Call] = {
    name: PSYCOPG2[name]
    for name in (
        *("no text", "an argument too many", "a keyword", "a number as a text"),
        *("a list as a text", "nothing as a text"),
    )
}
SQLITE3 |= {
    "one too few": lambda cursor: cursor.execute("SELECT ?, ?", (1,)),
    "one too many": lambda cursor: cursor.execute("SELECT ?", (1, 2)),
    "one too many in a write": lambda cursor: cursor.execute(
        "INSERT INTO t (id) VALUES (?)", (1, 2)
    ),
    "a key is missing": lambda cursor: cursor.execute("SELECT :a", {"b": 1}),
    "a number": lambda cursor: cursor.execute("SELECT ?", 5),
    "a set": lambda cursor: cursor.execute("SELECT ?", {1}),
    "an object as a value": lambda cursor: cursor.execute("SELECT ?", (object(),)),
    "an integer of 65 bits": lambda cursor: cursor.execute("SELECT ?", (1 << 64,)),
    "a lone surrogate": lambda cursor: cursor.execute("SELECT ?", ("\ud800",)),
    "no rows": lambda cursor: cursor.executemany("INSERT INTO t VALUES (?)", None),
    "a number as rows": lambda cursor: cursor.executemany("DELETE FROM t", 5),
    "a number as a row": lambda cursor: cursor.executemany(
        "INSERT INTO t (id) VALUES (?)", [5]
    ),
    "a short row": lambda cursor: cursor.executemany(
        "INSERT INTO t VALUES (?, ?)", [(90, "a"), (91,)]
    ),
    "many reads": lambda cursor: cursor.executemany("SELECT ?", [(1,)]),
    "a number as a script": lambda cursor: cursor.executescript(5),
    "a NUL in a script": lambda cursor: cursor.executescript("SELECT 1\0;"),
    "a NUL in a text": lambda cursor: cursor.execute("SELECT 1\0"),
    "a number as a factory": lambda cursor: cursor.connection.cursor(5),
    "a class that is no cursor": lambda cursor: cursor.connection.cursor(dict),
    "a level that is none": lambda cursor: setattr(
        cursor.connection, "isolation_level", "bogus"
    ),
    "a number as a level": lambda cursor: setattr(
        cursor.connection, "isolation_level", 5
    ),
    "a cursor that is closed": lambda cursor: closed(cursor.connection).execute(READ),
    "a closed cursor's rows": lambda cursor: closed(cursor.connection).fetchone(),
    "two statements": lambda cursor: cursor.execute("SELECT 1; SELECT 2"),
    "a size that is none": lambda cursor: (
        cursor.execute("SELECT 1"),
        cursor.fetchmany("a"),
    ),
}
OTHERS = {"postgresql": PSYCOPG2, "mysql": MYSQLDB, "sqlite": SQLITE3}


def raised(call: Call, cursor: Any) -> Exception | None:
    try:
        call(cursor)
    except Exception as exc:
        return exc
    return None


def plain(home: Home, is_read_only: bool) -> Any:
    """Connect to the writer by the driver alone."""
    if home.engine == "postgresql":
        made = psycopg2.connect(home.writer_dsn)
        made.readonly = is_read_only
        return made
    if home.engine == "sqlite":
        path = home.writer_dsn.removeprefix("sqlite:///").removesuffix("?mode=rw")
        alone = sqlite3.connect(path)
        alone.execute(f"PRAGMA query_only = {int(is_read_only)}")
        return alone
    with routedb.connect(home.writer_dsn) as connection:
        (node,) = connection.nodes
        its = "ONLY" if is_read_only else "WRITE"
        options = {"init_command": f"SET SESSION TRANSACTION READ {its}"}
        return MySQLdb.connect(**{**node.options, **options})


def check(expected: Exception | None, found: Exception | None) -> None:
    if expected is None:
        assert found is None or isinstance(found, routedb.Error)
    else:
        assert isinstance(found, type(expected)), (expected, found)


MODES = ["replica", "transaction", "read-only transaction"]


@pytest.fixture(params=MODES)
def connection(request: pytest.FixtureRequest, cluster) -> Iterator[Any]:
    """A connection that has read, from a replica or in a transaction."""
    with closing(cluster.connect(autocommit=request.param == "replica")) as opened:
        opened.readonly = request.param.startswith("read-only")
        opened.cursor().execute("SELECT id FROM t")
        yield opened


def works(connection: Any) -> bool:
    connection.rollback()
    cursor = connection.cursor()
    cursor.execute("SELECT name FROM t WHERE id = 2")
    return list(cursor.fetchall()) == [("b",)]


@pytest.mark.parametrize("text", TEXTS)
def test_wrong_parameters_raise_the_class_that_the_driver_raises(
    request, connection, home: Home, text
):
    if home.engine == "sqlite":
        assert works(connection)  # it has no %s of its own to compare with
        return
    with closing(plain(home, connection.readonly)) as alone:
        for name, (marks, params) in PARAMETERS.items():
            for way in (executing, mogrifying):
                call = way(marks, params)(TEXTS[text])
                expected = raised(call, alone.cursor())
                alone.rollback()
                found = raised(call, connection.cursor())
                check(expected, found)
                assert works(connection), name


def test_other_wrong_calls_raise_the_class_that_the_driver_raises(
    connection, home: Home
):
    with closing(plain(home, connection.readonly)) as alone:
        for name, call in OTHERS[home.engine].items():
            if not connection.autocommit:  # it is in a transaction: see `works`
                alone.cursor().execute("SELECT 1")
            expected = raised(call, alone.cursor())
            assert expected is not None, name
            alone.rollback()
            check(expected, raised(call, connection.cursor()))
            assert works(connection), name


@pytest.fixture
def shards(postgresql, stack: ExitStack) -> Any:
    """A connection to two shards of the table t, by its id."""
    places = [stack.enter_context(postgresql.database()) for _ in range(2)]
    for place in places:
        place.execute("CREATE TABLE t (id integer PRIMARY KEY, name varchar(50))")
        place.execute("INSERT INTO t VALUES (2, 'b')")
    rule = {"database": "shop", "shard_key": "id", "function": "modulo"}
    databases = {"shop": {"shards": [[place.writer_dsn] for place in places]}}
    cluster = routedb.Cluster({"databases": databases, "tables": {"t": rule}})
    return stack.enter_context(cluster).connect(autocommit=True)


@pytest.mark.parametrize("many", [False, True])
def test_wrong_parameters_of_a_sharded_statement(shards, pg_home: Home, many):
    with closing(plain(pg_home, False)) as alone:
        for name, (marks, params) in PARAMETERS.items():
            for text in SHARDED.values():
                call = (executing_many if many else executing)(
                    marks, [params] if many else params
                )(text)
                expected = raised(call, alone.cursor())
                alone.rollback()
                if not getattr(expected, "pgcode", None):  # else its one table says so
                    check(expected, raised(call, shards.cursor()))
                assert works(shards), name
