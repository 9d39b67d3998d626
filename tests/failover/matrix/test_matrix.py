"""Each fault at all moments at once, each moment a client of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.failover.conftest import FIXTURES
from tests.failover.matrix.cell import SEED, Cell
from tests.failover.matrix.faults import ON_THE_LINE
from tests.failover.matrix.table import TABLE, Expected, Fault, Moment, Outcome
from tests.servers import Database

pytestmark = [pytest.mark.live, pytest.mark.chaos]


@pytest.fixture(params=sorted(FIXTURES))
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


def differences(
    cells: Sequence[Cell], database: Database, wanted: dict[Moment, Expected]
) -> list[str]:
    """Return a line for each client that saw, or left, what it must not."""
    rows = dict.fromkeys((cell.key for cell in cells), 0)
    rows.update(database.execute("SELECT cell, count(*) FROM t GROUP BY cell"))
    return [
        f"{cell.moment.value}: {cell.outcome.value}, {rows[cell.key]} rows, "
        f"not {wanted[cell.moment]} ({cell.elapsed:.1f} s, {cell.error!r})"
        for cell in cells
        if cell.outcome is not wanted[cell.moment].outcome
        or rows[cell.key] not in wanted[cell.moment].rows
    ]


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_on_the_line(database, fault):
    made, wanted = ON_THE_LINE[fault], TABLE[fault]
    with ExitStack() as stack:
        cells = [
            Cell(database, key, moment, stack) for key, moment in enumerate(Moment)
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


def test_the_table_is_whole():
    assert set(TABLE) == set(Fault)
    assert all(set(row) == set(Moment) for row in TABLE.values())
    assert Outcome.HUNG not in {
        e.outcome for row in TABLE.values() for e in row.values()
    }
