"""An exception at lines of routedb, on every engine, counted.

`python -m tests.support.injections` does each act of the tests with connections, pools,
shards and transactions over several databases: on the fake adapter, PostgreSQL, MariaDB
and SQLite. It raises KeyboardInterrupt and Exception at one line of each in turn,
checks what is left, and goes on with other lines until so many were raised as are asked
for. The table that it prints has the points and the violations; one violation is exit
status 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

from tests.support import (
    fake_acts,
    line_acts,
    merged_line_acts,
    pool_acts,
    two_phase_acts,
)
from tests.support.fake_pair import pair
from tests.support.inject import KINDS
from tests.support.servers import (
    Cluster,
    Database,
    Reaper,
    open_place,
    start_mariadb,
    start_postgresql,
)

Interrupt = Callable[[str, int, type[BaseException]], bool]
STRIDE = 97  # one pass takes each such line; a prime, so that passes take turns
SERVERS: list[tuple[str, str, Callable[..., Cluster]]] = [
    ("postgresql", "postgres", start_postgresql),
    ("mariadb", "mysql", start_mariadb),
]
NAMES = {kind: kind.__mro__[1].__name__ for kind in KINDS}


class Field(NamedTuple):
    """Where acts are done: `opened` gives what interrupts one by its name. Where it
    `stays`, that is used for all passes."""

    engine: str
    acts: Iterable[str]
    opened: Callable[[], AbstractContextManager[Interrupt]]
    stays: bool = True


class Row(NamedTuple):
    """What is counted."""

    engine: str
    act: str
    kind: type[BaseException]


class Count:
    """How many points were tried, and which were violations."""

    def __init__(self) -> None:
        self.points = Counter[Row]()
        self.violations = Counter[Row]()

    def try_lines(self, field: Field, interrupt: Interrupt, turn: int) -> None:
        """Interrupt each act of a field at the lines of one pass."""
        kind = KINDS[turn % 2]
        for name in field.acts:
            row = Row(field.engine, name, kind)
            at = 1 + turn // 2 * 36 % STRIDE
            while self._is_within(row, interrupt, name, at):
                at += STRIDE

    def _is_within(self, row: Row, interrupt: Interrupt, name: str, at: int) -> bool:
        try:
            is_within = interrupt(name, at, row.kind)
        except BaseException as exc:
            if isinstance(exc, KeyboardInterrupt) and type(exc) not in KINDS:
                raise  # the user's own
            self.violations[row] += 1
            traceback.print_exc()
            is_within = True
        self.points[row] += is_within
        return is_within

    def print(self) -> None:
        """Print the table: a line for each act on each engine."""
        heads = [f"{NAMES[kind]:>17} {'violations':>10}" for kind in KINDS]
        print(f"{'engine':<26} {'act':<28} {' '.join(heads)}")
        for engine, act in dict.fromkeys((row.engine, row.act) for row in self.points):
            rows = [Row(engine, act, kind) for kind in KINDS]
            cells = [f"{self.points[r]:>17} {self.violations[r]:>10}" for r in rows]
            print(f"{engine:<26} {act:<28} {' '.join(cells)}")
        print(
            f"{self.points.total()} injections, {self.violations.total()} violations",
            flush=True,
        )


def play(fields: list[Field], least: int, count: Count) -> None:
    """Go over the fields until at least so many were counted, or all lines were."""
    with ExitStack() as stack:
        kept = [
            stack.enter_context(field.opened()) if field.stays else None
            for field in fields
        ]
        for turn in range(2 * STRIDE):
            started = time.monotonic()
            for field, stays in zip(fields, kept, strict=True):
                with nullcontext(stays) if stays else field.opened() as interrupt:
                    count.try_lines(field, interrupt, turn)
            took_s = time.monotonic() - started
            print(
                f"pass {turn + 1}: {count.points.total()} injections, "
                f"{count.violations.total()} violations, {took_s:.0f} s",
                flush=True,
            )
            if count.points.total() >= least and turn % 2:
                return


@contextmanager
def fake_servers() -> Iterator[Interrupt]:
    """A writer and two replicas."""

    def interrupt(name: str, at: int, kind: type[BaseException]) -> bool:
        aftermath = fake_acts.AFTERMATHS[at // 2 % 4]
        return fake_acts.interrupt(books, fake_acts.ACTS[name], at, kind, aftermath)

    with fake_acts.kept_books() as books:
        yield interrupt


@contextmanager
def fake_databases(act: two_phase_acts.Act) -> Iterator[Interrupt]:
    """Several databases, whose transactions are committed in two phases."""
    with pair(*act.names) as world:
        yield lambda _, at, kind: two_phase_acts.interrupt(world, act, at, kind)


@contextmanager
def connections(made: AbstractContextManager[line_acts.Lines]) -> Iterator[Interrupt]:
    """Connections without a pool."""
    with made as lines:
        yield lines.interrupt


@contextmanager
def shards(
    made: AbstractContextManager[merged_line_acts.Shards],
) -> Iterator[Interrupt]:
    """Reads over all shards of a table."""
    with made as shards:
        yield shards.interrupt


@contextmanager
def pool(made: AbstractContextManager[pool_acts.Pooled]) -> Iterator[Interrupt]:
    """Connections that have their links from a pool."""
    with made as pooled:
        yield partial(pool_acts.interrupt, pooled)


def on_fakes() -> Iterator[Field]:
    """The fake adapter; each pass has new servers."""
    yield Field("fake", fake_acts.ACTS, fake_servers, stays=False)
    for name, act in two_phase_acts.ACTS.items():
        opened = partial(fake_databases, act)
        yield Field("fake, two-phase", [name], opened, stays=False)
    yield Field(
        "fake, pool", pool_acts.ACTS, lambda: pool(pool_acts.on_fake()), stays=False
    )


def on_sqlite(folder: str) -> Iterator[Field]:
    path = f"{folder}/lines.db"
    yield Field(
        "sqlite", line_acts.ACTS, lambda: connections(line_acts.on_sqlite(path))
    )
    yield Field(
        "sqlite, shards",
        merged_line_acts.ACTS,
        lambda: shards(merged_line_acts.on_sqlite(folder)),
    )
    yield Field(
        "sqlite, pool", pool_acts.ACTS, lambda: pool(pool_acts.on_sqlite(folder))
    )


def on_servers(engine: str, stack: ExitStack, cluster: Cluster) -> Iterator[Field]:
    """Each field has a database of its own."""

    def database() -> Database:
        return stack.enter_context(cluster.database())

    yield Field(
        engine,
        line_acts.ACTS,
        lambda: connections(line_acts.on_servers(database())),
    )
    if engine == "postgresql":
        yield Field(
            f"{engine}, with-statement",
            line_acts.ACTS,
            lambda: connections(
                line_acts.on_servers(database(), begin="with-statement")
            ),
        )
    yield Field(
        f"{engine}, shards",
        merged_line_acts.ACTS,
        lambda: shards(merged_line_acts.on_servers(database())),
    )
    yield Field(
        f"{engine}, pool",
        pool_acts.ACTS,
        lambda: pool(pool_acts.on_servers(database())),
    )


def all_fields(stack: ExitStack) -> list[Field]:
    """Start the servers; `stack` stops them."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    fields = [*on_fakes(), *on_sqlite(folder)]
    reaper = Reaper()
    stack.callback(reaper.close)
    for engine, user, start in SERVERS:
        cluster = start(open_place(user, reaper))
        stack.callback(cluster.close)
        fields += on_servers(engine, stack, cluster)
    return fields


def main() -> int:
    parser = argparse.ArgumentParser(description="Raise exceptions at lines.")
    parser.add_argument("--least", type=int, default=20_000, help="go on to so many")
    least = parser.parse_args().least
    # What is raised inside a finalizer is dropped by the interpreter.
    sys.unraisablehook = lambda _: None
    count = Count()
    with ExitStack() as stack:
        play(all_fields(stack), least, count)
    count.print()
    return count.violations.total() > 0 or count.points.total() < least


if __name__ == "__main__":
    sys.exit(main())
