"""The threads that run what is asked of several groups at once."""

from __future__ import annotations

import gc
import threading
from functools import partial
from itertools import count
from weakref import ref

from routedb.engine.shared import workers as workers_module
from routedb.engine.shared.workers import Workers
from tests.support.inject import Injection, Interrupt
from tests.support.servers.server import wait_until


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


def test_a_thread_that_waits_keeps_nothing_of_what_it_has_run(monkeypatch):
    monkeypatch.setattr(workers_module, "_PATIENCE_S", 60)  # it does not end meanwhile
    workers, ended = Workers(), threading.Event()
    job = partial(ended.set)
    known = ref(job)
    workers.submit(job)
    del job
    assert ended.wait(60)
    wait_until(lambda: known() is None, "it is let go of", 10)


def test_what_calls_have_raised_is_kept_by_no_frame():
    """Nothing refers to it then: what it refers to is freed at once."""

    def fails() -> None:
        raise Interrupt("now")

    gc.disable()  # it could free them as well
    try:
        raised = Workers().call_all([fails] * 3)
        known = [ref(exc) for exc in raised if exc is not None]
        assert len(known) == 3
        del raised
        wait_until(lambda: not any(exc() for exc in known), "all are freed", 10)
    finally:
        gc.enable()
