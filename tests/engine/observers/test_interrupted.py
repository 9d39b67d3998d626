"""What comes out of a signal handler while events are told silences nobody."""

from __future__ import annotations

from typing import Any

import pytest

from routedb.events import Observed, ObserverFailed
from routedb.observers import Observers
from tests.support.inject import KINDS, Injection


@pytest.mark.parametrize("kind", KINDS)
def test_later_events_are_told_wherever_it_came(kind):
    at, told = 0, 0
    while True:
        at += 1
        observers, events = Observers(), list[Observed]()
        observers.subscribe(events.append)
        injection = Injection(at, kind)
        injection.run(lambda: observers.emit(event("first")))  # noqa: B023
        if not injection.has_fired:
            break
        observers.emit(event("second"))
        assert events[-1] == event("second"), injection.place
        told += event("first") in events
    assert at > 10
    assert told  # some were told before it came


def test_what_a_callback_causes_comes_next_and_not_within():
    observers, order = Observers(), list[Any]()

    def causes(each):
        if each == event("first"):
            observers.emit(event("second"))
        order.append(each)

    observers.subscribe(causes)
    observers.subscribe(order.append)
    observers.emit(event("first"))
    assert order == [event("first")] * 2 + [event("second")] * 2


def event(name: str) -> ObserverFailed:
    return ObserverFailed(name, "")
