"""A shard is struck at each moment of a read over several: killed, hung, or reset.

Four shards, each behind a wire. The answer is the right one, by a retry, or the error
that is stated; the other shards have nothing open afterwards; nothing waits beyond its
bound; and the same connection goes on when all is well again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import product
from typing import Any, NamedTuple

import pytest

import routedb
from tests.support.later import later
from tests.support.proxy import Stop, Wire
from tests.support.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.chaos]

SHARDS, ROWS = 4, 60
# A shard of one node has no monitor: merge.timeout bounds the wait for a hung one, and
# then it is cut after five seconds of patience.
CONNECT_S, TIMEOUT_S, PATIENCE_S = 1.0, 1.0, 5.0
BOUND_S = TIMEOUT_S + PATIENCE_S + 5 * CONNECT_S + 15.0  # a machine with other work
ENGINES = ("postgresql", "mysql")
OPENING = {"postgresql": "Startup", "mysql": "Login"}
ROW = {"postgresql": "DataRow", "mysql": "Row"}

IN_ORDER = "SELECT id, name FROM items ORDER BY id"
ADDED = "SELECT count(*) AS n, sum(id) AS s FROM items"
# Its rest is worked out by a shard, over the rows of all.
WORKED = "SELECT name, max(id % 7) AS m FROM items GROUP BY name ORDER BY name"
STATEMENTS = {"in order": IN_ORDER, "added up": ADDED, "worked out": WORKED}
# What is not committed, or is not finished, of other sessions than ours.
OPEN = {
    "postgresql": "SELECT datname, state, query FROM pg_stat_activity "
    "WHERE state <> 'idle' AND datname LIKE %s AND pid <> pg_backend_pid()",
    "mysql": "SELECT db, command, info FROM information_schema.processlist "
    "WHERE db LIKE %s AND (info IS NOT NULL OR id IN (SELECT trx_mysql_thread_id "
    "FROM information_schema.innodb_trx)) AND id <> connection_id()",
}


class Struck(NamedTuple):
    """What is struck: the wire of a shard, and where its line has stopped, if so."""

    wire: Wire
    stop: Stop | None


class Shards(NamedTuple):
    """Databases of one server, filled."""

    server: Any
    names: list[str]


@contextmanager
def shards_of(servers: Any) -> Iterator[Shards]:
    with ExitStack() as stack:
        names = [stack.enter_context(servers.database()).name for _ in range(SHARDS)]
        for number, name in enumerate(names):
            mine = range(number, ROWS, SHARDS)
            rows = ", ".join(f"({n}, 'n{n % 3}')" for n in mine)
            for sql in (
                "CREATE TABLE items (id int PRIMARY KEY, name varchar(9))",
                f"INSERT INTO items VALUES {rows}",
            ):
                servers.writer.execute(sql, dbname=name)
        yield Shards(servers.writer, names)


@pytest.fixture(scope="module")
def on_postgresql(postgresql: Any) -> Iterator[Shards]:
    with shards_of(postgresql) as shards:
        yield shards


@pytest.fixture(scope="module")
def on_mysql(mariadb: Any) -> Iterator[Shards]:
    with shards_of(mariadb) as shards:
        yield shards


class World:
    """A connection over the shards, each of which is behind a wire."""

    def __init__(self, shards: Shards, stack: ExitStack, autocommit: bool) -> None:
        self.server, self.names = shards
        self.engine = self.server.scheme
        self.wires = [
            stack.enter_context(Wire(self.server.host, self.server.port, self.engine))
            for _ in range(SHARDS)
        ]
        dsns = [
            wire.through(self.server.dsn(name))
            for name, wire in zip(self.names, self.wires, strict=True)
        ]
        source = {
            "default": "shop",
            "databases": {
                "shop": {
                    "shards": [[dsn] for dsn in dsns],
                    "merge": {"timeout": f"{TIMEOUT_S}s"},
                    "connect_timeout": f"{CONNECT_S}s",
                }
            },
            "tables": {
                "items": {
                    "database": "shop",
                    "shard_key": "id",
                    "function": "modulo",
                }
            },
        }
        cluster = stack.enter_context(routedb.Cluster(source))
        connection = cluster.connect(autocommit=autocommit)
        self.connection = stack.enter_context(closing(connection))

    def read(self, sql: str) -> list[Any]:
        cursor = self.connection.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]

    def open_at(self, but: str = "") -> list[Any]:
        """Return what sessions have open on the shards, `but` one."""
        pattern = self.names[0].partition("_")[0] + "%"
        found = self.server.execute(OPEN[self.engine], (pattern,))
        return [row for row in found if row[0] in self.names and row[0] != but]

    def drop_links(self) -> None:
        """Have no link to a shard."""
        for link in list(self.connection.session.links):
            self.connection.session.links.drop(link)


# -- moments: how a read comes to where it is struck -----------------------------------


def _before(world: World, victim: int) -> Stop | None:
    return None


def _opening(world: World, victim: int) -> Stop | None:
    world.drop_links()
    return world.wires[victim].stop(b"", kind=OPENING[world.engine])


def _sent(world: World, victim: int) -> Stop | None:
    return world.wires[victim].stop(b"FROM items")


def _answered(world: World, victim: int) -> Stop | None:
    return world.wires[victim].stop(b"FROM items", answer="")


def _row(world: World, victim: int) -> Stop | None:
    return world.wires[victim].stop(b"FROM items", answer=ROW[world.engine])


MOMENTS: dict[str, Callable[[World, int], Stop | None]] = {
    "at rest": _before,
    "connecting": _opening,
    "sent": _sent,
    "answered": _answered,
    "at a row": _row,
}


# -- faults ----------------------------------------------------------------------------


def _kill(struck: Struck) -> None:
    struck.wire.refuse()
    struck.wire.cut()


def _hang(struck: Struck) -> None:
    struck.wire.blackhole()


def _reset(struck: Struck) -> None:
    if struck.stop is None:
        struck.wire.cut()
    else:
        struck.stop.cut()


FAULTS: dict[str, Callable[[Struck], None]] = {
    "killed": _kill,
    "hung": _hang,
    "reset": _reset,
}


def _heal(wire: Wire) -> None:
    """What was swallowed stays so."""
    wire.cut()
    wire.accept()


class Reading(threading.Thread):
    """A read in a thread, and what came of it."""

    def __init__(self, world: World, sql: str) -> None:
        super().__init__(daemon=True)
        self.answer: list[Any] | None = None
        self.error: Exception | None = None
        self.seconds = 0.0
        self._world, self._sql = world, sql
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        try:
            self.answer = self._world.read(self._sql)
        except Exception as exc:
            self.error = exc
        self.seconds = time.monotonic() - began

    def end(self) -> None:
        self.join(BOUND_S)
        assert not self.is_alive(), "it hangs"


@contextmanager
def world_on(engine: str, request: Any, autocommit: bool = True) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(request.getfixturevalue(f"on_{engine}"), stack, autocommit)


def _strike(
    world: World, sql: str, moment: str, fault: str, victim: int
) -> tuple[Reading, list[Any]]:
    """Have a read struck; return what came of it, and the right answer."""
    expected = world.read(sql)
    if not world.connection.autocommit:
        world.connection.rollback()
    stop = MOMENTS[moment](world, victim)
    struck = Struck(world.wires[victim], stop)
    if stop is None:
        FAULTS[fault](struck)
        reading = Reading(world, sql)
    else:
        reading = Reading(world, sql)
        stop.wait()
        FAULTS[fault](struck)
    reading.end()
    return reading, expected


def _check_after(world: World, sql: str, expected: list[Any], victim: int) -> None:
    """Nothing is open elsewhere, and, once all is well, all is as before."""
    world.connection.rollback()
    others = world.names[victim]
    wait_until(lambda: not world.open_at(but=others), f"nothing is open: {others}", 5)
    _heal(world.wires[victim])
    wait_until(lambda: _reads(world, sql) == expected, "it answers again", BOUND_S)
    world.connection.rollback()
    assert not world.open_at()


def _reads(world: World, sql: str) -> list[Any]:
    try:
        return world.read(sql)
    except routedb.TransactionLost:
        world.connection.rollback()
        raise


def _play(world: World, sql: str, moment: str, fault: str, victim: int) -> None:
    reading, expected = _strike(world, sql, moment, fault, victim)
    # Its server is there: what is read can be read again. What fails as a link is
    # opened is raised at once, where there is one node.
    if fault == "reset" and moment != "connecting":
        assert reading.error is None
        assert reading.answer == expected
    else:
        assert isinstance(reading.error, world.connection.OperationalError)
        assert reading.seconds < BOUND_S
    _check_after(world, sql, expected, victim)


CASES = [
    (engine, moment, fault)
    for engine, moment, fault in product(ENGINES, MOMENTS, FAULTS)
]
# One of each moment and each fault on each engine; the rest in `make test-long`.
SOON = [case for number, case in enumerate(CASES) if number % 4 == 0]


@pytest.mark.parametrize(
    ("engine", "moment", "fault"),
    [*SOON, *later(case for case in CASES if case not in SOON)],
)
def test_a_shard_is_struck_while_all_are_read(engine, moment, fault, request):
    with world_on(engine, request) as world:
        _play(world, IN_ORDER, moment, fault, victim=2)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("moment", [*MOMENTS][2:])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("what", ["added up", "worked out"])
@pytest.mark.long
def test_other_ways_of_merging_are_struck(engine, moment, fault, what, request):
    with world_on(engine, request) as world:
        _play(world, STATEMENTS[what], moment, fault, victim=2)


@pytest.mark.parametrize(
    ("engine", "answer", "fault"),
    [
        ("postgresql", None, "reset"),
        ("postgresql", "", "reset"),
        *later([("postgresql", None, "killed"), ("postgresql", "", "hung")]),
        *later([("mysql", None, "reset"), ("mysql", "", "hung")]),
    ],
)
def test_the_work_node_is_struck_at_the_rest(engine, answer, fault, request):
    """Its rows have come; the rest of the statement is worked out by the first."""
    with world_on(engine, request) as world:
        expected = world.read(WORKED)
        stop = world.wires[0].stop(b"routedb_r", answer=answer)
        reading = Reading(world, WORKED)
        stop.wait()
        FAULTS[fault](Struck(world.wires[0], stop))
        reading.end()
        if reading.error is None:
            assert reading.answer == expected
        else:
            assert isinstance(reading.error, world.connection.OperationalError)
        assert fault == "reset" or reading.error is not None
        _check_after(world, WORKED, expected, victim=0)


@pytest.mark.parametrize(
    ("engine", "fault"),
    [("postgresql", "reset"), *later([("postgresql", "hung"), ("mysql", "reset")])],
)
def test_a_transaction_that_loses_a_shard_is_lost(engine, fault, request):
    with world_on(engine, request, autocommit=False) as world:
        expected = world.read(IN_ORDER)
        world.connection.rollback()
        world.connection.cursor().execute("SELECT name FROM items WHERE id = 2")
        stop = world.wires[2].stop(b"ORDER BY id")
        reading = Reading(world, IN_ORDER)
        stop.wait()
        FAULTS[fault](Struck(world.wires[2], stop))
        reading.end()
        assert isinstance(reading.error, routedb.TransactionLost), reading.error
        _check_after(world, IN_ORDER, expected, victim=2)


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
def test_many_rounds_on_one_connection(engine, request):
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    with world_on(engine, request) as world:
        for _ in range(60):
            what, moment = rng.choice([*STATEMENTS]), rng.choice([*MOMENTS])
            fault, victim = rng.choice([*FAULTS]), rng.randrange(SHARDS)
            print(f"seed {seed}: {what}, {moment}, {fault}, shard {victim}")
            _play(world, STATEMENTS[what], moment, fault, victim)
