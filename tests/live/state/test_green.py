"""psycopg2's green mode: a wait callback asks a connection for the socket that its own
statement waits on, whatever else the connection has open (gevent with psycogreen)."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from psycopg2 import extensions as ext

import routedb
from tests.support.servers import Database

WAIT_S = 5.0  # a callback that polls the wrong socket fails instead of hanging


@pytest.fixture(autouse=True)
def waits() -> Iterator[list[Any]]:
    """Set a wait callback; the connections that it was called with."""
    called: list[Any] = []

    def wait(connection: Any) -> None:
        called.append(connection)
        while (state := connection.poll()) != ext.POLL_OK:
            socket = [connection.fileno()]
            reads = state == ext.POLL_READ
            waited = (socket, []) if reads else ([], socket)
            if not any(select.select(waited[0], waited[1], [], WAIT_S)):
                raise TimeoutError("nothing came on the socket")

    ext.set_wait_callback(wait)
    yield called
    ext.set_wait_callback(None)


@pytest.fixture
def two(pg: Database) -> Iterator[routedb.Connection]:
    """A connection to two databases, `t` in the default one and `u` in the other."""
    server = pg.cluster
    name = server.create_database()
    pg.execute("CREATE TABLE t (id int)")
    pg.execute("INSERT INTO t VALUES (7)")
    server.writer.execute("CREATE TABLE u (id int)", dbname=name)
    databases = {
        "main": {"nodes": [pg.writer_dsn]},
        "other": {"nodes": [server.writer.dsn(name)]},
    }
    config = {"default": "main", "databases": databases, "tables": {"u": "other"}}
    cluster = routedb.Cluster(config)
    with closing(cluster), closing(cluster.connect()) as connection:
        yield connection
    server.drop_database(name)


HERE, THERE = "SELECT id FROM t", "SELECT id FROM u"
# What has been done, with autocommit or without, before a read of `t`.
BEFORE: dict[str, tuple[bool, list[str]]] = {
    "nothing": (True, []),
    "nothing, a transaction": (False, []),
    "a read here": (True, [HERE]),
    "a read there": (True, [THERE]),
    "a transaction here": (False, [HERE]),
    "a transaction there": (False, [THERE]),
    "a write here": (False, ["INSERT INTO t SELECT 1 WHERE false"]),
    "a write there": (False, ["INSERT INTO u VALUES (1)"]),
    "BEGIN and a read there": (True, ["BEGIN", THERE]),
    "LISTEN": (True, ["LISTEN news"]),
    "LISTEN, a read there": (True, ["LISTEN news", THERE]),
    "a temporary table there": (True, ["/* routedb: database=other */ SELECT 1"]),
    "an ended transaction there": (False, [THERE, "COMMIT"]),
    "a failed one there": (False, [THERE, "ROLLBACK"]),
}


@pytest.mark.parametrize("before", BEFORE)
def test_a_read_waits_on_its_own_socket(two, waits, before):
    two.autocommit, texts = BEFORE[before]
    cursor = two.cursor()
    for text in texts:
        cursor.execute(text)
    waits.clear()
    cursor.execute(f"{HERE} /* {before} */")
    assert cursor.fetchall() == [(7,)]
    assert two in waits
    cursor.execute("SELECT count(*) FROM u")
    assert cursor.node.database == "other"
    two.rollback()


def test_notifications_are_read_when_no_statement_is_under_way(two):
    two.autocommit = True
    two.cursor().execute("LISTEN news")
    two.cursor().execute("NOTIFY news, 'hello'")
    two.poll()
    assert [note.payload for note in two.notifies] == ["hello"]
    assert two.fileno() == ext.connection.fileno(two)
