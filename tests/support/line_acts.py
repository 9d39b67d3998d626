"""What is done with a connection to real servers, interrupted at any line.

The same acts run on every engine. After each, our state is the server's, or the link
is gone: nothing is open that we do not know of, nothing that was undone comes back,
nothing that was told is lost, and every answer belongs to its question.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import routedb
from tests.support.inject import KINDS, Injection

Ids = Callable[[], set[int]]


WRITE = "INSERT INTO mark VALUES (%s)"
READ = "SELECT %s + 0"


class Act(NamedTuple):
    """`before` and `do` get the connection, a cursor, and a number that is new."""

    autocommit: bool
    before: Callable[[Any, Any, int], object]
    do: Callable[[Any, Any, int], object]


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
    "close": Act(False, write, lambda connection, *_: connection.close()),
}


class Lines:
    """Interrupts acts on one connection, which is opened anew when it was closed."""

    def __init__(self, connect: Callable[[bool], Any], ids: Ids) -> None:
        self._connect = connect
        self._ids = ids
        self._connections: dict[bool, Any] = {}
        self._number = 0
        self.injected = 0

    def close(self) -> None:
        for connection in self._connections.values():
            Lines._end(connection)

    def interrupt(self, name: str, at: int) -> bool:
        """Interrupt at line event `at` of the act, and check; False when it has
        fewer."""
        act = ACTS[name]
        self._number = number = self._number + 1
        connection = self._connection(act.autocommit)
        cursor = connection.cursor()
        act.before(connection, cursor, number)
        injection = Injection(at, KINDS[at % 2])
        came = injection.run(lambda: act.do(connection, cursor, number))
        try:
            assert injection.made(came)
            came = None
            injection.check_freed()
            self._check(connection, act.autocommit, number)
        except BaseException as failure:
            self._connections.pop(act.autocommit)
            self._end(connection)
            raise AssertionError(f"{name} {at}: {injection.place}") from failure
        self.injected += injection.has_fired
        return injection.has_fired

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
