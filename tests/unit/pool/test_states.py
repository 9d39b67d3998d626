"""The table of a place's states: it begins, it ends, and a link is in one hand only."""

from __future__ import annotations

import pytest

from routedb.engine.pool.states import TABLE, SlotEvent, SlotState, advance

OPEN = set(SlotState) - {SlotState.GONE}


def test_every_state_but_the_last_can_be_left_and_reached():
    assert {state for state, _ in TABLE} == OPEN
    assert set(TABLE.values()) == set(SlotState)


def test_every_move_has_one_meaning():
    assert {move for _, move in TABLE} == set(SlotEvent)
    assert len(TABLE) == len(SlotEvent)


@pytest.mark.parametrize(
    "state", [s for s in SlotState if s in OPEN], ids=lambda state: state.value
)
def test_from_every_state_a_place_can_come_to_its_end(state):
    reached: set[SlotState] = set()
    found = {state}
    while found - reached:
        reached |= found
        found = {after for (before, _), after in TABLE.items() if before in reached}
    assert SlotState.GONE in reached


def test_only_an_idle_place_is_promised():
    assert [state for state, move in TABLE if move is SlotEvent.PROMISED] == [
        SlotState.IDLE
    ]
    with pytest.raises(KeyError):
        advance(SlotState.LENT, SlotEvent.PROMISED)
