"""What comes out of a signal handler while events are told silences nobody."""

from __future__ import annotations

import subprocess
import sys
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


def test_an_import_that_was_interrupted_adds_no_second_log():
    """At each line of the module that connects; then it is imported as a whole."""
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT],
        capture_output=True,
        text=True,
        check=True,
    )
    interruptions, logs = map(int, ran.stdout.split())
    assert interruptions > 50
    assert logs == 1


INTERRUPTED_IMPORT = """
import sys
from tests.support.inject import Injection, Interrupt
from routedb import logs, observers

class OfRuntime(Injection):
    @staticmethod
    def _is_ours(frame):
        return frame.f_code.co_filename.endswith("runtime.py")

at, has_fired = 0, True
while has_fired:
    at += 1
    injection = OfRuntime(at, Interrupt)
    injection.run(lambda: __import__("routedb.runtime"))
    has_fired = injection.has_fired
subscriptions = observers.OBSERVERS._subscriptions
print(at, sum(each.callback is logs.write for each in subscriptions))
"""


def event(name: str) -> ObserverFailed:
    return ObserverFailed(name, "")
