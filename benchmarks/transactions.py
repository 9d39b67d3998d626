"""What a transaction costs through routedb, against the raw driver in the same run.

psycopg2's default is a transaction, so most programs live in one. On PostgreSQL, for
one node and for a writer with two replicas: a read, a write, six writes, and the
transaction of TPC-B (as pgbench has it), each with its commit; then TPC-B from four
threads. Beside the ratio of wall times stands the CPU time that the thread spends more.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any

import psycopg2

import routedb
from benchmarks.delay import delayed
from benchmarks.overhead import on_one_core
from benchmarks.server import filled_servers
from benchmarks.timing import Row, interleave, ratio

ACCOUNTS, TELLERS = 10_000, 10
ROUNDS = 60
CPU_BLOCKS, PER_BLOCK = 20, 50
DELAYS_MS = (0, 0.5, 2)
THREADS, THREAD_S, THREAD_ROUNDS = 4, 1.5, 5

SCHEMA = (
    "CREATE TABLE branches (bid int PRIMARY KEY, bbalance int)",
    "CREATE TABLE tellers (tid int PRIMARY KEY, bid int, tbalance int)",
    "CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int)",
    "CREATE TABLE history (tid int, bid int, aid int, delta int, mtime timestamp)",
    "INSERT INTO branches SELECT i, 0 FROM generate_series(1, 4) i",
    f"INSERT INTO tellers SELECT i, 1, 0 FROM generate_series(1, {TELLERS * 4}) i",
    f"INSERT INTO accounts SELECT i, 1, 0 FROM generate_series(1, {ACCOUNTS}) i",
)
READ = "SELECT abalance FROM accounts WHERE aid = %s"
WRITE = "UPDATE accounts SET abalance = abalance + 1 WHERE aid = %s"

# What it may cost: wall time of raw, and thread CPU in microseconds beside it.
BARS = {
    ("one node", "SELECT; commit"): (1.10, 15.0),
    ("three nodes", "SELECT; commit"): (1.12, 18.0),
    ("one node", "UPDATE; commit"): (1.10, None),
    ("three nodes", "UPDATE; commit"): (1.10, None),
}


def run() -> list[Row]:
    """Measure everything; takes about two minutes."""
    with filled_servers(*SCHEMA) as (servers, name):
        dsns = [node.dsn(name) for node in servers.nodes]
        with on_one_core():
            rows = [*single("one node", dsns[:1]), *single("three nodes", dsns)]
            rows += joined(servers.writer.dsn(name), servers.writer.port)
        return [*rows, threads("one node", dsns[:1]), threads("three nodes", dsns)]


def single(where: str, dsns: Sequence[str]) -> list[Row]:
    """Measure from one thread through the nodes at `dsns`, the writer first."""
    rows = []
    raw, ours = _connect_raw(dsns), routedb.connect(list(dsns), options=_NO_WAIT)
    with closing(raw), closing(ours):
        for what, transaction in TRANSACTIONS.items():
            calls = {"raw": transaction(raw), "ours": transaction(ours)}
            times = interleave(calls, ROUNDS, block=10)
            wall, cpu = BARS.get((where, what), (None, None))
            before, after = (times[name].median * 1e6 for name in ("raw", "ours"))
            note = f"{before:.0f} -> {after:.0f} us"
            name = f"{what}, {where}"
            rows += [
                Row(f"{name}, of raw", ratio(times, "ours", "raw"), "x", wall, note),
                Row(f"{name}, CPU added", _cpu_added(calls), "us", cpu),
            ]
    return rows


def joined(dsn: str, port: int) -> list[Row]:
    """Measure a read and its commit with `begin = "with-statement"`, on a server at
    `dsn` and behind lines that are longer; also without that, and the same two messages
    written by hand on psycopg2, which is the least that it could cost."""
    rows = []
    for delay_ms in DELAYS_MS:
        with ExitStack() as stack:
            there = dsn
            if delay_ms:
                line = stack.enter_context(delayed(port, delay_ms / 1e3))
                there = dsn.replace(f":{port}/", f":{line}/")
            raw = stack.enter_context(closing(psycopg2.connect(there)))
            hand = stack.enter_context(closing(psycopg2.connect(there)))
            calls = {"raw": one(raw, READ), "by hand": by_hand(hand)}
            for begin in ("driver", "with-statement"):
                main = {"nodes": [{"dsn": there}], "begin": begin}
                cluster = routedb.Cluster({"databases": {"main": main}})
                made = stack.enter_context(closing(cluster)).connect()
                calls[begin] = one(made, READ)
            times = interleave(calls, ROUNDS // 2, block=5)
        name = f"SELECT; commit, in two messages by hand, {delay_ms} ms more, of raw"
        rows.append(Row(name, ratio(times, "by hand", "raw"), "x", None, ""))
        for begin in ("driver", "with-statement"):
            name = f'SELECT; commit, begin = "{begin}", {delay_ms} ms more, of raw'
            bar = 0.85 if begin == "with-statement" and not delay_ms else None
            rows.append(Row(name, ratio(times, begin, "raw"), "x", bar, ""))
    return rows


def threads(where: str, dsns: Sequence[str]) -> Row:
    """Measure TPC-B from some threads, raw and ours in turn."""
    shares = []
    cluster = routedb.Cluster(list(dsns), options=_NO_WAIT)
    with closing(cluster):
        for _ in range(THREAD_ROUNDS):
            mine = _rate(cluster.connect)
            shares.append(_rate(lambda: _connect_raw(dsns)) / mine)
    value = statistics.median(shares)
    note = f"{1 / value:.2f} of the rate"
    return Row(f"TPC-B, {THREADS} threads, {where}, of raw", value, "x", 1 / 0.92, note)


_NO_WAIT = "-c synchronous_commit=off"


def _connect_raw(dsns: Sequence[str]) -> Any:
    return psycopg2.connect(dsns[0], options=_NO_WAIT)


def _cpu_added(calls: dict[str, Callable[[], object]]) -> float:
    """Return the thread's CPU time of ours beyond raw, in us: the median of blocks that
    take turns."""
    added = []
    for _ in range(CPU_BLOCKS):
        took = {}
        for name, call in calls.items():
            start = time.thread_time_ns()
            for _ in range(PER_BLOCK):
                call()
            took[name] = (time.thread_time_ns() - start) / PER_BLOCK / 1e3
        added.append(took["ours"] - took["raw"])
    return statistics.median(added)


def _rate(connect: Callable[[], Any]) -> float:
    """Return the transactions a second that the threads reach together."""
    connections = [connect() for _ in range(THREADS)]
    counts = [0] * THREADS
    until = time.perf_counter() + THREAD_S

    def work(number: int) -> None:
        transaction = tpc_b(connections[number], branch=number + 1)
        while time.perf_counter() < until:
            transaction()
            counts[number] += 1

    workers = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for connection in connections:
        connection.close()
    return sum(counts) / THREAD_S


def one(connection: Any, sql: str, times: int = 1) -> Callable[[], None]:
    """Return a transaction that runs `sql` on `connection` some `times`."""
    cursor, rng = connection.cursor(), random.Random(1)

    def transaction() -> None:
        for _ in range(times):
            cursor.execute(sql, (rng.randint(1, ACCOUNTS),))
        connection.commit()

    return transaction


def by_hand(connection: Any) -> Callable[[], None]:
    """Return the read and its commit on psycopg2's `connection` in two messages."""
    connection.autocommit = True
    cursor, rng = connection.cursor(), random.Random(1)

    def transaction() -> None:
        cursor.execute(f"BEGIN; {READ}", (rng.randint(1, ACCOUNTS),))
        cursor.execute("COMMIT")

    return transaction


def tpc_b(connection: Any, branch: int = 1) -> Callable[[], None]:
    """Return pgbench's default transaction on `connection`. Each thread has its own
    `branch`, or they would wait for one another."""
    cursor, rng = connection.cursor(), random.Random(branch)

    def transaction() -> None:
        account = rng.randint(1, ACCOUNTS)
        teller = (branch - 1) * TELLERS + rng.randint(1, TELLERS)
        delta = rng.randint(-5000, 5000)
        cursor.execute(
            "UPDATE accounts SET abalance = abalance + %s WHERE aid = %s",
            (delta, account),
        )
        cursor.execute(READ, (account,))
        cursor.fetchone()
        cursor.execute(
            "UPDATE tellers SET tbalance = tbalance + %s WHERE tid = %s",
            (delta, teller),
        )
        cursor.execute(
            "UPDATE branches SET bbalance = bbalance + %s WHERE bid = %s",
            (delta, branch),
        )
        cursor.execute(
            "INSERT INTO history (tid, bid, aid, delta, mtime) "
            "VALUES (%s, %s, %s, %s, CURRENT_TIMESTAMP)",
            (teller, branch, account, delta),
        )
        connection.commit()

    return transaction


TRANSACTIONS: dict[str, Callable[[Any], Callable[[], None]]] = {
    "SELECT; commit": lambda connection: one(connection, READ),
    "UPDATE; commit": lambda connection: one(connection, WRITE),
    "6 UPDATEs; commit": lambda connection: one(connection, WRITE, 6),
    "TPC-B": tpc_b,
}
