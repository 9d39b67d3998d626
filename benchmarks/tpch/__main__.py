"""TPC-H over several databases: `python -m benchmarks.tpch`.

    … --scale 0.1        how much data; 0.01 is enough to see what is right
    … --mixed            tables dealt over PostgreSQL and MariaDB, instead of shards
    … --foreign          postgres_fdw beside it (it needs a superuser)
    … --rounds 5         how often each is timed, in turn
    … -v                 also what differs, and how each query is answered

Rows, their order, types and names are compared with those of one PostgreSQL. The data
are made by `tpchgen-cli` (`pip install ".[bench]"`). The exit status is 1 when a
bar is not met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import routedb
from benchmarks.corpora.obtain import MissingCorpus
from benchmarks.tpch.data import MissingGenerator, generate
from benchmarks.tpch.queries import queries
from benchmarks.tpch.worlds import World, world


class _Bars(NamedTuple):
    mean: float
    worst: float
    or_ms: float


_SHARDED, _MIXED = _Bars(0.9, 2.0, 40), _Bars(1.6, 5.0, 100)


class Outcome(NamedTuple):
    """What became of a query: "" where the answers are alike; how long each took."""

    fault: str
    ours_s: float
    one_s: float
    beside: tuple[float, ...] = ()

    @property
    def ratio(self) -> float:
        """How many times as long routedb takes."""
        return self.ours_s / self.one_s


def main(arguments: Sequence[str]) -> int:
    """Compare and time the queries; return the exit status."""
    asked = _arguments(arguments)
    try:
        texts = queries()
        with TemporaryDirectory() as folder:
            generate(asked.scale, Path(folder))
            with world(Path(folder), asked.is_mixed, asked.has_foreign) as made:
                found = {
                    number: _judge(made, number, sql, asked)
                    for number, sql in texts.items()
                    if not asked.queries or number in asked.queries
                }
    except (MissingCorpus, MissingGenerator) as problem:
        print(f"NOT RUN  {problem}")
        return 3
    return _sum_up(found, _MIXED if asked.is_mixed else _SHARDED)


def _judge(made: World, number: int, sql: str, asked: Any) -> Outcome:
    expected = _ask(made.one, sql)
    try:
        ours = _ask(made.routed, sql)
    except routedb.Error as exc:
        outcome = Outcome(f"{type(exc).__name__}: {str(exc)[:400]}", 0.0, 1.0)
    else:
        fault = _difference(ours, expected)
        if asked.verbose and fault:
            print(f"ours  {ours[1][:3]}\nother {expected[1][:3]}")
        outcome = _timed(made, sql, asked.rounds, fault)
    beside = " ".join(f"{each * 1e3:.0f} ms" for each in outcome.beside)
    print(
        f"{number:2} {outcome.fault or 'right'}  {outcome.ratio:.2f} of one "
        f"({outcome.one_s * 1e3:.0f} -> {outcome.ours_s * 1e3:.0f} ms) {beside}",
        flush=True,
    )
    if asked.verbose:
        print(made.routed.explain(sql))
    return outcome


def _timed(made: World, sql: str, rounds: int, fault: str) -> Outcome:
    connections = [made.routed, made.one, *made.beside.values()]
    times: list[list[float]] = [[] for _ in connections]
    for turn in range(rounds):
        for offset in range(len(connections)):
            number = (turn + offset) % len(connections)
            begin = time.perf_counter()
            _ask(connections[number], sql)
            times[number].append(time.perf_counter() - begin)
    ours, one, *beside = map(statistics.median, times)
    return Outcome(fault, ours, one, tuple(beside))


def _ask(connection: Any, sql: str) -> tuple[Any, list[Any], str]:
    """Return the columns, the rows, and the engine that has answered, "" for
    several, or the driver's."""
    cursor = connection.cursor()
    cursor.execute(sql)
    link, route = getattr(cursor, "link", None), getattr(cursor, "route", None)
    reasons = () if route is None else route.reasons
    is_merged = any(reason is routedb.Reason.SEVERAL_GROUPS for reason, _ in reasons)
    engine = "" if link is None or is_merged else link.adapter.dialect
    columns = [tuple(column)[:6] for column in cursor.description]
    return columns, list(cursor.fetchall()), engine


def _difference(ours: Any, expected: Any) -> str:
    """Say what differs: columns (names, types, precision), rows, or their order."""
    # A statement whose tables are all in MariaDB is answered by that, in its types.
    is_foreign = bool(ours[0]) and ours[2] == "mysql"
    width = 1 if is_foreign else 6
    columns, wanted = ([c[:width] for c in each[0]] for each in (ours, expected))
    if columns != wanted:
        return f"WRONG columns {columns}, not {wanted}"
    mine, its = (
        [[("" if is_foreign else type(v), str(v)) for v in row] for row in rows]
        for rows in (ours[1], expected[1])
    )
    if mine == its:
        return ""
    return (
        "WRONG order"
        if sorted(map(str, mine)) == sorted(map(str, its))
        else ("WRONG rows")
    )


def _sum_up(found: dict[int, Outcome], bars: _Bars) -> int:
    right = [each for each in found.values() if not each.fault]
    print(f"{len(right)} of {len(found)} right")
    if not right:
        return 1
    mean = statistics.geometric_mean(each.ratio for each in right)
    worst = max(right, key=lambda each: each.ratio)
    print(f"geometric mean {mean:.2f} of one PostgreSQL, worst {worst.ratio:.2f}")
    if right[0].beside:
        for place in range(len(right[0].beside)):
            other = statistics.geometric_mean(
                each.beside[place] / each.one_s for each in right
            )
            print(f"beside it {other:.2f}")
    too_slow = [
        number
        for number, each in found.items()
        if each.ratio > bars.worst and (each.ours_s - each.one_s) * 1e3 > bars.or_ms
    ]
    missed = {
        "right": len(right) < len(found),
        f"mean {bars.mean}": mean > bars.mean,
        f"worst {bars.worst}, or {bars.or_ms} ms: {too_slow}": bool(too_slow),
    }
    for name, is_missed in missed.items():
        if is_missed:
            print(f"NOT MET  {name}")
    return int(any(missed.values()))


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tpch")
    parser.add_argument("queries", nargs="*", type=int, metavar="NUMBER")
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--mixed", dest="is_mixed", action="store_true")
    parser.add_argument("--foreign", dest="has_foreign", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-v", dest="verbose", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
