"""Exceptions of the program's own code that a driver calls under a statement.

Each comes out as the same object, as it does of the driver alone; no other node is
asked for it, and the connection goes on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import MySQLdb
import psycopg2
import pytest
from MySQLdb.constants import FIELD_TYPE
from MySQLdb.cursors import Cursor as MySQLCursorClass
from MySQLdb.cursors import SSCursor
from psycopg2 import extensions as ext
from psycopg2 import extras, sql

import routedb
from tests.frontends.home import Home
from tests.support.server_rig import settle_all

ASK = "SELECT id, name FROM t WHERE id = 1"


class Mine(Exception):
    """An exception that no one else knows."""


class MineToo(psycopg2.OperationalError):
    """One that is the driver's kind."""


class Picky(ValueError):
    """One that cannot be made again of its arguments."""

    def __init__(self, one: int, *, two: int) -> None:
        super().__init__("picky")


BOOMS: dict[str, Callable[[], Exception]] = {
    "KeyError": lambda: KeyError("a"),
    "ValueError": lambda: ValueError("b"),
    "TimeoutError": lambda: TimeoutError("c"),
    "RuntimeError": lambda: RuntimeError("d"),
    "Mine": lambda: Mine("e"),
    "Picky": lambda: Picky(1, two=2),
    "UnicodeDecodeError": lambda: UnicodeDecodeError("ascii", b"x", 0, 1, "f"),
    "OperationalError": lambda: psycopg2.OperationalError("g"),
    "QueryCanceledError": lambda: ext.QueryCanceledError("h"),
    "psycopg2.Error": lambda: psycopg2.Error("i"),
    "MineToo": lambda: MineToo("j"),
    "of routedb": lambda: routedb.OperationalError("k"),
    "TransactionLost": lambda: routedb.TransactionLost("l"),
    "OutcomeUnknown": lambda: routedb.OutcomeUnknown("m"),
    "ReadOnlySqlTransaction": lambda: psycopg2.errors.ReadOnlySqlTransaction("n"),
    "AdminShutdown": lambda: psycopg2.errors.AdminShutdown("o"),
    "StopIteration": lambda: StopIteration(5),
}


class Raiser:
    """Raises one exception whatever is done with it, and counts."""

    def __init__(self, boom: Exception) -> None:
        self.boom = boom
        self.calls = 0

    def __call__(self, *_: Any) -> Any:
        self.calls += 1
        raise self.boom

    read = write = getquoted = __getitem__ = as_string = keys = __call__

    def __conform__(self, protocol: Any) -> Any:
        return self


class Text(sql.SQL):
    """A text that is made by the program."""

    raiser: Any = None

    def as_string(self, context: Any) -> str:
        """Raise."""
        return str(self.raiser())


def run_text(cursor: Any, raiser: Raiser) -> None:
    text = Text(ASK)
    text.raiser = raiser
    cursor.execute(text)


def wait(cursor: Any, raiser: Raiser) -> None:
    ext.set_wait_callback(raiser)
    cursor.execute(ASK)


def wait_at_the_second_call(cursor: Any, raiser: Raiser) -> None:
    def callback(connection: Any) -> None:
        extras.wait_select(connection)
        raiser()

    ext.set_wait_callback(callback)
    cursor.execute(ASK)


def cast(cursor: Any, raiser: Raiser) -> None:
    ext.register_type(ext.new_type((1043,), "BAD", raiser), cursor)
    cursor.execute(ASK)
    cursor.fetchall()


def make_rows(cursor: Any, raiser: Raiser) -> None:
    cursor.row_factory = raiser
    cursor.execute(ASK)
    cursor.fetchone()


def make_zone(cursor: Any, raiser: Raiser) -> None:
    cursor.tzinfo_factory = raiser
    cursor.execute("SELECT '2020-01-01T00:00:00+01'::timestamptz")
    cursor.fetchone()


WAYS: dict[str, Callable[[Any, Raiser], None]] = {
    "wait callback": wait,
    "wait callback that has waited": wait_at_the_second_call,
    "type caster": cast,
    "row factory": make_rows,
    "time zone": make_zone,
    "adapter": lambda cursor, raiser: cursor.execute("SELECT %s", (raiser,)),
    "adapter of many": lambda cursor, raiser: cursor.executemany(
        "INSERT INTO t VALUES (%s)", [(raiser,)]
    ),
    "adapter in mogrify": lambda cursor, raiser: cursor.mogrify("%s", (raiser,)),
    "mapping": lambda cursor, raiser: cursor.execute("SELECT %(a)s", raiser),
    "composed text": run_text,
    "file to write to": lambda cursor, raiser: cursor.copy_expert(
        "COPY t TO STDOUT", raiser
    ),
    "file to read": lambda cursor, raiser: cursor.copy_expert(
        "COPY t FROM STDIN", raiser
    ),
    "values": lambda cursor, raiser: extras.execute_values(
        cursor, "INSERT INTO t (id) VALUES %s", [(raiser,)]
    ),
}
SOME = ("KeyError", "Mine", "Picky", "OperationalError", "of routedb")


def caught(cursor: Any, way: str, raiser: Raiser) -> Exception:
    try:
        WAYS[way](cursor, raiser)
    except Exception as exc:
        return exc
    finally:
        ext.set_wait_callback(None)
    raise AssertionError("nothing was raised")


MODES = ["replica", "writer", "transaction", "read-only transaction"]


def connect(cluster: routedb.Cluster, mode: str) -> Any:
    connection = cluster.connect(autocommit="transaction" not in mode)
    settle_all(cluster)
    if mode == "read-only transaction":
        connection.readonly = True
    cursor = connection.cursor()
    if mode != "writer":
        cursor.execute(ASK)
        assert ("replica" in str(cursor.node)) == (mode != "transaction")
    return connection


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_what_the_program_raises_comes_out_of_psycopg2_unchanged(
    pg_home: Home, open_cluster, mode, way
):
    cluster = open_cluster(pg_home.source)
    for kind in BOOMS if way.startswith("wait") else SOME:
        raisers = Raiser(BOOMS[kind]()), Raiser(BOOMS[kind]())
        with closing(psycopg2.connect(pg_home.writer_dsn)) as alone:
            alone.readonly = mode == "read-only transaction"
            expected = caught(alone.cursor(), way, raisers[0])
        with closing(connect(cluster, mode)) as connection:
            found = caught(connection.cursor(), way, raisers[1])
            if expected is raisers[0].boom:
                assert found is raisers[1].boom, kind
                assert type(found) is type(raisers[0].boom)
            else:
                assert isinstance(found, type(expected)), kind
            assert raisers[1].calls == raisers[0].calls, kind
            connection.rollback()
            cursor = connection.cursor()
            cursor.execute(ASK)
            assert cursor.fetchall() == [(1, "a")]


ENDS: dict[str, Callable[[Any], None]] = {
    "rollback": lambda connection: connection.rollback(),
    "commit": lambda connection: connection.commit(),
    "words": lambda connection: connection.cursor().execute("ROLLBACK"),
    "level": lambda connection: connection.set_isolation_level(1),
}


@pytest.mark.parametrize("mode", ["transaction", "read-only transaction"])
@pytest.mark.parametrize("end", ENDS)
def test_what_a_wait_callback_raises_when_a_transaction_ends_comes_out(
    pg_home: Home, open_cluster, mode, end
):
    cluster = open_cluster(pg_home.source)
    for kind, make in BOOMS.items():
        connection, raiser = connect(cluster, mode), Raiser(make())
        with closing(connection):
            connection.cursor().execute(ASK)
            ext.set_wait_callback(raiser)
            try:
                with pytest.raises(type(raiser.boom)) as found:
                    ENDS[end](connection)
            finally:
                ext.set_wait_callback(None)
            assert found.value is raiser.boom, kind
            connection.rollback()
            cursor = connection.cursor()
            cursor.execute(ASK)
            assert cursor.fetchall() == [(1, "a")]


class Value:
    """A value that the driver must be told how to send."""

    def __init__(self, raiser: Raiser) -> None:
        self.__conform__ = raiser


class Parameters(dict[str, Any]):
    """Parameters that are computed when they are asked for."""

    raiser: Any = None

    def __missing__(self, key: str) -> Any:
        return self.raiser()

    def items(self) -> Any:
        """What MySQLdb asks for."""
        return self.raiser()


def computed(raiser: Raiser) -> Parameters:
    made = Parameters(b=1)
    made.raiser = raiser
    return made


def encode(connection: Any, raiser: Raiser) -> None:
    connection.encoders[Value] = raiser
    connection.cursor().execute("SELECT %s", (Value(raiser),))


def convert(connection: Any, raiser: Raiser) -> None:
    connection.converter[FIELD_TYPE.LONG] = raiser.__call__  # that is no sequence
    connection.cursor().execute(ASK)


def convert_unbuffered(connection: Any, raiser: Raiser) -> None:
    connection.converter[FIELD_TYPE.LONG] = raiser.__call__  # that is no sequence
    cursor = connection.cursor(SSCursor)
    try:
        cursor.execute("SELECT id FROM t")
        cursor.fetchall()
    finally:
        cursor.close()


def make_mysql_rows(connection: Any, raiser: Raiser) -> None:
    class Making(MySQLCursorClass):
        def _post_get_result(self) -> None:
            raiser()

    connection.cursor(Making).execute(ASK)


def collate(connection: Any, raiser: Raiser) -> None:
    connection.create_collation("odd", raiser)
    connection.execute("SELECT name FROM t ORDER BY name COLLATE odd").fetchall()


def factory(name: str) -> Callable[[Any, Raiser], None]:
    def run(connection: Any, raiser: Raiser) -> None:
        setattr(connection, name, raiser)
        connection.cursor().execute("SELECT id, name FROM t").fetchall()

    return run


def hook(name: str, *more: Any) -> Callable[[Any, Raiser], None]:
    def run(connection: Any, raiser: Raiser) -> None:
        getattr(connection, name)(raiser, *more)
        connection.cursor().execute("SELECT id, name, 7 FROM t").fetchall()

    return run


def call_function(connection: Any, raiser: Raiser) -> None:
    connection.create_function("f", 1, raiser)
    connection.execute("SELECT f(id) FROM t").fetchall()


def rows_that_end(connection: Any, raiser: Raiser) -> None:
    def rows() -> Any:
        yield (70,)
        raiser()

    connection.executemany("INSERT INTO t (id) VALUES (?)", rows())


MYSQL: dict[str, Callable[[Any, Raiser], None]] = {
    "encoder": encode,
    "converter": convert,
    "converter of a result on the server": convert_unbuffered,
    "cursor class": make_mysql_rows,
    "mapping": lambda connection, raiser: connection.cursor().execute(
        "SELECT %(a)s", computed(raiser)
    ),
    "mapping of a write": lambda connection, raiser: connection.cursor().execute(
        "UPDATE t SET name = %(a)s", computed(raiser)
    ),
}
SQLITE: dict[str, Callable[[Any, Raiser], None]] = {
    "function": call_function,
    "collation": collate,
    "row factory": factory("row_factory"),
    "text factory": factory("text_factory"),
    "authorizer": hook("set_authorizer"),
    "progress handler": hook("set_progress_handler", 1),
    "trace callback": hook("set_trace_callback"),
    "adapter": lambda connection, raiser: connection.execute(
        "SELECT ?", (Value(raiser),)
    ),
    "mapping": lambda connection, raiser: connection.execute(
        "SELECT :a", computed(raiser)
    ),
    "rows": rows_that_end,
}


def raised(
    way: Callable[[Any, Raiser], None], connection: Any, raiser: Raiser
) -> Exception | None:
    try:
        way(connection, raiser)
    except Exception as exc:
        return exc
    return None


@pytest.mark.parametrize("is_autocommit", [True, False])
@pytest.mark.parametrize("kind", ["KeyError", "Mine", "Picky", "TimeoutError"])
@pytest.mark.parametrize("name", ["my_home", "lite_home"])
def test_what_the_program_raises_comes_out_of_other_drivers_unchanged(
    request, open_cluster, name, kind, is_autocommit
):
    home: Home = request.getfixturevalue(name)
    cluster = open_cluster(home.source)
    with routedb.connect(home.writer_dsn) as connection:
        (node,) = connection.nodes
    for label, way in (MYSQL if name == "my_home" else SQLITE).items():
        raisers = Raiser(BOOMS[kind]()), Raiser(BOOMS[kind]())
        driver: Any = MySQLdb if name == "my_home" else sqlite3
        with closing(driver.connect(**node.options)) as alone:
            expected = raised(way, alone, raisers[0])
        with closing(cluster.connect(autocommit=is_autocommit)) as connection:
            found = raised(way, connection, raisers[1])
        assert raisers[0].calls, label
        if expected is raisers[0].boom:
            assert found is raisers[1].boom
        else:
            assert isinstance(found, type(expected))
        assert raisers[1].calls == raisers[0].calls
        with closing(cluster.connect(autocommit=is_autocommit)) as connection:
            cursor = connection.cursor()
            cursor.execute(ASK)
            assert tuple(cursor.fetchall()) == ((1, "a"),)
