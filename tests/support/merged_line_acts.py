"""What is done with reads over several groups of real servers, interrupted at any line.

After each, what is open on a link is the transaction's, the next read over all groups
is answered exactly, and what is written then is there alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import routedb
from tests.support.inject import Injection
from tests.support.servers import Database

FILES = 4
ROWS = [(n, n % 5) for n in range(23)]
ORDERED = "SELECT id FROM items ORDER BY id"
IDS = [(n,) for n, _ in ROWS]
WORKED = "SELECT a.id, b.id FROM items a JOIN items b ON b.owner = a.id ORDER BY 1, 2"
PAIRS = sorted((owner, n) for n, owner in ROWS)
COUNTED = "SELECT count(*), sum(owner), max(id) FROM items"
COUNTS = [(23, sum(owner for _, owner in ROWS), 22)]
WRITE = "INSERT INTO items (id, owner) VALUES (%s, %s)"


class Act(NamedTuple):
    """`before` and `do` get the connection and a cursor."""

    autocommit: bool
    before: Callable[[Any, Any], object]
    do: Callable[[Any, Any], object]


def reads(sql: str, rows: list[Any]) -> Callable[[Any, Any], object]:
    def read(connection: Any, cursor: Any) -> None:
        cursor.execute(sql)
        assert [tuple(row) for row in cursor.fetchall()] == rows

    return read


def asks(sql: str) -> Callable[[Any, Any], object]:
    return lambda connection, cursor: cursor.execute(sql)


def writes(connection: Any, cursor: Any) -> None:
    cursor.execute(WRITE, (100, 1))


def writes_and_reads(connection: Any, cursor: Any) -> None:
    writes(connection, cursor)
    cursor.execute(ORDERED)


def fetches(connection: Any, cursor: Any) -> None:
    assert tuple(cursor.fetchone()) == (0,)
    assert [tuple(row) for row in cursor.fetchmany(2)] == IDS[1:3]
    cursor.close()


def names(connection: Any, cursor: Any) -> None:
    """A named cursor of psycopg2, which streams; the others have none."""
    if not hasattr(connection, "get_backend_pid"):
        return
    with connection.cursor("streamed") as named:
        named.itersize = 3
        named.execute(ORDERED)
        assert named.fetchmany(2) == IDS[:2]
        assert named.fetchall() == IDS[2:]


def explains(connection: Any, cursor: Any) -> None:
    is_sqlite = isinstance(cursor, sqlite3.Cursor)
    cursor.execute(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{ORDERED}")


def nothing(connection: Any, cursor: Any) -> None:
    return


READ, WORK, COUNT = reads(ORDERED, IDS), reads(WORKED, PAIRS), reads(COUNTED, COUNTS)
ACTS = {
    "read": Act(True, nothing, READ),
    "read again": Act(True, READ, READ),
    "count": Act(True, nothing, COUNT),
    "work": Act(True, nothing, WORK),
    "fetch": Act(True, asks(ORDERED), fetches),
    "explain": Act(True, nothing, explains),
    "read in transaction": Act(False, nothing, READ),
    "read after write": Act(False, writes, asks(ORDERED)),
    "work in transaction": Act(False, writes, asks(WORKED)),
    "named": Act(False, nothing, names),
    "named after write": Act(False, writes, lambda c, _: names_any(c)),
    "commit": Act(False, writes_and_reads, lambda c, _: c.commit()),
    "rollback": Act(False, writes_and_reads, lambda c, _: c.rollback()),
    "close": Act(False, writes_and_reads, lambda c, _: c.close()),
}


def names_any(connection: Any) -> None:
    """The same where a row more is there."""
    if hasattr(connection, "get_backend_pid"):
        with connection.cursor("streamed") as named:
            named.execute(ORDERED)
            named.fetchone()


class Shards:
    """A cluster of shards: interrupts acts, and checks what they leave."""

    def __init__(self, cluster: routedb.Cluster, executes: list[Any]) -> None:
        self._cluster = cluster
        self._executes = executes  # each runs a text on a shard, past routedb
        self._connections: dict[bool, Any] = {}
        self.injected = 0

    def close(self) -> None:
        for connection in self._connections.values():
            if not connection.closed:  # MySQLdb's raise the second time
                connection.close()

    def ready(self, act: Act) -> tuple[Any, Any]:
        """Return a connection and a cursor, with all done that comes before `act`."""
        connection = self._connections.get(act.autocommit)
        if connection is None or connection.closed:
            connection = self._cluster.connect(autocommit=act.autocommit)
            self._connections[act.autocommit] = connection
        cursor = connection.cursor()
        act.before(connection, cursor)
        return connection, cursor

    def interrupt(self, name: str, at: int, kind: type[BaseException]) -> bool:
        """Interrupt at line event `at` of the act, and check; False when it has
        fewer."""
        act = ACTS[name]
        connection, cursor = self.ready(act)
        injection = Injection(at, kind)
        came = injection.run(partial(act.do, connection, cursor))
        del cursor
        try:
            injection.check_made(came)
            came = None
            injection.check_freed()
            self.check(connection)
        except BaseException as failure:
            self._connections.clear()
            with suppress(routedb.Error):
                connection.close()
            raise AssertionError(f"{name} {at}: {injection.place}") from failure
        self.injected += injection.has_fired
        return injection.has_fired

    def check(self, connection: Any) -> None:
        if not connection.closed:
            self._check_open(connection)
        there = self.ids()
        assert there in ([n for n, _ in ROWS], [*(n for n, _ in ROWS), 100])
        for execute in self._executes:
            execute("DELETE FROM items WHERE id >= 100")

    def _check_open(self, connection: Any) -> None:
        session = connection.session
        branches = list(session.transaction.branches.values())
        for link in session.links:
            if link.adapter.is_alive(link.raw) and not link.adapter.is_idle(link.raw):
                assert link in branches, f"{link.node.name} has one open"
        connection.rollback()
        for link in session.links:
            assert link.adapter.is_idle(link.raw), "rolled back"
        before = self.ids()
        cursor = connection.cursor()
        cursor.execute(ORDERED)
        assert [tuple(row) for row in cursor.fetchall()] == [(n,) for n in before]
        connection.rollback()
        cursor.execute(WRITE, (200, 2))
        connection.commit()
        assert self.ids() == sorted({*before, 200})
        cursor.execute("DELETE FROM items WHERE id = 200 AND owner = 2")
        connection.commit()

    def ids(self) -> list[int]:
        return sorted(
            row[0]
            for execute in self._executes
            for row in execute("SELECT id FROM items")
        )


@contextmanager
def on_sqlite(folder: str) -> Iterator[Shards]:
    """Shards that are files."""
    with ExitStack() as stack:
        paths = [f"{folder}/s{n}.db" for n in range(FILES)]
        executes = []
        for path in paths:
            raw = stack.enter_context(
                closing(sqlite3.connect(path, isolation_level=None))
            )
            raw.execute("PRAGMA journal_mode=WAL")
            executes.append(lambda sql, raw=raw: raw.execute(sql).fetchall())
        yield from _filled([f"sqlite:///{path}" for path in paths], executes)


@contextmanager
def on_servers(first: Database) -> Iterator[Shards]:
    """Two shards, which are databases of the same servers."""
    with first.cluster.database() as second:
        both = (first, second)
        dsns = [each.writer_dsn for each in both]
        yield from _filled(dsns, [each.execute for each in both])


def _filled(dsns: list[str], executes: list[Any]) -> Iterator[Shards]:
    for number, execute in enumerate(executes):
        execute("CREATE TABLE items (id int PRIMARY KEY, owner int)")
        for row in ROWS:
            if row[1] % len(dsns) == number:
                execute(f"INSERT INTO items VALUES {row}")
    rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
    source = {
        "databases": {"shop": {"shards": [[dsn] for dsn in dsns]}},
        "tables": {"items": rule},
    }
    with routedb.Cluster(source) as cluster, closing(Shards(cluster, executes)) as made:
        yield made
