"""What time suites take on routedb, of plain: `python -m tests.suites.times`.

The two take turns, so that a busy machine hits both alike. Wall time is the run's from
its first process to its last; CPU is that of the suite's own processes, which others on
the machine change less. Both are the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import ExitStack

from tests.suites.__main__ import Servers
from tests.suites.catalog import SUITES
from tests.suites.outcomes import Run
from tests.suites.suite import Asked, Suite, run
from tests.support.servers import Cluster

DRIVERS = ("plain", "routedb")


def ratios(
    suite: Suite, cluster: Cluster, asked: Asked, rounds: int
) -> tuple[float, float, int]:
    """Return wall and CPU time of routedb as a part of plain's, and how many tests ran.
    Raises Unobtainable."""
    pairs: list[dict[str, Run]] = []
    for number in range(rounds):
        order = DRIVERS if number % 2 else DRIVERS[::-1]
        pairs.append({driver: run(suite, cluster, driver, asked) for driver in order})
        print(f"{suite.name}: {pairs[-1]['routedb'].seconds:.0f} s", file=sys.stderr)
    wall = [pair["routedb"].seconds / pair["plain"].seconds for pair in pairs]
    cpu = [pair["routedb"].cpu_s / pair["plain"].cpu_s for pair in pairs]
    count = min(each.executed for pair in pairs for each in pair.values())
    return statistics.median(wall), statistics.median(cpu), count


def main(argv: list[str] | None = None) -> None:
    """Print a line for each suite that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.suites.times")
    parser.add_argument("--suite", action="append", choices=sorted(SUITES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help="not only a part of each")
    parser.add_argument("--select", help="only tests that this -k expression fits")
    asked = parser.parse_args(argv)
    part = Asked(quick=not asked.whole, select=asked.select)
    with ExitStack() as stack:
        servers = Servers(stack)
        for name in asked.suite or sorted(SUITES):
            suite = SUITES[name]
            cluster = servers.get(suite.engine)
            wall, cpu, count = ratios(suite, cluster, part, asked.rounds)
            print(f"{name}: {wall:.2f} of plain's time, CPU {cpu:.2f}, {count} tests")


if __name__ == "__main__":
    main()
