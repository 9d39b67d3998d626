"""What a read over several shards costs, against the slowest shard, and one database.

Four shards are databases of one PostgreSQL. A point scatter asks each for one row: the
raw driver asks them one after another, and the slowest of them is what it is held
against. Planning is timed alone, on a shape that is known and on one that is not. Rows
in the order of a key come through a named cursor over all shards, and, from a database
that holds them all, through a named cursor of the driver's.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg2

import routedb
from benchmarks.timing import Row, interleave
from routedb.config.model import ShardFunction
from routedb.merge.postgresql_work import MOST_ROWS
from routedb.planner import Catalog, Cluster, Column, Place, Sharded, TableInfo, plan
from routedb.sql.statement import Table
from tests.support.servers import Reaper, open_place, start_postgresql

SHARDS, ROWS = 4, 400_000
POINT = "SELECT count(*), sum(n) FROM numbers WHERE id < 10"
ORDERED = "SELECT id, n FROM numbers ORDER BY id"
BLOCK = 5_000
# So many rows, so many times.
REMAINDERS = ((100, 9), (1_000, 9), (4_000, 9), (10_000, 7), (50_000, 3), (200_000, 3))
WINDOW = (
    "SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY n, id) AS r "
    "FROM numbers WHERE id < {rows}) AS s"
)
LONG = (
    "SELECT a.n, count(*) AS many, max(a.id) AS most, min(b.id) AS least "
    "FROM numbers a LEFT JOIN numbers b ON b.id = a.n AND b.n > {n} "
    "WHERE a.id BETWEEN 10 AND 5000 AND a.n IN (1, 2, 3, 4, 5, 6, 7, 8, 9) "
    "AND EXISTS (SELECT 1 FROM numbers c WHERE c.n = a.n AND c.id > {n}) "
    "GROUP BY a.n HAVING count(*) > 1 ORDER BY many DESC, a.n LIMIT 10"
)
FILL = (
    "INSERT INTO numbers SELECT i, i % 1000 FROM generate_series(0, {last}) i "
    "WHERE i % {shards} = {shard}"
)


def run() -> list[Row]:
    """Measure everything; takes about a minute."""
    with _places() as (dsns, whole):
        return [
            *scatter(dsns),
            *planning(),
            *remainders(dsns),
            *ordered(dsns, whole),
        ]


@contextmanager
def _places() -> Iterator[tuple[list[str], str]]:
    reaper = Reaper()
    try:
        with closing(start_postgresql(open_place("postgres", reaper))) as servers:
            names = [servers.create_database() for _ in range(SHARDS + 1)]
            parts = [(SHARDS, shard) for shard in range(SHARDS)] + [(1, 0)]
            for name, (shards, shard) in zip(names, parts, strict=True):
                fill = FILL.format(last=ROWS - 1, shards=shards, shard=shard)
                for sql in (
                    "CREATE TABLE numbers (id integer PRIMARY KEY, n integer)",
                    fill,
                    "ANALYZE numbers",
                ):
                    servers.writer.execute(sql, dbname=name)
            dsns = [servers.writer.dsn(name) for name in names]
            yield dsns[:-1], dsns[-1]
    finally:
        reaper.close()


def _connect(stack: ExitStack, dsns: Sequence[str]) -> Any:
    rule = {
        "database": "numbers",
        "shard_key": "id",
        "function": "modulo",
        "key_type": "integer",
    }
    source = {
        "default": "numbers",
        "databases": {"numbers": {"shards": [[dsn] for dsn in dsns]}},
        "tables": {"numbers": rule},
    }
    cluster = stack.enter_context(closing(routedb.Cluster(source)))
    return stack.enter_context(closing(cluster.connect()))


def scatter(dsns: Sequence[str]) -> list[Row]:
    """One row of each shard."""
    with ExitStack() as stack:
        ours = _connect(stack, dsns)
        ours.autocommit = True
        raws = [stack.enter_context(closing(psycopg2.connect(dsn))) for dsn in dsns]
        for raw in raws:
            raw.autocommit = True
        calls: dict[str, Callable[[], object]] = {"ours": _asking(ours)}
        calls |= {f"raw {number}": _asking(raw) for number, raw in enumerate(raws)}
        times = interleave(calls, rounds=40, block=10)
    slowest = max(time.median for name, time in times.items() if name != "ours")
    one_by_one = sum(time.median for name, time in times.items() if name != "ours")
    more = (times["ours"].median - slowest) * 1e3
    note = (
        f"{times['ours'].median * 1e3:.2f} ms; the slowest shard {slowest * 1e3:.2f}, "
        f"all {SHARDS} one by one {one_by_one * 1e3:.2f}"
    )
    return [Row("point scatter over 4 shards, more than one", more, "ms", 0.4, note)]


def _asking(connection: Any) -> Callable[[], object]:
    cursor = connection.cursor()

    def ask() -> object:
        cursor.execute(POINT)
        return cursor.fetchall()

    return ask


def planning() -> list[Row]:
    """A first-seen shape; no server takes part."""
    table = Table(None, "numbers")
    info = TableInfo((Column("id", "integer"), Column("n", "integer")), ("id",))
    place = Sharded("numbers", "id", ShardFunction())
    cluster = Cluster({"numbers": Place("postgresql", SHARDS)}, {table: place})
    catalog = Catalog({"numbers": {table: info}}, 0)
    seconds = []
    for n in range(60):
        text = LONG.format(n=n)
        begin = time.perf_counter()
        made = plan(text, "postgresql", catalog, cluster)
        seconds.append(time.perf_counter() - begin)
        assert made.__class__.__name__ == "GroupsPlan", made
    first = statistics.median(seconds) * 1e3
    note = f"{len(text)} characters"
    return [Row("planning a shape seen first", first, "ms", 3.0, note)]


def remainders(dsns: Sequence[str]) -> list[Row]:
    """What is left to do over many rows: with them in the text, and in temporary
    tables."""
    found = []
    with ExitStack() as stack:
        ours = _connect(stack, dsns)
        ours.autocommit = True
        for rows, rounds in REMAINDERS:
            ways = {"tables": 0} | ({} if rows > MOST_ROWS else {"text": rows})
            times: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way, above in ways.items():
                    with ours.using(merge={"tables_above": above}):
                        times[way].append(_work_out(ours, rows))
            tables = statistics.median(times["tables"]) * 1e3
            note = "the text takes no more than 50,000"
            if "text" in times:
                note = f"{statistics.median(times['text']) * 1e3:.1f} ms in the text"
            found.append(
                Row(f"{rows:,} rows in temporary tables", tables, "ms", None, note)
            )
    return found


def _work_out(connection: Any, rows: int) -> float:
    cursor = connection.cursor()
    begin = time.perf_counter()
    cursor.execute(WINDOW.format(rows=rows))
    assert cursor.fetchall() == [(rows,)]
    return time.perf_counter() - begin


def ordered(dsns: Sequence[str], whole: str) -> list[Row]:
    """All rows in the order of the key, through a named cursor."""
    with ExitStack() as stack:
        ours = _connect(stack, dsns)
        raw = stack.enter_context(closing(psycopg2.connect(whole)))
        rates: dict[str, list[float]] = {"ours": [], "raw": []}
        for _ in range(5):
            for name, connection in (("ours", ours), ("raw", raw)):
                rates[name].append(ROWS / _read_all(connection))
        tracemalloc.start()
        _read_all(ours)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    pairs = zip(rates["raw"], rates["ours"], strict=True)
    more = statistics.median(theirs / mine for theirs, mine in pairs)
    note = (
        f"{statistics.median(rates['ours']):,.0f} rows/s; raw "
        f"{statistics.median(rates['raw']):,.0f}"
    )
    return [
        Row("rows in key order from 4 shards, of raw", more, "x", 1.18, note),
        Row("its memory", peak, "MB", 100.0, f"{ROWS:,} rows, blocks of {BLOCK:,}"),
    ]


def _read_all(connection: Any) -> float:
    begin = time.perf_counter()
    with connection.cursor("reader") as cursor:
        cursor.itersize = BLOCK
        cursor.execute(ORDERED)
        count = last = 0
        for row in cursor:
            count += 1
            last = row[0]
    connection.rollback()
    assert (count, last) == (ROWS, ROWS - 1)
    return time.perf_counter() - begin
