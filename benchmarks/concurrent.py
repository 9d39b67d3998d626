"""What reads cost when several are under way in one process, against psycopg2 alone.

From four threads, and from 45 greenlets of gevent with psycogreen, each with a
connection of its own to one node, or to a writer with its replicas. Raw ones go to the
nodes that ours read from. All cores are used: where the scheduler puts a backend moves
single figures by a tenth, so they take turns in short blocks, in another order each
time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.at_once import SCHEMA, Rate, measure
from benchmarks.timing import Row
from tests.suites.source import ROOT, environment
from tests.support.servers import Reaper, open_place, start_postgresql

THREADS, GREENLETS = 4, 45  # raw and ours at once: a server takes 97
GEVENT = ("psycopg2-binary==2.9.*", "gevent>=24", "psycogreen>=1")
# Of raw's time for each; the 0.95 of its throughput.
BARS = {"threads": 1 / 0.95, "greenlets": 1.3}


def run() -> list[Row]:
    """Measure threads here and greenlets in a process; takes about two minutes."""
    reaper = Reaper()
    try:
        with closing(start_postgresql(open_place("postgres", reaper))) as servers:
            name = servers.create_database()
            for sql in SCHEMA:
                servers.writer.execute(sql, dbname=name)
            servers.wait_replayed()
            dsns = [node.dsn(name) for node in servers.nodes]
            threads = measure(dsns, THREADS, in_threads, autocommit=True)
            return rows("threads", THREADS, threads) + _gevent(dsns)
    finally:
        reaper.close()


def rows(kind: str, workers: int, rates: Mapping[str, Sequence[Rate]]) -> list[Row]:
    """Return what the `rates` of so many `workers` tell; those of a `kind` have a
    bar."""
    found = []
    for where in ("one node", "three nodes"):
        raw, ours = rates[f"raw, {where}"], rates[f"ours, {where}"]
        pairs = zip(raw, ours, strict=True)
        value = statistics.median(r[0] / o[0] for r, o in pairs)
        cpu = [statistics.median(rate[1] for rate in some) for some in (raw, ours)]
        note = f"{1 / value:.2f} of the rate; CPU {cpu[0]:.0f} -> {cpu[1]:.0f} us"
        name = f"{workers} {kind}, {where}, of raw"
        found.append(Row(name, value, "x", BARS.get(kind), note))
    return found


def in_threads(calls: list[Callable[[], None]]) -> None:
    """Run the `calls` at once, each in a thread."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _gevent(dsns: Sequence[str]) -> list[Row]:
    """Measure greenlets, in an environment that has gevent."""
    python = environment("gevent", GEVENT)
    answer = subprocess.run(
        [str(python), "-m", "benchmarks.greenlets", str(GREENLETS), *dsns],
        cwd=Path(ROOT),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(answer.stdout)
    return [
        *rows("greenlets", GREENLETS, told["reads"]),
        *rows("greenlets, SELECT; commit", GREENLETS, told["transactions"]),
    ]
