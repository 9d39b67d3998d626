"""What `commit_check` costs a transaction that writes one row: one short round trip."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import Any

import routedb
from benchmarks.server import one_server
from benchmarks.timing import Row, interleave, ratio

UPDATE = "UPDATE item SET number = number + 1 WHERE id = 1"


def run() -> list[Row]:
    """Measure with and without, on one PostgreSQL server."""
    with one_server(
        "CREATE TABLE item (id int PRIMARY KEY, number int)",
        "INSERT INTO item VALUES (1, 0)",
    ) as dsn:
        return measure(dsn)


def measure(dsn: str) -> list[Row]:
    """Measure a transaction of one UPDATE. Whether its commit waits for the disk is
    what the share depends on, so both are told."""
    rows = []
    for waits in ("on", "off"):
        options = f"-c synchronous_commit={waits}"
        plain = routedb.connect(dsn, options=options)
        checked = routedb.connect(dsn, options=options, commit_check=True)
        with closing(plain), closing(checked):
            calls = {"plain": partial(write, plain), "checked": partial(write, checked)}
            timings = interleave(calls, 40)
        added_us = (timings["checked"].median - timings["plain"].median) * 1e6
        note = f"{timings['plain'].median * 1e6:.0f} us without; {added_us:+.0f} us"
        name = f"commit_check, synchronous_commit = {waits}"
        rows.append(Row(name, ratio(timings, "checked", "plain"), "x", None, note))
    return rows


def write(connection: Any) -> None:
    """Write one row and commit."""
    connection.cursor().execute(UPDATE)
    connection.commit()
