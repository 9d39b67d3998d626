"""Reads that several workers of one process make at once, raw and ours in turn.

Without a server of ours: `benchmarks.greenlets` imports it where only gevent is.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

import psycopg2

import routedb

BLOCK_S = 0.25
ROUNDS = 30
KEYS = 10_000
SCHEMA = (
    "CREATE TABLE item (id int PRIMARY KEY, name text)",
    f"INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, {KEYS}) i",
)
READ = "SELECT name FROM item WHERE id = %s"

Rate = tuple[float, float]  # reads a second, and the process's CPU for one in us
Spread = Callable[[list[Callable[[], None]]], None]  # runs them all at once


def measure(
    dsns: Sequence[str], workers: int, spread: Spread, autocommit: bool
) -> dict[str, list[Rate]]:
    """Return the rates, in turn, of `workers` that read at once by `spread` from the
    nodes at `dsns`, the writer first. Without `autocommit` each read is committed, and
    is on the writer, as ours are then."""
    turn = itertools.count()
    readers = dsns[1:] if autocommit else dsns[:1]

    def on_replicas() -> Any:
        return psycopg2.connect(readers[next(turn) % len(readers)])

    rates: dict[str, list[Rate]] = {}
    for where, nodes in (("one node", dsns[:1]), ("three nodes", dsns)):
        with ExitStack() as stack:
            cluster = stack.enter_context(closing(routedb.Cluster(list(nodes))))
            raw = on_replicas if len(nodes) > 1 else lambda: psycopg2.connect(dsns[0])
            calls = {}
            for name, connect in (("raw", raw), ("ours", cluster.connect)):
                made = [stack.enter_context(closing(connect())) for _ in range(workers)]
                for each in made:
                    each.autocommit = autocommit
                calls[f"{name}, {where}"] = _block(made, spread, autocommit)
            _take_turns(calls, rates)
    return rates


def _take_turns(
    calls: Mapping[str, Callable[[], Rate]], rates: dict[str, list[Rate]]
) -> None:
    rng, order = random.Random(1), list(calls)
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        rng.shuffle(order)
        for name in order:
            rates.setdefault(name, []).append(calls[name]())


def _block(made: Sequence[Any], spread: Spread, autocommit: bool) -> Callable[[], Rate]:
    counts = [0] * len(made)

    def work(number: int, until: float) -> None:
        connection, done = made[number], 0
        cursor = connection.cursor()
        while time.perf_counter() < until:
            cursor.execute(READ, (done % KEYS + 1,))
            cursor.fetchone()
            if not autocommit:
                connection.commit()
            done += 1
        counts[number] = done

    def block() -> Rate:
        start, cpu = time.perf_counter(), time.process_time()
        until = start + BLOCK_S
        spread([lambda n=n: work(n, until) for n in range(len(made))])  # type: ignore[misc]
        took = time.process_time() - cpu
        return sum(counts) / (time.perf_counter() - start), took / sum(counts) * 1e6

    return block
