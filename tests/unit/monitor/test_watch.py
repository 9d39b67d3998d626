"""One probe of one node: what is published, and what becomes of the link."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from routedb.errors import Fault
from routedb.events import NodeAnswered, NodeFailed
from routedb.monitor.node_probe import AGAIN_S, GRACE_S, NodeProbe
from routedb.topology import GroupView, NodeView
from tests.support.configs import cluster
from tests.unit.monitor.scripted import WRITER, Refused, Reset, Stranger, farm_of

PATIENCE_S = 20.0


class Bench:
    """A watch over one scripted node, its clock, and what it published."""

    def __init__(self, says):
        self.farm = farm_of({"a": says})
        self.now = 0.0
        self.generation = 0
        self.heard: list[Any] = []
        self.given_up: list[tuple[float, float]] = []
        (node,) = cluster(["a"]).nodes
        self.node_probe = NodeProbe(
            node,
            self.farm,
            5.0,
            self.heard.append,
            lambda: GroupView(0, (NodeView(0, generation=self.generation),)),
            lambda: self.now,
            max_silence_s=PATIENCE_S,
            give_up=lambda node, since: self.given_up.append((self.now, since)),
        )


def test_an_answer_is_published_with_its_latency_and_the_link_is_kept():
    bench = Bench(WRITER)
    bench.generation = 4
    bench.node_probe.probe()
    bench.node_probe.probe()
    (first, _) = bench.heard
    assert first.answer.latency_s >= 0
    assert first == NodeAnswered(
        0, 4, WRITER._replace(latency_s=first.answer.latency_s)
    )
    assert bench.farm.fates("a") == ["open"]


def test_a_refusal_is_published():
    bench = Bench(WRITER)
    bench.farm.refuses["a"] = Refused("nobody listens")
    bench.node_probe.probe()
    expected = NodeFailed(0, 0, "Refused: nobody listens", Fault.REFUSED)
    assert bench.heard == [expected]


def test_a_failure_closes_the_link():
    bench = Bench(Reset("by peer"))
    bench.node_probe.probe()
    assert bench.heard == [NodeFailed(0, 0, "Reset: by peer", Fault.LINK_LOST)]
    assert bench.farm.fates("a") == ["closed"]


def test_no_password_in_a_reason():
    bench = Bench(WRITER)
    bench.farm.refuses["a"] = Refused(
        "postgresql://app:hunter2@db1/shop does not answer"
    )
    bench.node_probe.probe()
    (event,) = bench.heard
    assert "hunter2" not in event.reason
    assert "db1" in event.reason


@pytest.mark.parametrize("way", ["seen before asking", "seen by asking"])
def test_a_lost_link_of_the_monitor_is_not_a_failed_node(way):
    bench = Bench(WRITER)
    bench.node_probe.probe()
    if way == "seen before asking":
        bench.farm.links[0].fate = "cut"
    else:
        bench.farm.links[0].is_cut.set()
    bench.node_probe.probe()
    assert [type(event) for event in bench.heard] == [NodeAnswered, NodeAnswered]
    assert bench.farm.fates("a")[1:] == ["open"]


def test_a_hung_node_is_reported_once_and_its_thread_freed():
    bench = Bench(None)
    thread = threading.Thread(target=bench.node_probe.probe)
    thread.start()
    assert bench.farm.hung.acquire(timeout=10)
    bench.now = 4.9
    bench.node_probe.expire()
    assert bench.heard == []
    bench.now = 5.0
    bench.node_probe.expire()
    assert bench.heard == []
    bench.now += GRACE_S
    bench.node_probe.expire()
    bench.node_probe.expire()
    thread.join(10)
    assert bench.heard == [NodeFailed(0, 0, "no answer within 5 s", Fault.TIMEOUT)]
    assert bench.farm.fates("a") == ["closed"]


def test_a_link_that_opens_after_the_deadline_is_closed_and_not_asked():
    bench = Bench(WRITER)
    connect = bench.farm.connect

    def slow(node, timeout_s):
        expire(bench)
        return connect(node, timeout_s)

    bench.farm.connect = slow
    bench.node_probe.probe()
    assert [event.fault for event in bench.heard] == [Fault.TIMEOUT]
    assert bench.farm.fates("a") == ["closed"]
    assert not bench.farm.asked


def test_an_answer_that_lay_unread_while_this_process_was_stopped_counts():
    bench = Bench(WRITER)
    probe = bench.farm.probe

    def stopped(raw):
        bench.now += 60.0  # and the guard is the first to wake
        bench.node_probe.expire()
        bench.node_probe.check_silence()
        return probe(raw)

    bench.farm.probe = stopped
    bench.node_probe.probe()
    assert [type(event) for event in bench.heard] == [NodeAnswered]
    assert bench.given_up == []


def expire(bench):
    """Let the time of the probe under way be over."""
    bench.now += bench.node_probe.timeout_s
    bench.node_probe.expire()
    bench.now += GRACE_S
    bench.node_probe.expire()


def unanswered(bench):
    """Ask a node that hangs, until the time for its answer is over."""
    thread = threading.Thread(target=bench.node_probe.probe)
    thread.start()
    assert bench.farm.hung.acquire(timeout=10)
    expire(bench)
    thread.join(10)


def test_a_node_is_given_up_when_its_silence_has_lasted():
    bench = Bench(None)
    for _ in range(4):
        bench.node_probe.check_silence()
        unanswered(bench)
    assert bench.given_up == []
    assert bench.node_probe.due == PATIENCE_S
    bench.node_probe.check_silence()
    assert bench.given_up == [(bench.now, bench.now - PATIENCE_S)]
    bench.node_probe.check_silence()
    assert len(bench.given_up) == 1
    bench.now += AGAIN_S  # links that were opened in between may have come of age
    bench.node_probe.check_silence()
    assert len(bench.given_up) == 2


SIGNS = {
    "an answer": WRITER,
    "a refusal of this user": Stranger("who are you"),
    "a refusal at once": Refused("nobody listens"),
    "a reset at once": Reset("by peer"),
}


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_of_life_ends_the_silence(sign):
    bench = Bench(None)
    for _ in range(3):
        unanswered(bench)
    bench.farm.says["a"] = SIGNS[sign]
    bench.node_probe.probe()
    bench.farm.says["a"] = None
    unanswered(bench)
    bench.node_probe.check_silence()
    assert bench.given_up == []


def test_a_failure_that_took_its_time_is_no_sign_of_life():
    """A driver's own timeout, or a host of which nobody answers."""
    bench = Bench(None)
    for _ in range(4):
        unanswered(bench)

    def slow(node, timeout_s):
        bench.now += timeout_s * 0.8
        raise Refused("no route to host")

    bench.farm.connect = slow
    bench.node_probe.probe()
    bench.node_probe.check_silence()
    assert len(bench.given_up) == 1


def test_what_was_not_asked_during_a_rest_is_no_silence():
    bench = Bench(None)
    unanswered(bench)
    bench.node_probe.release()
    bench.now += 1000.0
    unanswered(bench)
    bench.node_probe.check_silence()
    assert bench.given_up == []


def test_an_interrupted_probe_says_nothing():
    bench = Bench(None)
    thread = threading.Thread(target=bench.node_probe.probe)
    thread.start()
    assert bench.farm.hung.acquire(timeout=10)
    bench.node_probe.interrupt()
    thread.join(10)
    assert bench.heard == []
