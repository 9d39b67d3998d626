"""Which share of the statements replicas have run: in the log, and on request."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import closing

import pytest

import routedb
from routedb.adapters import fake
from routedb.engine.plans.tally import replica_shares
from routedb.engine.shared import share_news
from routedb.engine.shared.share_news import EVERY_S, FIRST_S, ShareNews
from routedb.events import NodeAnswered, ReplicaShare
from routedb.logs import line
from routedb.topology.snapshot import Answer, Role
from tests.support.fake_rig import farm

READ, WRITE = "SELECT a FROM t", "INSERT INTO t VALUES (1)"


class Clock:
    """One time for all."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def told():
    """What observers were told of shares."""
    events: list[ReplicaShare] = []

    def keep(event):
        if isinstance(event, ReplicaShare):
            events.append(event)

    with routedb.observe(keep):
        yield events


@pytest.fixture
def rig():
    with farm(replicas=1) as rig:
        yield rig


def run(rig, reads=0, writes=0):
    with closing(rig.connect(autocommit=True)) as connection:
        cursor = connection.cursor()
        for text, times in ((READ, reads), (WRITE, writes)):
            for _ in range(times):
                cursor.execute(text)


def look(news, rig, after_s):
    """Some news of the writer comes after so many seconds."""
    Clock.now += after_s
    view = rig.core.topology.groups[0].nodes[0]
    news.publish(NodeAnswered(0, view.generation, view.answer))


@pytest.fixture
def news(rig, monkeypatch):
    monkeypatch.setattr(rig.core, "clock", Clock())
    return ShareNews(rig.core)


def test_the_first_is_told_after_a_minute_and_later_ones_of_what_came_since(
    rig, news, told
):
    run(rig, reads=3, writes=1)
    look(news, rig, FIRST_S - 1)
    assert told == []
    look(news, rig, 1)
    assert told == [ReplicaShare("main", 3, 1, FIRST_S)]
    look(news, rig, EVERY_S)
    run(rig, writes=2)
    look(news, rig, EVERY_S - 1)
    look(news, rig, 1)
    assert told[1:] == [ReplicaShare("main", 0, 2, EVERY_S)]


def test_replaced_rules_begin_a_new_count(rig, news, told):
    run(rig, reads=5)
    look(news, rig, FIRST_S)
    rig.core.replace_rules(())
    run(rig, reads=2)
    look(news, rig, EVERY_S)
    assert [event.on_replicas for event in told] == [5, 2]


def test_a_forked_child_counts_its_own(rig, news, told, monkeypatch):
    run(rig, reads=5)
    monkeypatch.setattr("os.getpid", lambda: -1)
    look(news, rig, FIRST_S)  # the child's first look: its minute begins
    assert told == []
    look(news, rig, FIRST_S)
    assert [event.seconds for event in told] == [FIRST_S]


def test_a_database_of_one_node_has_no_share(monkeypatch, told):
    with farm(replicas=0) as rig:
        monkeypatch.setattr(rig.core, "clock", Clock())
        news = ShareNews(rig.core)
        run(rig, writes=3)
        Clock.now += FIRST_S
        news.publish(NodeAnswered(0, 0, Answer(Role.WRITER)))
    assert told == []


LINES = [
    ((30, 10, 600.0), "75.0% of 40 statements in 600 s on replicas"),
    ((1, 0, 60.4), "100.0% of 1 statements in 60 s on replicas"),
    (
        (0, 7, 60.0),
        "0.0% of 7 statements in 60 s on replicas; routedb.report() has the reasons",
    ),
]


@pytest.mark.parametrize(("counts", "said"), LINES)
def test_the_log_has_a_line_for_it(counts, said):
    assert line(ReplicaShare("main", *counts)) == (logging.INFO, f"main: {said}")


SHARES = [
    ({}, {}),
    ({("main", Role.REPLICA): 3, ("main", Role.WRITER): 1}, {"main": 0.75}),
    ({("main", Role.WRITER): 2}, {"main": 0.0}),
    ({("main", Role.REPLICA): 0}, {"main": 0.0}),
    ({("a", Role.REPLICA): 1, ("b", Role.WRITER): 1}, {"a": 1.0, "b": 0.0}),
]


@pytest.mark.parametrize(("roles", "shares"), SHARES)
def test_a_share_is_that_of_the_database_s_statements(roles, shares):
    assert replica_shares(roles) == shares
    assert replica_shares(Counter(roles)) == shares


def test_status_has_the_shares_of_its_cluster_whatever_was_forgotten():
    server = fake.Server("alone")
    server.answer("SELECT", rows=[(1,)], columns=["a"])
    try:
        with routedb.Cluster("fake://alone", max_shapes=4) as cluster:
            assert cluster.status().replica_shares == {}
            with closing(cluster.connect(autocommit=True)) as connection:
                cursor = connection.cursor()
                for number in range(20):
                    cursor.execute(f"SELECT a FROM t{number}")
            status = cluster.status()
            assert status.replica_shares == {"main": 0.0}
            assert [node.name for node in status] == ["alone"]
            assert routedb.status() == status
            assert "main" in routedb.status().replica_shares
            roles = share_news.roles_of(cluster.runtime.core)
            assert sum(roles.values()) == 20
    finally:
        server.close()
