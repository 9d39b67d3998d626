"""TRUNCATE and its like, cut into texts for each place of their tables."""

from __future__ import annotations

import pytest

from routedb.planner import by_place
from routedb.sql import Table

CUT = [
    (
        'TRUNCATE "near", far RESTART IDENTITY CASCADE;',
        ['TRUNCATE "near" RESTART IDENTITY CASCADE;']
        + ["TRUNCATE far RESTART IDENTITY CASCADE;"],
    ),
    (
        'truncate table only Near, s."f""ar" *, n2',
        ["truncate table only Near, n2", 'truncate table s."f""ar" *'],
    ),
    (
        "DROP TABLE IF EXISTS near /* , x */, far",
        ["DROP TABLE IF EXISTS near", "DROP TABLE IF EXISTS far"],
    ),
    (
        "LOCK TABLE near, far IN SHARE ROW EXCLUSIVE MODE NOWAIT",
        ["LOCK TABLE near IN SHARE ROW EXCLUSIVE MODE NOWAIT"]
        + ["LOCK TABLE far IN SHARE ROW EXCLUSIVE MODE NOWAIT"],
    ),
]
NOT_UNDERSTOOD = [
    "TRUNCATE near; TRUNCATE far",
    "TRUNCATE",
    "TRUNCATE near, far whatever",
    "DROP TABLE a.b.c, far",
    "DROP TABLE near,",
    "DROP INDEX near, far",
    "TRUNCATE near, 'far'",
]


def _place(table: Table) -> str:
    return table.name[0]


@pytest.mark.parametrize(("source", "texts"), CUT)
def test_each_place_gets_the_text_for_its_tables(source, texts):
    found = by_place(source, _place)
    assert found is not None
    assert [" ".join(text.split()) for text in found.values()] == texts


@pytest.mark.parametrize("source", NOT_UNDERSTOOD)
def test_what_is_not_understood_stays_as_it_is(source):
    assert by_place(source, _place) is None
