"""The proxy breaks the line in the ways that other tests rely on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import psycopg2
import pytest

from tests.support.proxy import Proxy
from tests.support.servers import wait_until


class Echo:
    """A server that says back what it hears, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(65536):
                    self.heard += data
                    client.sendall(data)
            except OSError:
                pass

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.close()


@pytest.fixture
def line(echo: Echo) -> Iterator[Proxy]:
    with Proxy("127.0.0.1", echo.port) as line:
        yield line


@pytest.fixture
def client(line: Proxy) -> Iterator[socket.socket]:
    with connect(line) as client:
        yield client


def connect(line: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=5)


def ask(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    answer = b""
    while len(answer) < len(data) and (piece := client.recv(65536)):
        answer += piece
    return answer


def test_what_is_said_arrives_both_ways(client, echo):
    assert ask(client, b"hello") == b"hello"
    assert echo.heard == b"hello"


def test_much_at_once_arrives_whole(client):
    data = bytes(range(256)) * 40_000
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    answer = bytearray()
    while len(answer) < len(data):
        answer += client.recv(65536)
    sender.join()
    assert answer == data


def test_an_end_is_passed_on_behind_the_last_answer(client, line):
    client.sendall(b"bye")
    client.shutdown(socket.SHUT_WR)
    assert client.recv(10) == b"bye"
    assert client.recv(10) == b""
    wait_until(lambda: line.connections == 0, "the proxy forgets the connection")


def test_cut_resets_the_connections_there_are(client, line):
    ask(client, b"hello")
    assert line.connections == 1
    line.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with connect(line) as another:
        assert ask(another, b"again") == b"again"


def test_refuse_turns_new_connections_away_and_keeps_the_old(client, line):
    ask(client, b"hello")
    line.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(line)
    assert ask(client, b"still") == b"still"
    line.accept()
    with connect(line) as another:
        assert ask(another, b"again") == b"again"


def test_blackhole_holds_back_until_accept(client, line):
    ask(client, b"hello")
    line.blackhole()
    client.sendall(b"lost?")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(10)
    client.settimeout(5)
    line.accept()
    assert client.recv(10) == b"lost?"


def test_who_vanished_answers_no_new_connection_either(client, line):
    ask(client, b"hello")
    line.vanish()
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", line.port), timeout=0.5)
    line.accept()
    assert ask(client, b"still") == b"still"
    with connect(line) as another:
        assert ask(another, b"again") == b"again"


def test_a_lost_request_never_reaches_the_server(client, line, echo):
    line.lose_request(b"COMMIT")
    assert ask(client, b"one") == b"one"
    with pytest.raises(ConnectionResetError):
        ask(client, b"COMMIT")
    assert echo.heard == b"one"


def test_a_lost_answer_was_given(client, line, echo):
    line.lose_answer(b"COMMIT")
    with pytest.raises(ConnectionResetError):
        ask(client, b"COMMIT")
    assert echo.heard == b"COMMIT"


def test_a_server_that_is_down_looks_like_a_reset(echo, line):
    echo.close()
    with pytest.raises(ConnectionResetError), connect(line) as client:
        ask(client, b"hello")


def test_a_commit_whose_answer_is_lost_has_happened(pg, proxy):
    pg.execute("CREATE TABLE t (a int)")
    line = proxy(pg.cluster.writer)
    connection = psycopg2.connect(line.through(pg.writer_dsn))
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    line.lose_answer(b"COMMIT")
    with pytest.raises(psycopg2.OperationalError):
        connection.commit()
    connection.close()
    assert pg.execute("SELECT a FROM t") == [(1,)]


def test_a_commit_that_is_lost_has_not_happened(pg, proxy):
    pg.execute("CREATE TABLE t (a int)")
    line = proxy(pg.cluster.writer)
    connection = psycopg2.connect(line.through(pg.writer_dsn))
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    line.lose_request(b"COMMIT")
    with pytest.raises(psycopg2.OperationalError):
        connection.commit()
    connection.close()
    assert pg.execute("SELECT a FROM t") == []
