"""routedb itself against one database that has all rows.

`python -m tests.support.merge_oracle COUNT [SEED [ENGINE]]` sends so many statements to
a connection of routedb's, over SQLite files, over databases of a server ("postgresql"
or "mysql"), over those of all three (one of `MIXED`), or of another engine than that of
the texts (one of `FOREIGN`),
and prints what was answered otherwise than by the one database, and what was refused.
After ENGINE comes the number of rows above which there are temporary tables.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
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

_STATEMENTS_A_WORLD = 50
_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)
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
    refused: Counter[str]  # what the one database answers
    wrong: list[Wrong]


class _Files:
    """A world in files, with a routed connection over them."""

    def __init__(self, world: SplitWorld, connection: Any) -> None:
        self.expected = world.expected
        self.connection = connection

    def text(self, sql: str) -> str:
        return sql


def campaign(seed: int, count: int, servers: ServerWorld | None = None) -> Report:
    """Compare `count` statements made by `seed`, on files or on `servers`."""
    rng = random.Random(seed)
    refused: Counter[str] = Counter()
    wrong: list[Wrong] = []
    errors = shown = several = 0
    for _ in range(0, count, _STATEMENTS_A_WORLD):
        with _world(rng, servers) as world:
            statements = Statements(rng)
            for _ in range(min(_STATEMENTS_A_WORLD, count)):
                made = statements.one()
                made = made._replace(sql=world.text(made.sql))
                expected = world.expected(made.sql, made.params)
                errors += bool(expected.error)
                shown += bool(expected.rows)
                cursor = world.connection.cursor()
                try:
                    got = answer(cursor, made.sql, made.params)
                except _REFUSALS as exc:
                    reason = str(exc).rpartition(" either: ")[2]
                    refused[reason] += not expected.error
                    continue
                is_merged = _is_merged(cursor)
                several += is_merged
                if servers is not None and servers.is_mixed and not is_merged:
                    continue  # its engine's answer, which speaks another dialect
                if not is_right(world, made, got, expected):
                    wrong.append(Wrong(made, got, expected))
    return Report(count, errors, shown, several, +refused, wrong)


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
    if engine in MIXED or engine in FOREIGN:
        with closing(Reaper()) as reaper, ExitStack() as stack:
            servers: Any = {"sqlite": stack.enter_context(TemporaryDirectory())}
            for name, (start, user) in _STARTS.items():
                started = start(open_place(user, reaper))
                servers[name] = stack.enter_context(closing(started))
            with server_world(engine, servers, merge) as world:
                report = campaign(chosen, int(count), world)
    elif engine == "sqlite":
        report = campaign(chosen, int(count))
    else:
        start, user = _STARTS[engine]
        with (
            closing(Reaper()) as reaper,
            closing(start(open_place(user, reaper))) as servers,
            server_world(engine, servers, merge) as world,
        ):
            report = campaign(chosen, int(count), world)
    return tell(report, chosen, report.shown)


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
