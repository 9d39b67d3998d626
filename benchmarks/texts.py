"""What texts cost that are new each time: CPU of the thread, beyond the raw driver's.

Other literals, long lists, comments with ids, other white space, and more shapes than
most programs have. Against psycopg2 on one node and on three, and where there is no
PostgreSQL against the fake adapter. What the driver and the server need is the same in
both, and the machine may be busy: so it is CPU time, the least of many blocks that take
turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count
from typing import Any

import psycopg2

import routedb
from benchmarks.classify import LIKE, TAGGED
from benchmarks.overhead import fake_cluster, on_one_core
from benchmarks.server import filled_servers
from benchmarks.timing import Row
from routedb.adapters import fake
from routedb.config.load import load
from routedb.engine.plans.plan_cache import PlanCache
from routedb.routing import Rules
from tests.support.servers import MissingServer

PER_BLOCK = 300
BLOCKS = 25
SHAPES = 20_000
CYCLES = 2
SCHEMA = (
    "CREATE TABLE item (id int PRIMARY KEY, name text, price numeric)",
    "INSERT INTO item SELECT i, 'item ' || i, i FROM generate_series(1, 100) i",
    "CREATE TABLE customer (id int PRIMARY KEY, name text)",
    "CREATE TABLE orders (id int, placed date, customer int, total numeric, state int)",
    "CREATE TABLE event (id int, name text)",
)
BAR = 8.0


def literals(number: int) -> str:
    """150 characters with other literals each time."""
    return LIKE.format(n=number % 100_000)


def numbers(number: int) -> str:
    """Fifty numbers in a list."""
    listed = ", ".join(str(100_000 + number + n) for n in range(50))
    return f"SELECT id, name FROM item WHERE id IN ({listed})"


def tag(number: int) -> str:
    """What a tracing tool adds."""
    return TAGGED.format(n=number).replace("%s", "7")


def spaces(number: int) -> str:
    """Other literals, laid out over several lines by another depth each time."""
    gap = "\n" + " " * (number % 40)
    text = literals(number)
    return text.replace(" FROM", gap + "FROM").replace(" AND", gap + "AND")


def rows(number: int) -> str:
    """An INSERT of ten rows."""
    listed = ", ".join(f"({number}, 'n{number + n}')" for n in range(10))
    return f"INSERT INTO event (id, name) VALUES {listed}"


TEXTS: dict[str, tuple[Callable[[int], str], float | None]] = {
    "the same each time": (lambda number: literals(0), None),
    "literals differ": (literals, BAR),
    "IN of 50 numbers": (numbers, BAR),
    "a comment with ids": (tag, BAR),
    "white space differs": (spaces, BAR),
    "10 rows of VALUES": (rows, None),
}


def run() -> list[Row]:
    """Measure everything; takes about a minute."""
    found = [lookup()]
    try:
        with on_one_core():
            return found + postgresql()
    except MissingServer:
        with fake_cluster(fake) as (dsns, raw):
            return found + measure("fake adapter", raw, dsns)


def lookup() -> Row:
    """Finding the plan of a new text alone: 150 characters."""
    config = load("postgresql://host/shop", {}, environ={}, read_file=str)
    plans = PlanCache(config, Rules(config), None)
    took = _least({"": lambda sql: plans.find(sql) or plans.learn(sql)}, literals)[""]
    return Row("texts: shape of 150 characters found", took, "us", 6)


def postgresql() -> list[Row]:
    """Against raw psycopg2."""
    with filled_servers(*SCHEMA) as (servers, name):
        dsns = [node.dsn(name) for node in servers.nodes]
        found = []
        for where, nodes in (("one node", dsns[:1]), ("three nodes", dsns)):
            with closing(psycopg2.connect(nodes[-1])) as raw:
                raw.autocommit = True
                with closing(psycopg2.connect(dsns[0])) as writer:
                    writer.autocommit = True
                    found += measure(where, raw.cursor(), nodes, writer.cursor())
        return found


def measure(
    where: str, raw: Any, dsns: Sequence[str], raw_writer: Any = None
) -> list[Row]:
    """Measure each kind of text on a cluster of `dsns`, against the cursor `raw`, and
    against `raw_writer` those that write, None for the same; `where` names them."""
    found = []
    with closing(routedb.connect(list(dsns), autocommit=True)) as connection:
        ours = connection.cursor()
        for name, (make, bar) in TEXTS.items():
            plain = raw if raw_writer is None or make is not rows else raw_writer
            found.append(_added(f"texts: {name}, {where}", plain, ours, make, bar))
        found.append(_cycle(f"texts: {SHAPES:,} shapes, {where}", raw, ours))
    return found


def _added(
    title: str, raw: Any, ours: Any, make: Callable[[int], str], bar: float | None
) -> Row:
    took = _least({"raw": raw.execute, "ours": ours.execute}, make)
    return _row(title, took, bar)


def _cycle(title: str, raw: Any, ours: Any) -> Row:
    """All shapes in turn, again and again: the first time is not counted."""
    texts = [f"SELECT id AS c{n} FROM item WHERE id = {n}" for n in range(SHAPES)]
    for sql in texts:
        ours.execute(sql)
    took = {}
    for name, cursor in {"raw": raw, "ours": ours}.items():
        start = time.thread_time_ns()
        for _ in range(CYCLES):
            for sql in texts:
                cursor.execute(sql)
        took[name] = (time.thread_time_ns() - start) / (CYCLES * SHAPES) / 1e3
    return _row(title, took, 60)


def _row(title: str, took: dict[str, float], bar: float | None) -> Row:
    note = f"{took['raw']:.1f} -> {took['ours']:.1f} us"
    return Row(title, took["ours"] - took["raw"], "us", bar, note)


def _least(
    calls: dict[str, Callable[[str], object]], make: Callable[[int], str]
) -> dict[str, float]:
    """Return the CPU time of each call in us, for texts that are new each time."""
    least, number = dict.fromkeys(calls, float("inf")), count()
    for _ in range(BLOCKS):
        for name, call in calls.items():
            texts = [make(next(number)) for _ in range(PER_BLOCK)]
            start = time.thread_time_ns()
            for sql in texts:
                call(sql)
            took = (time.thread_time_ns() - start) / PER_BLOCK / 1e3
            least[name] = min(least[name], took)
    return least
