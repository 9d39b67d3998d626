"""Command line: `python -m tests.suites --suite psycopg2`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.suites import report
from tests.suites.catalog import SUITES
from tests.suites.outcomes import Comparison, Run
from tests.suites.source import Unobtainable, cache
from tests.suites.suite import Asked, Suite, run
from tests.support.servers import (
    Cluster,
    MissingServer,
    Reaper,
    open_place,
    start_mariadb,
    start_postgresql,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KNOWN = Path(__file__).with_name("known.toml")
_START: dict[str, tuple[str, Callable[..., Cluster]]] = {
    "postgresql": ("postgres", start_postgresql),
    "mysql": ("mysql", start_mariadb),
}


class Servers:
    """The clusters that suites run on, started when the first one needs them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._reaper = Reaper()
        stack.callback(self._reaper.close)
        self._running: dict[str, Cluster] = {}

    def get(self, engine: str) -> Cluster:
        if engine not in self._running:
            user, start = _START[engine]
            cluster = start(open_place(user, self._reaper))
            self._stack.callback(cluster.close)
            self._running[engine] = cluster
        return self._running[engine]


def compare(
    suite: Suite, servers: Servers, drivers: list[str], asked: Asked
) -> Comparison:
    """Run a suite on each driver. Raises Unobtainable and MissingServer."""
    runs: dict[str, Run] = {}
    for driver in drivers:
        print(f"{suite.name}: {driver} …", file=sys.stderr, flush=True)
        runs[driver] = run(suite, servers.get(suite.engine), driver, asked)
    return Comparison(
        suite.name,
        runs.get("plain"),
        runs.get("routedb"),
        known(suite.name, asked),
    )


def known(name: str, asked: Asked) -> dict[str, str]:
    """Return the tests of a suite that are known to fail, with the reasons."""
    with KNOWN.open("rb") as file:
        groups = tomllib.load(file).get(name, [])
    return {
        test: group["reason"]
        for group in groups
        if group.get("dealt", "") == asked.dealt
        and group.get("nodes", asked.nodes) == asked.nodes
        and group.get("serving", asked.is_serving) == asked.is_serving
        for test in group["tests"]
    }


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; return 1 when a test failed that should not have."""
    asked = _parser().parse_args(argv)
    drivers = [asked.driver] if asked.driver else ["plain", "routedb"]
    nodes = 3 if asked.serving else asked.nodes
    part = Asked(nodes, asked.serving, asked.quick, asked.select, asked.dealt)
    comparisons: list[Comparison] = []
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        servers = Servers(stack)
        for name in asked.suite or sorted(SUITES):
            try:
                comparisons.append(compare(SUITES[name], servers, drivers, part))
            except (Unobtainable, MissingServer) as error:
                missing[name] = str(error)
    text = report.rst(comparisons, missing)
    print(text)
    folder = asked.output or cache()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.rst").write_text(text, encoding="utf-8")
    (folder / "report.json").write_text(
        report.json_text(comparisons, missing), encoding="utf-8"
    )
    has_failed = any(each.trouble or each.unknown for each in comparisons)
    return int(has_failed or bool(missing))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.suites",
        description="Run public test suites on the plain driver and on routedb.",
    )
    parser.add_argument(
        "--suite", action="append", choices=sorted(SUITES), help="all by default"
    )
    parser.add_argument(
        "--driver", choices=("plain", "routedb"), help="both by default"
    )
    parser.add_argument(
        "--nodes",
        type=int,
        choices=(1, 3),
        default=1,
        help="3: a writer and its replicas, reads on the writer",
    )
    parser.add_argument(
        "--serving",
        action="store_true",
        help="three nodes, whose replicas serve the plain reads; tells their share",
    )
    parser.add_argument(
        "--dealt",
        choices=("postgresql",),
        default="",
        help="deal the tables over two databases by rules; the engine of the second",
    )
    parser.add_argument("--quick", action="store_true", help="a part of each")
    parser.add_argument("--select", help="only tests that this -k expression fits")
    parser.add_argument(
        "--output", type=Path, help="folder for report.rst and report.json"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
