"""The transaction states: the table is total, and its rules hold."""

from __future__ import annotations

import itertools

import pytest

from routedb.session.tx_state import AFTER, TABLE, TxEvent, TxState

PLACES = [state for state in TxState if state is not TxState.REST]


def test_every_event_has_an_answer_in_every_state():
    assert set(TABLE) == set(itertools.product(PLACES, TxEvent))


@pytest.mark.parametrize(
    ("autocommit", "events", "state"),
    [
        (True, [], TxState.AUTOCOMMIT),
        (True, [TxEvent.READ, TxEvent.WRITE, TxEvent.ERROR], TxState.AUTOCOMMIT),
        (True, [TxEvent.BEGIN], TxState.OPEN),
        (True, [TxEvent.BEGIN, TxEvent.READ], TxState.READING),
        (
            True,
            [TxEvent.BEGIN, TxEvent.READ, TxEvent.WRITE, TxEvent.READ],
            TxState.WRITING,
        ),
        (True, [TxEvent.BEGIN, TxEvent.WRITE, TxEvent.END], TxState.AUTOCOMMIT),
        (False, [TxEvent.WRITE], TxState.WRITING),
        (False, [TxEvent.WRITE, TxEvent.END], TxState.OPEN),
        (False, [TxEvent.WRITE, TxEvent.ERROR], TxState.FAILED),
        (False, [TxEvent.WRITE, TxEvent.ERROR, TxEvent.READ], TxState.FAILED),
        (False, [TxEvent.WRITE, TxEvent.ERROR, TxEvent.ROLLBACK_TO], TxState.WRITING),
        (False, [TxEvent.WRITE, TxEvent.ERROR, TxEvent.END], TxState.OPEN),
        (False, [TxEvent.WRITE, TxEvent.LINK_LOST], TxState.LOST),
        (False, [TxEvent.WRITE, TxEvent.REFUSED], TxState.OPEN),
        (True, [TxEvent.BEGIN, TxEvent.WRITE, TxEvent.REFUSED], TxState.OPEN),
        (False, [TxEvent.READ, TxEvent.LINK_LOST, TxEvent.WRITE], TxState.LOST),
        (False, [TxEvent.READ, TxEvent.LINK_LOST, TxEvent.BEGIN], TxState.LOST),
        (False, [TxEvent.READ, TxEvent.LINK_LOST, TxEvent.END], TxState.OPEN),
        (True, [TxEvent.LINK_LOST], TxState.AUTOCOMMIT),
    ],
)
def test_events_lead_to_the_state(autocommit, events, state):
    now = TxState.AUTOCOMMIT if autocommit else TxState.OPEN
    for event in events:
        now = AFTER[autocommit][now, event]
    assert now is state


def test_a_lost_transaction_is_left_only_by_its_end():
    ways_out = {e for e in TxEvent if TABLE[TxState.LOST, e] is not TxState.LOST}
    assert ways_out == {TxEvent.END}


def test_what_may_have_written_never_counts_as_only_reading_again():
    assert TxState.READING not in {TABLE[TxState.WRITING, event] for event in TxEvent}
