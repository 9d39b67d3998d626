"""A real Patroni cluster of three with etcd, under load.

Patroni decides who is writer and how long that takes; what routedb answers for is that
no transfer is lost or doubled meanwhile, and that its connections go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

import routedb
from tests.support.servers import Patroni, wait_until
from tests.support.servers.patroni import Member
from tests.support.tellers import Tellers, open_bank

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

TELLERS = 4
ROUNDS = 3


class Site:
    """The cluster as an application sees it: one member's DSN, and Patroni's URLs."""

    def __init__(self, patroni: Patroni, cluster: routedb.Cluster) -> None:
        self.patroni = patroni
        self.cluster = cluster
        self.core = cluster.runtime.core

    def tellers(self) -> Tellers:
        return Tellers(self.cluster.connect, TELLERS)

    def name(self, member: Member) -> str:
        return f"127.0.0.1:{member.port}/postgres"

    @property
    def members(self) -> set[str]:
        [group] = self.core.topology.groups
        return {self.core.nodes[node.id].name for node in group.members}

    def wait_read_from(self, *members: Member) -> None:
        """Wait until reads go to these and no others."""
        names = {self.name(member) for member in members}

        def is_so() -> bool:
            [group] = self.core.topology.groups
            return {self.core.nodes[id_].name for id_ in group.read_ring} == names

        wait_until(is_so, f"{names} are read from", 60)


@pytest.fixture
def site(patroni: Patroni) -> Iterator[Site]:
    """Tables at the leader, and a cluster that was told of one replica."""
    leader = patroni.leader
    open_bank(leader)
    other = next(m for m in patroni.members.values() if m is not leader)
    main = {
        "nodes": [other.dsn("postgres")],
        "discovery": "patroni",
        "urls": ["http://127.0.0.1:1", *patroni.urls],
        "failover_timeout": "90s",
    }
    source = {"databases": {"main": main}}
    with ExitStack() as stack:
        yield Site(patroni, stack.enter_context(routedb.Cluster(source)))


def test_a_switchover_and_members_that_come_and_go_under_load(site):
    patroni = site.patroni
    with site.tellers() as tellers:
        tellers.wait_progress()
        patroni.switchover()
        tellers.wait_progress()
        new = patroni.add("p4")
        replicas = {*patroni.members.values()} - {patroni.leader}
        site.wait_read_from(*replicas)
        wait_until(lambda: site.name(new) in tellers.read_at, "the new one is read")
        patroni.remove("p4")
        site.wait_read_from(*(replicas - {new}))
        names = {site.name(member) for member in patroni.members.values()}
        wait_until(lambda: site.members == names, "the one that left is forgotten")
        tellers.wait_progress()
    tellers.check(patroni.leader, failovers=1)


def switch(patroni: Patroni) -> None:
    patroni.switchover()


def kill(patroni: Patroni) -> None:
    """Kill the leader with its Patroni; it comes back when another leads."""
    patroni.wait_well(list(patroni.members))  # without a standby nobody would follow
    leader = patroni.leader
    leader.kill()
    wait_until(lambda: patroni.leader is not leader, "another leads", 80)


@pytest.mark.long
@pytest.mark.parametrize("strike", [switch, kill])
def test_transfers_survive(site: Site, strike: Callable[[Patroni], None]) -> None:
    patroni = site.patroni
    leaders = []
    with site.tellers() as tellers:
        for _ in range(ROUNDS):
            tellers.wait_progress()
            strike(patroni)
            tellers.wait_progress()
            patroni.mend()
            leaders.append(patroni.leader.name)
    assert len(set(leaders)) > 1
    tellers.check(patroni.leader, ROUNDS)
    replicas = {*patroni.members.values()} - {patroni.leader}
    site.wait_read_from(*replicas)
