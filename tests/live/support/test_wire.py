"""The wire stops at the messages it is told to, on both kinds of servers."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from routedb import adapters
from routedb.config import load
from tests.support.proxy import Wire
from tests.support.proxy.messages import Message
from tests.support.proxy.mysql import MySQLTalk
from tests.support.proxy.postgresql import PostgreSQLTalk
from tests.support.servers import wait_until

pytestmark = pytest.mark.live

FIXTURES = {"postgresql": "pg", "mysql": "my"}
# What is answered to a query with rows, message by message.
ROW = {"postgresql": "DataRow", "mysql": "Row"}
END = {"postgresql": "CommandComplete", "mysql": "EOF"}


@pytest.fixture(params=sorted(FIXTURES))
def engine(request):
    return request.param


@pytest.fixture
def database(request, engine):
    database = request.getfixturevalue(FIXTURES[engine])
    database.execute("CREATE TABLE t (id int)")
    database.execute("INSERT INTO t VALUES (1), (2), (3)")
    return database


@pytest.fixture
def wire(database, engine):
    server = database.cluster.writer
    with Wire(server.host, server.port, engine) as wire:
        yield wire


@pytest.fixture
def connect(database, wire, engine):
    """Open a plain connection of the driver's through the wire."""
    [node] = load(
        [wire.through(database.writer_dsn)], {}, environ={}, read_file=str
    ).nodes
    return lambda: adapters.load(engine).connect(node, 5.0)


class Asking(threading.Thread):
    """One statement in a thread, and what came of it."""

    def __init__(self, connection, sql):
        super().__init__(daemon=True)
        self.answer = None
        self._work = connection, sql
        self.start()

    def run(self):
        connection, sql = self._work
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            self.answer = cursor.fetchall() if cursor.description else []
        except Exception as exc:
            self.answer = exc

    def wait(self):
        self.join(30)
        return self.answer


def test_a_request_is_held_back_and_then_passed_on(connect, wire, database):
    with closing(connect()) as connection:
        stop = wire.stop(b"INSERT")
        asking = Asking(connection, "INSERT INTO t VALUES (4)")
        stop.wait()
        assert database.execute("SELECT count(*) FROM t") == [(3,)]
        stop.release()
        assert asking.wait() == []
        assert database.execute("SELECT count(*) FROM t") == [(4,)]


def test_an_answer_is_held_back_once_the_server_has_given_it(connect, wire, database):
    with closing(connect()) as connection:
        stop = wire.stop(b"INSERT", answer="")
        asking = Asking(connection, "INSERT INTO t VALUES (4)")
        stop.wait()
        wait_until(
            lambda: database.execute("SELECT count(*) FROM t") == [(4,)], "it is there"
        )
        assert asking.is_alive()
        wire.cut()
        assert isinstance(asking.wait(), Exception)


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_result_is_held_back_between_two_of_its_rows(connect, wire, engine, nth):
    with closing(connect()) as connection:
        stop = wire.stop(b"SELECT id", answer=ROW[engine], nth=nth)
        asking = Asking(connection, "SELECT id FROM t")
        stop.wait()
        stop.release()
        assert list(asking.wait()) == [(1,), (2,), (3,)]
        last = wire.stop(b"SELECT id", answer=END[engine])
        asking = Asking(connection, "SELECT id FROM t")
        last.wait()
        wire.cut()
        assert isinstance(asking.wait(), Exception)


def test_the_first_message_of_a_connection_is_held_back(connect, wire, engine):
    first = {"postgresql": "Startup", "mysql": "Login"}[engine]
    stop = wire.stop(b"", kind=first)
    opened = []
    thread = threading.Thread(target=lambda: opened.append(connect()))
    thread.start()
    stop.wait()
    assert not opened
    stop.release()
    thread.join(30)
    opened[0].close()


def test_a_server_that_starts_slowly_turns_connections_away(connect, wire, engine):
    wire.start_slowly()
    text = {"postgresql": "is starting up", "mysql": "Lost connection|gone away"}
    with pytest.raises(Exception, match=text[engine]):
        connect()
    wire.accept()
    connect().close()


def test_new_connections_can_be_led_to_another_server(connect, wire, database, engine):
    port = {"postgresql": "SHOW port", "mysql": "SELECT @@port"}[engine]
    adapter = adapters.load(engine)
    replica = database.cluster.replicas[0]
    with closing(connect()) as old:
        wire.lead_to(replica.host, replica.port)
        with closing(connect()) as new:
            ports = [int(adapter.run(raw, port)[0][0]) for raw in (old, new)]
    assert ports == [database.cluster.writer.port, replica.port]


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_postgresql_is_read_in_whatever_pieces_it_comes(size):
    talk = PostgreSQLTalk()
    asked = b"\0\0\0\x08\x04\xd2\x16\x2f"
    begun = b"\0\0\0\x0d\0\3\0\0user\0"
    assert kinds(talk.from_client, asked, size) == ["SSLRequest"]
    assert kinds(talk.from_server, b"N", size) == ["Cover"]
    assert kinds(talk.from_client, begun + b"X\0\0\0\4", size) == [
        "Startup",
        "Terminate",
    ]
    answer = b"C\0\0\0\x0bCOMMIT\0" + b"Z\0\0\0\5I"
    assert kinds(talk.from_server, answer, size) == ["CommandComplete", "ReadyForQuery"]


def test_a_line_under_tls_is_passed_on_unread():
    talk = PostgreSQLTalk()
    talk.from_client(b"\0\0\0\x08\x04\xd2\x16\x2f")
    assert kinds(talk.from_server, b"S", 1) == ["Cover"]
    assert talk.from_client(b"anything") == [
        Message("Opaque", b"anything", b"anything")
    ]


def packet(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("has_eof", [True, False])
def test_mysql_is_read_in_whatever_pieces_it_comes(size, has_eof):
    talk = MySQLTalk()
    can = (0 if has_eof else 1 << 24).to_bytes(4, "little")
    assert kinds(talk.from_server, packet(0, b"\x0a11.4"), size) == ["Greeting"]
    assert kinds(talk.from_client, packet(1, can + b"app"), size) == ["Login"]
    assert kinds(talk.from_server, packet(2, b"\0\0\0\2\0\0\0"), size) == ["OK"]
    assert kinds(talk.from_client, packet(0, b"\3SELECT 1"), size) == ["Query"]
    eof = b"\xfe\0\0\2\0"
    rows = [b"\1", b"column", eof, b"\x011", eof]
    if not has_eof:
        rows = [b"\1", b"column", b"\x011", b"\xfe\0\0\2\0\0\0"]
    data = b"".join(packet(at + 1, row) for at, row in enumerate(rows))
    middle = ["Column", "EOF"] if has_eof else ["Column"]
    expected = ["ColumnCount", *middle, "Row", "EOF"]
    assert kinds(talk.from_server, data, size) == expected


def kinds(read, data, size):
    return [message.kind for piece in pieces(data, size) for message in read(piece)]
