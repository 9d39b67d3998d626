"""The documentation shows the table that the tests run by."""

from __future__ import annotations

from pathlib import Path

from tests.live.failover.matrix.drawing import drawn
from tests.live.failover.matrix.table import TABLE, Fault, Moment, Outcome

PAGE = Path(__file__).parents[4] / "docs" / "failover.rst"


def test_the_page_shows_the_table():
    assert drawn() in PAGE.read_text(encoding="utf-8")


def test_the_table_is_whole():
    assert set(TABLE) == set(Fault)
    assert all(set(row) == set(Moment) for row in TABLE.values())
    wanted = {each.outcome for row in TABLE.values() for each in row.values()}
    assert wanted.isdisjoint({Outcome.HUNG, Outcome.OTHER})
