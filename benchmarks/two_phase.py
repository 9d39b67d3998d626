"""What a transaction over two PostgreSQL databases costs, against psycopg2 by hand.

By hand it is `tpc_begin`, a write, `tpc_prepare` and `tpc_commit` on each of both: what
was decided stands nowhere. Beside it the same with a row of the decision, written and
committed between the two. And a transaction on one database, which is to cost what it
has cost.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from itertools import count
from typing import Any

import psycopg2

import routedb
from benchmarks.overhead import on_one_core
from benchmarks.server import filled_servers
from benchmarks.timing import Row, interleave, ratio

ROUNDS = 60
UPDATE = "UPDATE acc_{} SET v = v + 1 WHERE id = 1"
SCHEMA = (
    *(f"CREATE TABLE acc_{name} (id int PRIMARY KEY, v int)" for name in "ab"),
    *(f"INSERT INTO acc_{name} VALUES (1, 0)" for name in "ab"),
    "CREATE TABLE decided (id text PRIMARY KEY)",
)


def run() -> list[Row]:
    """Measure; takes about a minute."""
    with filled_servers(*SCHEMA) as (servers, name), on_one_core():
        other = servers.create_database()
        for text in SCHEMA:
            servers.writer.execute(text, dbname=other)
        dsns = {"a": servers.writer.dsn(name), "b": servers.writer.dsn(other)}
        with ExitStack() as stack:
            return _measured(dsns, stack)


def _measured(dsns: dict[str, str], stack: ExitStack) -> list[Row]:
    source = {
        "default": "a",
        "databases": {name: {"nodes": [dsn]} for name, dsn in dsns.items()},
        "tables": {f"acc_{name}": name for name in dsns},
    }
    ours: Any = stack.enter_context(closing(routedb.connect(source)))
    raw: list[Any] = [
        stack.enter_context(closing(psycopg2.connect(dsn))) for dsn in dsns.values()
    ]
    row = stack.enter_context(closing(psycopg2.connect(dsns["a"])))
    both = interleave(
        {
            "ours": _through(ours, "ab"),
            "by hand": _by_hand(raw, lambda xid: None),
            "with a row": _by_hand(raw, lambda xid: _decide(row, xid)),
        },
        ROUNDS,
        block=10,
    )
    one = interleave(
        {"ours": _through(ours, "a"), "raw": _plain(raw[0])}, ROUNDS, block=10
    )
    said = {name: f"{timing.median * 1e6:.0f} us" for name, timing in both.items()}
    return [
        Row("UPDATE of two; commit, of tpc", *_ratio(both, "by hand", 1.35), str(said)),
        Row(
            "UPDATE of two; commit, of tpc and a row", *_ratio(both, "with a row", 1.15)
        ),
        Row("UPDATE of one; commit, of raw", *_ratio(one, "raw", 1.10)),
    ]


def _ratio(timings: Any, theirs: str, bar: float) -> tuple[float, str, float]:
    return ratio(timings, "ours", theirs), "x", bar


def _through(connection: Any, names: str) -> Callable[[], None]:
    cursor, texts = connection.cursor(), [UPDATE.format(name) for name in names]

    def transaction() -> None:
        for text in texts:
            cursor.execute(text)
        connection.commit()

    return transaction


def _plain(connection: Any) -> Callable[[], None]:
    cursor, text = connection.cursor(), UPDATE.format("a")

    def transaction() -> None:
        cursor.execute(text)
        connection.commit()

    return transaction


def _by_hand(
    connections: list[Any], decide: Callable[[str], None]
) -> Callable[[], None]:
    cursors = [connection.cursor() for connection in connections]
    texts = [UPDATE.format(name) for name in "ab"]
    numbers = count()

    def transaction() -> None:
        xid = f"bench-{id(decide)}-{next(numbers)}"
        for number, connection in enumerate(connections):
            connection.tpc_begin(f"{xid}-{number}")
            cursors[number].execute(texts[number])
        for connection in connections:
            connection.tpc_prepare()
        decide(xid)
        for connection in connections:
            connection.tpc_commit()

    return transaction


def _decide(connection: Any, xid: str) -> None:
    connection.cursor().execute("INSERT INTO decided VALUES (%s)", (xid,))
    connection.commit()
