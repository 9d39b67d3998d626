"""routedb itself against one database that has all rows.

`python -m tests.support.merge_oracle COUNT [SEED [ENGINE]]` sends so many statements to
a connection of routedb's, over SQLite files, over databases of a server ("postgresql"
or "mysql"), over those of all three (one of `MIXED`), or of another engine than that of
the texts (one of `FOREIGN`); "all" are SQLite, both servers and "mixed", one after
another. It prints what was answered otherwise than by the one database, and what was
refused, of each construct; the exit code is 1 for a wrong answer, and where more than
`MOST_REFUSED` were refused. After ENGINE comes the number of rows above which there are
temporary tables. Ctrl-C ends it with a report of what has been compared.
"""

from __future__ import annotations

import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, NamedTuple

import routedb
from tests.support.merge_servers import (
    FOREIGN,
    MIXED,
    ServerWorld,
    answer,
    server_world,
)
from tests.support.servers import Reaper, open_place, start_mariadb, start_postgresql
from tests.support.split_statements import Made, Statements
from tests.support.split_world import Answer, SplitWorld, is_right
from tests.support.wide_statements import WideStatements

_STATEMENTS_A_WORLD = 50
_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)
MOST_REFUSED = 0.02
_BARS = ("sqlite", "postgresql", "mysql")
_STARTS: dict[str, tuple[Any, str]] = {
    "postgresql": (start_postgresql, "postgres"),
    "mysql": (start_mariadb, "mysql"),
}


class Wrong(NamedTuple):
    """A statement that was answered otherwise than by the one database."""

    made: Made
    got: Answer
    expected: Answer


class Report(NamedTuple):
    """What a campaign found."""

    statements: int
    errors: int  # of the one database too: nothing was compared but the error
    shown: int  # answers with rows
    several: int  # answers over several groups
    refused: Counter[str]  # what the one database answers, by construct and reason
    wrong: list[Wrong]
    made: Counter[str]  # statements by construct
    failed: Counter[str]  # errors by construct

    @property
    def share(self) -> float:
        """How much of what the one database answers was refused."""
        answered = self.statements - self.errors
        return self.refused.total() / answered if answered else 0.0


class _Files:
    """A world in files, with a routed connection over them."""

    def __init__(self, world: SplitWorld, connection: Any) -> None:
        self.expected = world.expected
        self.connection = connection

    dialect, has_own_types = "sqlite", False

    def text(self, sql: str) -> str:
        return sql


def campaign(
    seed: int,
    count: int,
    servers: ServerWorld | None = None,
    goes_on: Callable[[], bool] = lambda: True,
    is_wide: bool = False,
) -> Report:
    """Compare `count` statements made by `seed`, on files or on `servers`, or fewer,
    where it does not `goes_on`. `is_wide`: of all constructs, some of which an engine
    is refused; else of those that are refused nowhere."""
    rng = random.Random(seed)
    refused: Counter[str] = Counter()
    made_of: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    wrong: list[Wrong] = []
    shown = several = 0
    for _ in range(0, count, _STATEMENTS_A_WORLD):
        if not goes_on():
            break
        with _world(rng, servers) as world:
            statements = Statements(rng)
            if is_wide:
                statements = WideStatements(rng, world.dialect, world.has_own_types)
            for _ in range(min(_STATEMENTS_A_WORLD, count)):
                made = statements.one()
                made = made._replace(sql=world.text(made.sql))
                expected = world.expected(made.sql, made.params)
                made_of[made.construct] += 1
                failed[made.construct] += bool(expected.error)
                shown += bool(expected.rows)
                cursor = world.connection.cursor()
                try:
                    got = answer(cursor, made.sql, made.params)
                except _REFUSALS as exc:
                    reason = str(exc).rpartition(" either: ")[2]
                    refused[f"{made.construct}: {reason}"] += not expected.error
                    continue
                is_merged = _is_merged(cursor)
                several += is_merged
                if servers is not None and servers.is_mixed and not is_merged:
                    continue  # its engine's answer, which speaks another dialect
                if not is_right(world, made, got, expected):
                    wrong.append(Wrong(made, got, expected))
    errors = failed.total()
    count = made_of.total()
    return Report(count, errors, shown, several, +refused, wrong, made_of, +failed)


def _is_merged(cursor: Any) -> bool:
    reasons = () if cursor.route is None else cursor.route.reasons
    return any(reason is routedb.Reason.SEVERAL_GROUPS for reason, _ in reasons)


@contextmanager
def _world(rng: random.Random, servers: ServerWorld | None) -> Iterator[Any]:
    if servers is not None:
        servers.fill(rng)
        yield servers
        return
    with TemporaryDirectory() as directory:
        world = SplitWorld(rng, directory=Path(directory))
        cluster = routedb.Cluster(world.configuration)
        with closing(world), closing(cluster):
            yield _Files(world, cluster.connect(autocommit=True))


def main(
    count: str = "1000", seed: str = "", engine: str = "sqlite", above: str = ""
) -> int:
    merge = {"tables_above": int(above)} if above else None
    chosen = int(seed) if seed else random.randrange(2**32)
    found, stop = 0, Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())  # report what there is
    for each in (*_BARS, "mixed") if engine == "all" else (engine,):
        report = _ran(chosen, int(count), each, merge, lambda: not stop.is_set())
        print(f"{each}: ", end="")
        found |= tell(report, chosen, report.shown)
        found |= _tell_constructs(report)
    return found


def _ran(
    seed: int,
    count: int,
    engine: str,
    merge: dict[str, Any] | None,
    goes_on: Callable[[], bool],
) -> Report:
    if engine == "sqlite":
        return campaign(seed, count, None, goes_on, is_wide=True)
    with closing(Reaper()) as reaper, ExitStack() as stack:
        if engine not in MIXED and engine not in FOREIGN:
            start, user = _STARTS[engine]
            servers: Any = stack.enter_context(closing(start(open_place(user, reaper))))
        else:
            servers = {"sqlite": stack.enter_context(TemporaryDirectory())}
            for name, (start, user) in _STARTS.items():
                started = start(open_place(user, reaper))
                servers[name] = stack.enter_context(closing(started))
        world = stack.enter_context(server_world(engine, servers, merge))
        return campaign(seed, count, world, goes_on, is_wide=True)


def _tell_constructs(report: Report) -> int:
    """Print a line for each construct; return 1 where too many were refused."""
    wrong = Counter(each.made.construct for each in report.wrong)
    refused: Counter[str] = Counter()
    for name, number in report.refused.items():
        refused[name.partition(": ")[0]] += number
    print("  construct                      made  errors  wrong  refused")
    for name, number in sorted(report.made.items()):
        print(
            f"  {name:28} {number:6} {report.failed[name]:7} {wrong[name]:6} "
            f"{refused[name]:8}"
        )
    print(f"  refused: {report.share:.2%} of what one database answers", flush=True)
    return int(report.share > MOST_REFUSED)


def tell(report: Any, seed: int, with_rows: int) -> int:
    """Print what a campaign has found, a `Report` of this or of the oracle of writes;
    return the exit code."""
    for wrong in report.wrong[:5]:
        print(*wrong, sep="\n", end="\n\n")
    print(
        f"seed {seed}: {report.statements} statements, {report.several} over several "
        f"groups, {len(report.wrong)} wrong, {sum(report.refused.values())} refused, "
        f"{report.errors} errors, {with_rows} with rows"
    )
    for name, number in report.refused.most_common():
        print(f"  {number:6} {name}")
    return bool(report.wrong)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
