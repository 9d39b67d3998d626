"""What Patroni answers becomes members, and members become news of the snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from routedb.events import NodeJoined, NodeLeft
from routedb.topology import Limits, initial, update
from routedb.topology.membership import (
    Member,
    UnexpectedAnswerError,
    membership_events,
    read_membership,
)
from tests.support.configs import cluster

LEADER = {
    "name": "p1",
    "role": "leader",
    "state": "running",
    "api_url": "http://10.0.0.1:8008/patroni",
    "host": "10.0.0.1",
    "port": 5432,
    "timeline": 1,
}
REPLICA = {**LEADER, "name": "p2", "role": "replica", "host": "10.0.0.2", "lag": 0}


def members(*entries: Any, **more):
    """What is made of an answer, as short as can be."""
    return read_membership({"members": list(entries), **more})


def one(**changed):
    """The only member of an answer, with these fields of the entry changed."""
    entry = {key: v for key, v in {**REPLICA, **changed}.items() if v is not ...}
    found = members(LEADER, entry).members[1:]
    return found[0] if found else None


def test_members_and_leader_are_read():
    told = members(LEADER, REPLICA)
    assert told.members == (
        Member("p1", "10.0.0.1", 5432, "leader", "running"),
        Member("p2", "10.0.0.2", 5432, "replica", "running"),
    )
    assert (told.leader, told.is_paused) == ("p1", False)


@pytest.mark.parametrize(
    ("changed", "member"),
    [
        ({"role": "sync_standby"}, Member("p2", "10.0.0.2", 5432, "sync_standby", "r")),
        ({"state": "streaming"}, Member("p2", "10.0.0.2", 5432, "replica", "s")),
        ({"state": "stopped"}, Member("p2", "10.0.0.2", 5432, "replica", "stopped")),
        ({"state": "start failed"}, Member("p2", "10.0.0.2", 5432, "replica", "start")),
        ({"state": ...}, Member("p2", "10.0.0.2", 5432, "replica", "")),
        ({"lag": "unknown"}, Member("p2", "10.0.0.2", 5432, "replica", "running")),
        ({"host": "::1"}, Member("p2", "::1", 5432, "replica", "running")),
        ({"port": ...}, Member("p2", "10.0.0.2", 5432, "replica", "running")),
        ({"port": "6000"}, Member("p2", "10.0.0.2", 6000, "replica", "running")),
    ],
)
def test_a_member_in_any_state_is_one(changed, member):
    found = one(**changed)
    assert found[:4] == member[:4]
    assert found.state.startswith(member.state)


@pytest.mark.parametrize(
    "changed",
    [
        {"host": ..., "state": "creating replica"},
        {"host": ""},
        {"host": None},
        {"name": ...},
        {"port": 0},
        {"port": 70000},
        {"port": True},
        {"port": "http"},
        {"port": 5432.5},
    ],
)
def test_a_member_without_an_address_is_left_out(changed):
    assert one(**changed) is None


@pytest.mark.parametrize(
    ("tags", "takes_reads"),
    [
        ({}, True),
        (..., True),
        (None, True),
        ("noloadbalance", True),
        ({"noloadbalance": True}, False),
        ({"noloadbalance": "true"}, False),
        ({"noloadbalance": "off"}, True),
        ({"noloadbalance": False, "nofailover": True, "nosync": True}, True),
        ({"nofailover": True, "noloadbalance": True, "clonefrom": True}, False),
    ],
)
def test_a_tag_keeps_reads_away(tags, takes_reads):
    assert one(tags=tags).takes_reads is takes_reads


@pytest.mark.parametrize(
    ("roles", "leader"),
    [
        (["leader", "replica"], "p0"),
        (["replica", "master"], "p1"),
        (["standby_leader", "replica"], "p0"),
        (["replica", "quorum_standby"], None),
        (["leader", "leader"], None),
    ],
)
def test_the_leader_is_known_when_one_leads(roles, leader):
    entries = [{**LEADER, "name": f"p{n}", "role": r} for n, r in enumerate(roles)]
    assert members(*entries).leader == leader


@pytest.mark.parametrize(
    ("more", "is_paused"), [({}, False), ({"pause": True}, True), ({"pause": 0}, False)]
)
def test_a_pause_is_seen(more, is_paused):
    assert members(LEADER, **more).is_paused is is_paused


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (None, "not Patroni's"),
        ([], "not Patroni's"),
        ("members", "not Patroni's"),
        ({}, "not Patroni's"),
        ({"members": {}}, "not Patroni's"),
        ({"members": []}, "names no member"),
        ({"members": [None, 1, "x", []]}, "names no member"),
        ({"members": [{"name": "p1", "state": "creating replica"}]}, "names no member"),
    ],
)
def test_what_is_no_cluster_is_no_answer(document, text):
    with pytest.raises(UnexpectedAnswerError, match=text):
        read_membership(document)


class Group:
    """A discovered group of nodes 0 and 1, told who its members are."""

    def __init__(self):
        config = cluster(["a", "b"], is_discovered=True)
        self.limits = Limits.of(config)
        self.snapshot = initial(config)

    def tell(self, weights, is_paused=False):
        news = membership_events(self.snapshot.groups[0], weights, is_paused)
        for event in news:
            self.snapshot = update(self.snapshot, event, 0.0, self.limits)
        return news


def test_the_same_members_again_are_no_news():
    group = Group()
    assert group.tell({0: 1.0, 1: 1.0}) == []


def test_who_joins_comes_before_who_leaves():
    group = Group()
    assert group.tell({2: 1.0}) == [NodeJoined(2, 0, 1.0), NodeLeft(0), NodeLeft(1)]
    assert group.tell({2: 1.0}) == []
    assert [node.id for node in group.snapshot.groups[0].members] == [2]


def test_a_member_that_comes_back_joins_again():
    group = Group()
    group.tell({0: 1.0})
    assert group.tell({0: 1.0, 1: 1.0}) == [NodeJoined(1, 0, 1.0)]
    assert group.tell({0: 1.0, 1: 1.0}) == []


def test_a_tag_that_changes_is_news():
    group = Group()
    assert group.tell({0: 1.0, 1: 0.0}) == [NodeJoined(1, 0, 0.0)]


def test_nobody_leaves_during_a_pause():
    group = Group()
    assert group.tell({1: 1.0, 2: 1.0}, is_paused=True) == [NodeJoined(2, 0, 1.0)]
    assert group.tell({1: 1.0, 2: 1.0}) == [NodeLeft(0)]
