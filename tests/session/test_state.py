"""The transaction states: the table is total, and its rules hold."""

from __future__ import annotations

import itertools

import pytest

from routedb.session.state import TABLE, Event, State, advance

PLACES = [state for state in State if state is not State.REST]


def test_every_event_has_an_answer_in_every_state():
    assert set(TABLE) == set(itertools.product(PLACES, Event))


@pytest.mark.parametrize(
    ("autocommit", "events", "state"),
    [
        (True, [], State.AUTOCOMMIT),
        (True, [Event.READ, Event.WRITE, Event.ERROR], State.AUTOCOMMIT),
        (True, [Event.BEGIN], State.OPEN),
        (True, [Event.BEGIN, Event.READ], State.READING),
        (True, [Event.BEGIN, Event.READ, Event.WRITE, Event.READ], State.WRITING),
        (True, [Event.BEGIN, Event.WRITE, Event.END], State.AUTOCOMMIT),
        (False, [Event.WRITE], State.WRITING),
        (False, [Event.WRITE, Event.END], State.OPEN),
        (False, [Event.WRITE, Event.ERROR], State.FAILED),
        (False, [Event.WRITE, Event.ERROR, Event.READ], State.FAILED),
        (False, [Event.WRITE, Event.ERROR, Event.ROLLBACK_TO], State.WRITING),
        (False, [Event.WRITE, Event.ERROR, Event.END], State.OPEN),
        (False, [Event.WRITE, Event.LINK_LOST], State.LOST),
        (False, [Event.WRITE, Event.REFUSED], State.OPEN),
        (True, [Event.BEGIN, Event.WRITE, Event.REFUSED], State.OPEN),
        (False, [Event.READ, Event.LINK_LOST, Event.WRITE], State.LOST),
        (False, [Event.READ, Event.LINK_LOST, Event.BEGIN], State.LOST),
        (False, [Event.READ, Event.LINK_LOST, Event.END], State.OPEN),
        (True, [Event.LINK_LOST], State.AUTOCOMMIT),
    ],
)
def test_events_lead_to_the_state(autocommit, events, state):
    now = State.AUTOCOMMIT if autocommit else State.OPEN
    for event in events:
        now = advance(now, event, autocommit)
    assert now is state


def test_a_lost_transaction_is_left_only_by_its_end():
    ways_out = {e for e in Event if TABLE[State.LOST, e] is not State.LOST}
    assert ways_out == {Event.END}


def test_what_may_have_written_never_counts_as_only_reading_again():
    assert State.READING not in {TABLE[State.WRITING, event] for event in Event}
