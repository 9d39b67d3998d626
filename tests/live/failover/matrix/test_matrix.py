"""Each fault at all moments at once, each moment a client of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.live.conftest import FIXTURES
from tests.live.failover.matrix.cell import FAILOVER_S, PATIENT_S, PLAYS, SEED, Cell
from tests.live.failover.matrix.faults import ON_THE_LINE, WITH_SERVERS
from tests.live.failover.matrix.table import TABLE, Expected, Fault, Moment
from tests.support.later import in_turn, later
from tests.support.servers import Database, Server

pytestmark = [pytest.mark.live, pytest.mark.chaos]


# Each fault on one of them in turn, in `make test-long` on the other as well: what the
# drivers report of a lost link is tried on both in test_lost_links.py.
SERVERS = sorted(FIXTURES)


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest) -> Database:
    """Tables whose rows could be there twice: nothing but routedb prevents it."""
    database: Database = request.getfixturevalue(FIXTURES[request.param])
    database.execute("CREATE TABLE t (cell int, n int)")
    database.execute("CREATE TABLE used (cell int)")
    database.execute("CREATE TABLE seed (id int PRIMARY KEY)")
    for key in SEED:
        database.execute("INSERT INTO seed VALUES (%s)", (key,))
    database.wait_replayed()
    return database


def at_once(cells: Sequence[Cell], do: Callable[[Cell], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(cells)) as pool:
        return list(pool.map(do, cells))


def is_writer(server: Server) -> bool:
    return server.is_running and server.is_writer


def differences(
    cells: Sequence[Cell], database: Database, wanted: dict[Moment, Expected]
) -> list[str]:
    """Return a line for each client that saw, or left, what it must not."""
    writer = next(node for node in database.cluster.nodes if is_writer(node))
    rows = dict.fromkeys((cell.key for cell in cells), 0)
    ask = "SELECT cell, count(*) FROM t GROUP BY cell"
    rows.update(writer.execute(ask, dbname=database.name))
    return [
        f"{cell.moment.value}: {cell.outcome.value}, {rows[cell.key]} rows, "
        f"not {wanted[cell.moment]} ({cell.elapsed:.1f} s, {cell.error!r})"
        for cell in cells
        if cell.outcome is not wanted[cell.moment].outcome
        or rows[cell.key] not in wanted[cell.moment].rows
    ]


@pytest.mark.parametrize(
    ("fault", "database"),
    in_turn(Fault, SERVERS),
    indirect=["database"],
    ids=lambda each: each.name.lower() if isinstance(each, Fault) else each,
)
def test_on_the_line(database, fault):
    made, wanted = ON_THE_LINE[fault], TABLE[fault]
    with ExitStack() as stack:
        failover_s = PATIENT_S if made.heal is None else FAILOVER_S
        cells = [
            Cell(database, key, moment, stack, failover_s)
            for key, moment in enumerate(Moment)
        ]
        at_once(cells, Cell.prepare)
        at_once(cells, lambda cell: made.strike(cell, database))
        at_once(cells, Cell.go_on)
        at_once(cells, Cell.await_end)
        assert differences(cells, database, wanted) == []
        if made.heal is not None:
            heal = made.heal
            at_once(cells, lambda cell: heal(cell, database))
        at_once(cells, Cell.await_writer)
        assert all(at_once(cells, Cell.go_on_as_before))
        assert differences(cells, database, wanted) == []


# The node that is struck, as far as the fault leaves a choice. What is not here is in
# `make test-long`, as every server must be mended afterwards.
SOON = [(Fault.STOP, "writer"), (Fault.PROMOTE, "writer")]
LATER = [
    (Fault.KILL, "writer"),
    (Fault.KILL, "replica1"),
    (Fault.STOP, "replica1"),
    (Fault.RESTART, "writer"),
    (Fault.RESTART, "replica1"),
]


@pytest.mark.engine_in_turn
@pytest.mark.parametrize(("fault", "name"), [*SOON, *later(LATER)])
def test_with_the_servers_themselves(database, fault, name):
    real, wanted = WITH_SERVERS[fault], TABLE[fault]
    server = next(each for each in database.cluster.nodes if each.name == name)
    moments = [moment for moment in Moment if PLAYS[moment].victim == name]
    with ExitStack() as stack:
        failover_s = PATIENT_S if real.heal is None else FAILOVER_S
        cells = [
            Cell(database, key, moment, stack, failover_s)
            for key, moment in enumerate(moments)
        ]
        at_once(cells, Cell.prepare)
        database.wait_replayed()
        real.strike(database, server)
        at_once(cells, lambda cell: cell.leave(is_silent=real.is_silent))
        at_once(cells, Cell.go_on)
        at_once(cells, Cell.await_end)
        if real.heal is not None:
            real.heal(server)
        at_once(cells, Cell.await_writer)
        assert differences(cells, database, wanted) == []
        assert all(at_once(cells, Cell.go_on_as_before))
        assert differences(cells, database, wanted) == []
