"""The threads that run what is asked of several groups at once."""

from __future__ import annotations

import threading
from functools import partial
from itertools import count

from routedb.engine.shared.workers import Workers
from tests.support.inject import Injection, Interrupt


def test_a_signal_before_a_thread_starts_does_not_cost_its_place():
    """Each line of handing work over, more often than there may be threads."""
    for at in count(1):
        workers, fired = Workers(), 0
        for _ in range(20):
            injection = Injection(at, Interrupt)
            injection.run(partial(workers.submit, lambda: None))
            fired += injection.has_fired
        done = threading.Event()
        workers.submit(done.set)
        assert done.wait(60), f"after line {at} nobody runs what is asked"
        if not fired:
            break
    assert at > 5
