"""`using(progress=…)`: how far a statement over several groups has come."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from routedb.events import MergeProgress
from tests.frontends.merged_world import lite_world, postgresql_world

SCATTER = "SELECT id, owner, name FROM items"
JOIN = "SELECT i.id, l.src FROM items i JOIN leads l ON l.owner = i.owner"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def world(request, tmp_path):
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield lite_world(tmp_path, stack)
        else:
            yield postgresql_world(request.getfixturevalue("postgresql"), stack)


@pytest.mark.parametrize(("sql", "groups"), [(SCATTER, 2), (JOIN, 3)])
def test_groups_are_told_when_they_are_asked_and_when_they_have_answered(
    world, sql, groups
):
    told: list[MergeProgress] = []
    cursor = world.routed.cursor()
    with world.routed.using(progress=told.append):
        cursor.execute(sql)
    assert (told[0].answered, told[0].rows) == (0, 0)
    assert (told[-1].asked, told[-1].answered) == (groups, groups)
    assert [each.answered for each in told] == sorted(each.answered for each in told)
    assert told[-1].rows == sum(run.rows for run in cursor.route.fragments)
    assert told[-1].bytes > 0
    assert told[-1].seconds >= told[0].seconds >= 0


def test_statements_on_one_group_and_outside_the_block_tell_nothing(world):
    told: list[MergeProgress] = []
    cursor = world.routed.cursor()
    with world.routed.using(progress=told.append):
        cursor.execute("SELECT src FROM leads")
        cursor.execute("SELECT name FROM items WHERE owner = 1")
        with world.routed.using(role="writer"):
            cursor.execute(SCATTER)
        assert told
        told.clear()
    cursor.execute(SCATTER)
    assert told == []


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("sql", [SCATTER, JOIN])
def test_what_the_callback_raises_ends_the_statement_and_nothing_else(
    world, sql, after
):
    def stop(progress):
        if progress.answered >= after:
            raise LookupError("enough")

    cursor = world.routed.cursor()
    with (
        world.routed.using(progress=stop),
        pytest.raises(LookupError, match="enough"),
    ):
        cursor.execute(sql)
    world.routed.rollback()
    cursor.execute(SCATTER)
    assert len(cursor.fetchall()) == 12
