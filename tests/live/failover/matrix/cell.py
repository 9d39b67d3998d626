"""One client that is brought to a moment, struck there, and asked what it saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

import routedb
from tests.live.failover.matrix.table import Moment, Outcome
from tests.support.proxy import Stop, Wire
from tests.support.server_rig import link_to
from tests.support.servers import Database, wait_until

FAILOVER_S = 4.0
PATIENT_S = 30.0  # where a writer is there again, however long that takes here
CONNECT_S = 2.0
GENEROUS_S = 15.0  # a machine with other things to do

READ = "SELECT id FROM seed ORDER BY id"
SEED = [1, 2, 3, 4, 5]
OPENING = {"postgresql": "Startup", "mysql": "Login"}
ROW = {"postgresql": "DataRow", "mysql": "Row"}
SAID = {
    routedb.TransactionLost: Outcome.LOST,
    routedb.OutcomeUnknown: Outcome.UNKNOWN,
    routedb.NoNodeError: Outcome.NO_NODE,
}


class Play(NamedTuple):
    """How a client comes to a moment, and what it does around it.

    `before` is done in peace, `act` is struck: while it waits at the `stop`, or, where
    there is none, just before it begins.
    """

    victim: str
    before: Callable[[Cell], object]
    act: Callable[[Cell], object]
    stop: Callable[[Cell, Wire], Stop] | None = None
    autocommit: bool = True


class Cell:
    """One client with a cluster of its own: a writer and a replica, behind wires."""

    def __init__(
        self,
        database: Database,
        key: int,
        moment: Moment,
        stack: ExitStack,
        failover_s: float = FAILOVER_S,
    ) -> None:
        self.key = key
        self.moment = moment
        self.engine = database.cluster.writer.scheme
        self.play = PLAYS[moment]
        self.error: Exception | None = None
        self.answer: Any = None
        self.elapsed = 0.0
        # The silence of a node, the search for another, and a link that cannot be
        # opened: each within its own time.
        self.bound_s = 2 * failover_s + 2 * CONNECT_S + GENEROUS_S
        self.wires: dict[str, Wire] = {
            name: stack.enter_context(Wire(server.host, server.port, self.engine))
            for name, server in _two(database)
        }
        nodes = [
            {"dsn": self.wires[name].through(server.dsn(database.name)), "name": name}
            for name, server in _two(database)
        ]
        options = {
            "failover_timeout": f"{failover_s}s",
            "connect_timeout": f"{CONNECT_S}s",
        }
        source = {
            "default": "main",
            "databases": {"main": {"nodes": nodes, **options}},
        }
        self.cluster = stack.enter_context(routedb.Cluster(source))
        self.stop: Stop | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def victim(self) -> Wire:
        """The wire to the node that is struck."""
        return self.wires[self.play.victim]

    def prepare(self) -> None:
        """Come to the moment."""
        self.cluster.connect().close()
        self.await_writer()
        self.await_replica()
        self.connection = self.cluster.connect(autocommit=self.play.autocommit)
        self.cursor = self.connection.cursor()
        self.play.before(self)
        if self.play.stop is not None:
            self.stop = self.play.stop(self, self.victim)
            self._thread.start()
            self.stop.wait()

    def leave(self, is_silent: bool) -> None:
        """See to it that what the line held is where the struck server left it: a
        request in its hands, an answer with nobody."""
        if self.stop is None:
            return
        if not is_silent:
            self.stop.cut()
        elif self.stop.answer is None:
            self.stop.release()

    def go_on(self) -> None:
        """Act, where that waited for the strike."""
        if self.stop is None:
            self._thread.start()

    def await_end(self) -> None:
        """Wait until the act is over, or has taken too long."""
        self._thread.join(self.bound_s)

    @property
    def outcome(self) -> Outcome:
        """What the application saw."""
        if self._thread.is_alive() or self.elapsed > self.bound_s:
            return Outcome.HUNG
        if self.error is None:
            return Outcome.ANSWERED
        kinds = [said for kind, said in SAID.items() if isinstance(self.error, kind)]
        return kinds[0] if kinds else Outcome.OTHER

    def await_writer(self) -> None:
        """Wait until a writer is known."""
        core = self.cluster.runtime.core
        core.await_writer(0, core.clock() + self.bound_s)

    def await_replica(self) -> None:
        """Wait until the replica is read from."""
        core = self.cluster.runtime.core
        wait_until(
            lambda: core.topology.groups[0].read_ring, "the replica is read from"
        )

    def go_on_as_before(self) -> bool:
        """Tell whether the same connection and cursor work, when all is well again."""
        self.connection.rollback()
        try:
            self._use()
        except routedb.TransactionLost:  # it met a writer that is none any more
            self.connection.rollback()
            self._use()
        with self.connection.using(role="writer"):
            self.cursor.execute("SELECT count(*) FROM used WHERE cell = %s", [self.key])
            found = self.cursor.fetchall()
        self.connection.rollback()
        return list(found) == [(1,)]

    def _use(self) -> None:
        self.cursor.execute("INSERT INTO used VALUES (%s)", (self.key,))
        self.connection.commit()

    def write(self, n: int = 1) -> None:
        """Insert a row of this client's."""
        self.cursor.execute("INSERT INTO t VALUES (%s, %s)", (self.key, n))

    def read(self) -> None:
        """Run the plain read, and see that its answer is whole."""
        self.cursor.execute(READ)
        rows = [row[0] for row in self.cursor.fetchall()]
        assert rows == SEED, rows

    def close_link(self) -> None:
        """Have no link to the victim."""
        links = self.connection.session.links
        links.drop(link_to(self.connection, self.play.victim))

    def write_and_commit(self) -> None:
        """End a transaction of two rows."""
        self.write(2)
        self.connection.commit()

    def commit(self) -> None:
        self.connection.commit()

    def write_twice(self) -> None:
        self.write(1)
        self.write(2)

    def _run(self) -> None:
        began = time.monotonic()
        try:
            self.play.act(self)
        except Exception as exc:
            self.error = exc
        self.elapsed = time.monotonic() - began


def _two(database: Database) -> list[tuple[str, Any]]:
    return [(server.name, server) for server in database.cluster.nodes[:2]]


def _opening(cell: Cell, wire: Wire) -> Stop:
    return wire.stop(b"", kind=OPENING[cell.engine])


def _at(text: bytes, answer: str | None = None) -> Callable[[Cell, Wire], Stop]:
    return lambda _, wire: wire.stop(text, answer=answer)


def _mid(cell: Cell, wire: Wire) -> Stop:
    return wire.stop(b"SELECT id FROM seed", answer=ROW[cell.engine], nth=3)


_SELECT, _INSERT, _COMMIT = b"SELECT id FROM seed", b"INSERT INTO t", b"COMMIT"
_R, _W = "replica1", "writer"

PLAYS: dict[Moment, Play] = {
    Moment.IDLE_READ: Play(_R, Cell.read, Cell.read),
    Moment.IDLE_WRITE: Play(_W, Cell.read, Cell.write),
    Moment.BEFORE_READ: Play(_R, lambda cell: None, Cell.read, _opening),
    Moment.BEFORE_WRITE: Play(_W, Cell.close_link, Cell.write, _opening),
    Moment.SENT_READ: Play(_R, Cell.read, Cell.read, _at(_SELECT)),
    Moment.SENT_WRITE: Play(_W, Cell.read, Cell.write, _at(_INSERT)),
    Moment.DONE_READ: Play(_R, Cell.read, Cell.read, _at(_SELECT, "")),
    Moment.DONE_WRITE: Play(_W, Cell.read, Cell.write, _at(_INSERT, "")),
    Moment.MID_RESULT: Play(_R, Cell.read, Cell.read, _mid),
    Moment.IN_TRANSACTION: Play(
        _W, Cell.write, Cell.write_and_commit, autocommit=False
    ),
    Moment.IN_STATEMENT: Play(
        _W, Cell.write, Cell.write_and_commit, _at(_INSERT), autocommit=False
    ),
    Moment.BEFORE_COMMIT: Play(_W, Cell.write_twice, Cell.commit, autocommit=False),
    Moment.COMMIT_SENT: Play(
        _W, Cell.write_twice, Cell.commit, _at(_COMMIT), autocommit=False
    ),
    Moment.COMMIT_DONE: Play(
        _W, Cell.write_twice, Cell.commit, _at(_COMMIT, ""), autocommit=False
    ),
}
