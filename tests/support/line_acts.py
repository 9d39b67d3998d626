"""What is done with a connection to real servers, interrupted at any line.

The same acts run on every engine. After each, our state is the server's, or the link
is gone: nothing is open that we do not know of, nothing that was undone comes back,
nothing that was told is lost, and every answer belongs to its question.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

import routedb
from tests.support.inject import Injection
from tests.support.servers import Database, wait_until

Ids = Callable[[], set[int]]
Sessions = Callable[[], int]

SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND "
    "backend_type = 'client backend' AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = %s",
}

WRITE = "INSERT INTO mark VALUES (%s)"
READ = "SELECT %s + 0"


class Act(NamedTuple):
    """`before` and `do` get the connection, a cursor, and a number that is new. Where
    it `opens`, `do` gets one that is opened then instead, and no cursor."""

    autocommit: bool
    before: Callable[[Any, Any, int], object]
    do: Callable[[Any, Any, int], object]
    opens: bool = False


def nothing(connection: Any, cursor: Any, number: int) -> None:
    return


def write(connection: Any, cursor: Any, number: int) -> None:
    cursor.execute(WRITE, (number,))


def write_other(connection: Any, cursor: Any, number: int) -> None:
    cursor.execute(WRITE, (-number,))


def write_many(connection: Any, cursor: Any, number: int) -> None:
    cursor.executemany(WRITE, [(number,), (-number,)])


def read(connection: Any, cursor: Any, number: int) -> None:
    cursor.execute(READ, (number,))
    [(found,)] = cursor.fetchall()
    assert found == number


def ask(connection: Any, cursor: Any, number: int) -> None:
    cursor.execute(READ, (number,))


def fetch(connection: Any, cursor: Any, number: int) -> None:
    assert cursor.fetchone()[0] == number
    assert cursor.fetchone() is None


def begin(connection: Any, cursor: Any, number: int) -> None:
    cursor.execute("BEGIN")


def begun(connection: Any, cursor: Any, number: int) -> None:
    cursor.execute("BEGIN")
    cursor.execute(WRITE, (number,))


def savepoint(connection: Any, cursor: Any, number: int) -> None:
    cursor.execute("SAVEPOINT s")


def read_only(connection: Any, cursor: Any, number: int) -> None:
    connection.set_session(readonly=True)
    cursor.execute(READ, (number,))
    connection.rollback()


def token(connection: Any, cursor: Any, number: int) -> None:
    connection.token()


def close(connection: Any, cursor: Any, number: int) -> None:
    connection.close()


def write_and_close(connection: Any, cursor: Any, number: int) -> None:
    write(connection, connection.cursor(), number)
    connection.close()


ACTS = {
    "write": Act(True, nothing, write),
    "write again": Act(True, write_other, write),
    "write many": Act(True, nothing, write_many),
    "write in transaction": Act(False, write_other, write),
    "first write": Act(False, nothing, write),
    "write many in transaction": Act(False, nothing, write_many),
    "read": Act(True, nothing, read),
    "read in transaction": Act(False, write, read),
    "fetch": Act(True, ask, fetch),
    "commit": Act(False, write, lambda connection, *_: connection.commit()),
    "rollback": Act(False, write, lambda connection, *_: connection.rollback()),
    "begin text": Act(True, nothing, begin),
    "first write after begin": Act(True, begin, write),
    "commit text": Act(True, begun, lambda c, cursor, n: cursor.execute("COMMIT")),
    "savepoint": Act(False, write, savepoint),
    "read only": Act(False, nothing, read_only),
    "token": Act(True, write, token),
    "close": Act(False, write, close),
    "connect": Act(True, nothing, close, opens=True),
    "connect and write": Act(True, nothing, write_and_close, opens=True),
    "connect and begin": Act(False, nothing, write_and_close, opens=True),
}
MONITORED = 2  # sessions of a monitor on one node: its own, and one that comes anew


class Lines:
    """Interrupts acts on one connection, which is opened anew when it was closed."""

    def __init__(
        self, connect: Callable[[bool], Any], ids: Ids, sessions: Sessions
    ) -> None:
        self._connect = connect
        self._ids = ids
        self._sessions = sessions  # how many the writer has
        self._connections: dict[bool, Any] = {}
        self._number = 0
        self.injected = 0

    def close(self) -> None:
        """Have done; nothing but what the monitor has is open on the server."""
        for connection in self._connections.values():
            Lines._end(connection)
        self._connections.clear()
        gc.collect()
        wait_until(lambda: self._sessions() <= MONITORED, "links leaked")

    def interrupt(self, name: str, at: int, kind: type[BaseException]) -> bool:
        """Interrupt at line event `at` of the act, and check; False when it has
        fewer."""
        act = ACTS[name]
        self._number = number = self._number + 1
        connection = self._connection(act.autocommit)
        cursor = connection.cursor()
        act.before(connection, cursor, number)
        injection = Injection(at, kind)
        came = injection.run(lambda: self._do(act, connection, cursor, number))
        try:
            injection.check_made(came)
            came = None
            injection.check_freed()
            self._check(connection, act.autocommit, number)
        except BaseException as failure:
            self._connections.pop(act.autocommit)
            self._end(connection)
            raise AssertionError(f"{name} {at}: {injection.place}") from failure
        self.injected += injection.has_fired
        return injection.has_fired

    def _do(self, act: Act, connection: Any, cursor: Any, number: int) -> None:
        if act.opens:
            act.do(self._connect(act.autocommit), None, number)
        else:
            act.do(connection, cursor, number)

    def _connection(self, autocommit: bool) -> Any:
        made = self._connections.get(autocommit)
        if made is None or made.closed:
            made = self._connections[autocommit] = self._connect(autocommit)
        return made

    def _check(self, connection: Any, autocommit: bool, number: int) -> None:
        if connection.closed:
            assert autocommit or number not in self._ids()
            return
        session = connection.session
        branches = list(session.transaction.branches.values())
        for link in session.links:
            if link.adapter.is_alive(link.raw) and not link.adapter.is_idle(link.raw):
                assert link in branches, f"{link.node.name} has one open"
        connection.rollback()
        there = self._ids()
        for link in session.links:
            assert link.adapter.is_idle(link.raw), "rolled back"
        with suppress(routedb.ProgrammingError):
            connection.set_session(readonly=False)
        connection.rollback()
        cursor, later = connection.cursor(), 1_000_000 + number
        cursor.execute(READ, (number,))
        assert cursor.fetchall()[0][0] == number, "another answer"
        connection.rollback()
        cursor.execute(WRITE, (later,))
        connection.commit()
        assert self._ids() == there | {later}

    @staticmethod
    def _end(connection: Any) -> None:
        with suppress(routedb.Error):
            connection.close()


@contextmanager
def on_servers(database: Database, **options: Any) -> Iterator[Lines]:
    """Lines of connections to servers, with options of a database."""
    database.execute("CREATE TABLE mark (id int PRIMARY KEY)")
    database.wait_replayed()

    def ids() -> set[int]:
        return {row[0] for row in database.execute("SELECT id FROM mark")}

    def sessions() -> int:
        writer = database.cluster.writer
        [(count,)] = writer.query(SESSIONS[writer.scheme], (database.name,))
        return int(count)

    main = {"nodes": [{"dsn": dsn} for dsn in database.dsns], **options}
    source = {"default": "main", "databases": {"main": main}}
    with routedb.Cluster(source) as cluster:
        yield from _closed(cluster, ids, sessions)


@contextmanager
def on_sqlite(path: str) -> Iterator[Lines]:
    """Lines of connections to a file."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE mark (id INTEGER PRIMARY KEY)")

    def ids() -> set[int]:
        with closing(sqlite3.connect(path)) as raw:
            return {row[0] for row in raw.execute("SELECT id FROM mark")}

    nodes = [f"sqlite:///{path}", f"sqlite:///{path}?mode=ro"]
    with routedb.Cluster(nodes) as cluster:
        yield from _closed(cluster, ids, lambda: 0)


def _closed(cluster: routedb.Cluster, ids: Ids, sessions: Sessions) -> Iterator[Lines]:
    made = Lines(
        lambda autocommit: cluster.connect(autocommit=autocommit), ids, sessions
    )
    yield made
    made.close()
