"""The monitor as a runtime uses it, with real threads over scripted nodes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

from routedb.events import NodeAnswered, NodeFailed
from routedb.monitor import workers
from routedb.topology import NodeState
from tests.support.board import watching
from tests.support.configs import cluster
from tests.unit.monitor.scripted import REPLICA, WRITER, Refused, farm_of


@contextmanager
def watched(says, **options):
    """A started monitor over these nodes, as (monitor, board, farm)."""
    farm = farm_of(says)
    with watching(cluster(list(says), **options), lambda _: farm) as (monitor, board):
        yield monitor, board, farm


@pytest.fixture
def threads():
    """Tell the names of the monitor's threads that this test has started."""
    before = set(threading.enumerate())

    def names():
        new = [t.name for t in threading.enumerate() if t not in before]
        return sorted(name for name in new if name.startswith("routedb-monitor"))

    return names


def test_the_writer_of_a_shuffled_list_is_found():
    with watched({"a": REPLICA, "b": REPLICA, "c": WRITER}) as (_, board, _):
        board.wait_for(lambda: board.group.writer == 2)
        board.wait_for(lambda: set(board.group.read_ring) == {0, 1})


def test_a_dead_replica_is_seen_and_trusted_again_after_two_answers():
    with watched({"a": WRITER, "b": REPLICA}) as (monitor, board, farm):
        board.wait_for(lambda: board.group.read_ring == (1,))
        farm.refuses["b"] = Refused("gone")
        farm.says["b"] = Refused("gone")
        monitor.wake()
        board.wait_for(lambda: board.state(1) is NodeState.DOWN)
        board.heard.clear()
        farm.says["b"] = REPLICA
        del farm.refuses["b"]
        board.wait_for(lambda: board.state(1) is NodeState.UP)
        answers = [e for e in board.heard if e.node == 1 and type(e) is NodeAnswered]
        assert len(answers) == 2


def test_a_hung_node_is_reported_in_time_while_others_stay_fresh():
    says = {"a": WRITER, "b": None}
    with watched(says, connect_timeout_s=0.3) as (monitor, board, farm):
        assert farm.hung.acquire(timeout=10)
        monitor.wake()
        board.wait_for(lambda: board.state(1) is NodeState.DOWN)
        order = [(event.node, type(event)) for event in board.heard]
        fresh = order[: order.index((1, NodeFailed))]
        assert fresh.count((0, NodeAnswered)) >= 2


def test_start_is_idempotent_and_stop_leaves_nothing(threads):
    with watched({"a": WRITER, "b": REPLICA}) as (monitor, board, farm):
        monitor.start()
        board.wait_for(lambda: board.group.read_ring == (1,))
        expected = ["routedb-monitor-a", "routedb-monitor-b", "routedb-monitor-guard"]
        assert threads() == expected
        monitor.stop()
        assert threads() == []
        assert {raw.fate for raw in farm.links} == {"closed"}
        board.heard.clear()
        monitor.start()
        board.wait_for(lambda: board.heard)


def test_stop_is_not_held_up_by_a_hung_node(threads):
    with watched({"a": WRITER, "b": None}) as (monitor, _, farm):
        assert farm.hung.acquire(timeout=10)
        monitor.stop()
        assert threads() == []


def test_nothing_runs_before_start_or_for_single_nodes(threads):
    with watched({"a": WRITER}) as (_, board, farm):
        assert threads() == []
        assert farm.links == []


def test_a_pause_ends_probing_and_closes_links_until_the_next_start(monkeypatch):
    monkeypatch.setattr(workers, "PAUSE_AFTER_S", 0.0)
    with watched({"a": WRITER, "b": REPLICA}) as (monitor, board, farm):
        board.wait_for(lambda: board.group.read_ring == (1,))
        closed = threading.Event()
        close = farm.close

        def note(raw):
            close(raw)
            if {raw.fate for raw in farm.links} == {"closed"}:
                closed.set()

        farm.close = note
        monitor.pause()
        assert closed.wait(10)
        asked = dict(farm.asked)
        monitor.wake()
        board.heard.clear()
        assert farm.asked == asked
        monitor.start()
        board.wait_for(lambda: {event.node for event in board.heard} == {0, 1})


def test_many_wakes_do_not_make_many_probes():
    with watched({"a": WRITER, "b": REPLICA}) as (monitor, board, farm):
        board.wait_for(lambda: board.group.read_ring == (1,))
        before = farm.asked["a"]
        for _ in range(500):
            monitor.wake()
        board.heard.clear()
        board.wait_for(lambda: board.heard)
        assert farm.asked["a"] - before < 50


fork_hooks: list[Callable[[], None]] = []  # run in the child, before any monitor's


def _run_fork_hooks():
    for hook in fork_hooks:
        hook()


os.register_at_fork(after_in_child=_run_fork_hooks)


@pytest.mark.parametrize("starts", ["in a fork hook that comes first", "later"])
def test_a_forked_child_abandons_the_links_and_may_start_its_own(starts, monkeypatch):
    with watched({"a": WRITER, "b": REPLICA}) as (monitor, board, farm):
        board.wait_for(lambda: board.group.read_ring == (1,))

        def begin():
            board.news = threading.Condition()
            board.heard = []
            monitor.start()

        if starts != "later":
            monkeypatch.setattr(f"{__name__}.fork_hooks", [begin])
        pid = os.fork()
        if pid == 0:
            verdict = 1
            try:
                if starts == "later":
                    begin()
                board.wait_for(lambda: {event.node for event in board.heard} == {0, 1})
                fates = [raw.fate for raw in farm.links]
                verdict = 0 if fates == ["abandoned"] * 2 + ["open"] * 2 else 2
            finally:
                os._exit(verdict)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert {raw.fate for raw in farm.links} == {"open"}


HUNG_AT_EXIT = """
from tests.unit.monitor.test_monitor import WRITER, watched
watch = watched({"a": WRITER, "b": None})
monitor, board, farm = watch.__enter__()
assert farm.hung.acquire(timeout=10)
print("exits")
"""


def test_a_program_may_exit_while_a_probe_hangs():
    done = subprocess.run(
        [sys.executable, "-c", HUNG_AT_EXIT],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("exits\n", "", 0)
