"""A discovered group under the monitor: scripted Patroni, scripted nodes, real threads.

Nodes are named by their address, as discovered ones are: 127.0.0.1:PORT/shop.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from routedb.config import load
from routedb.engine.shared.core import Core
from routedb.errors import Fault
from routedb.events import NodeFailed
from routedb.monitor import Monitor, discovery
from routedb.topology import NodeState
from tests.support.patroni_rest import Rest, members_at, nobody, saying
from tests.support.servers import wait_until
from tests.unit.monitor.scripted import REPLICA, WRITER, Refused, farm_of


def name(port):
    return f"127.0.0.1:{port}/shop"


class Site:
    """Nodes at ports 1 to 4, of which 1 is configured and the writer."""

    def __init__(self, urls, timeout="10s"):
        self.farm = farm_of({name(port): REPLICA for port in range(1, 5)})
        self.farm.says[name(1)] = WRITER
        options = {"discovery": "patroni", "urls": urls, "connect_timeout": timeout}
        main = {"nodes": ["postgresql://app@127.0.0.1:1/shop"], **options}
        config = load({"databases": {"main": main}}, {}, environ={}, read_file=str)
        self.core = Core(config, lambda _: self.farm)
        self.monitor = Monitor(
            config,
            lambda _: self.farm,
            self.core.publish,
            lambda: self.core.topology,
            register=self.core,
        )

    @property
    def group(self):
        return self.core.topology.groups[0]

    @property
    def members(self):
        return {self.core.nodes[node.id].name for node in self.group.members}

    @property
    def read_from(self):
        return {self.core.nodes[id_].name for id_ in self.group.read_ring}

    def wait_read_from(self, *ports):
        names = {name(port) for port in ports}
        wait_until(lambda: self.read_from == names, f"{names} are read from")


@contextmanager
def watched(*urls, **options):
    site = Site(list(urls), **options)
    site.monitor.start()
    try:
        yield site
    finally:
        site.monitor.stop()


@pytest.fixture
def rest(monkeypatch):
    """A Patroni that names two members, asked often."""
    monkeypatch.setattr(discovery, "CALM_S", 0.05)
    with saying(members_at([1, 2])) as rest:
        yield rest


@pytest.fixture
def threads():
    """Tell what the monitor's new threads are for."""
    before = set(threading.enumerate())

    def names():
        new = {t.name for t in threading.enumerate() if t not in before}
        prefix = "routedb-monitor-"
        return {n.removeprefix(prefix) for n in new if n.startswith(prefix)}

    return names


def test_members_that_are_named_are_watched_and_read(rest: Rest, threads):
    with watched(rest.url) as site:
        site.wait_read_from(2)
        assert site.group.writer == 0
        assert threads() == {name(1), name(2), "members-of-main", "guard"}


def test_a_member_that_joins_is_read_and_one_that_left_is_let_go(rest: Rest, threads):
    with watched(rest.url) as site:
        site.wait_read_from(2)
        rest.says = members_at([1, 2, 3])
        site.wait_read_from(2, 3)
        rest.says = members_at([1, 3])
        site.wait_read_from(3)
        assert site.members == {name(1), name(3)}
        ours = {name(1), name(3), "members-of-main", "guard"}
        wait_until(lambda: threads() == ours, "its thread ends")
        assert set(site.farm.fates(name(2))) == {"closed"}


def test_a_member_keeps_its_number_when_it_comes_back(rest: Rest):
    with watched(rest.url) as site:
        for _ in range(3):
            site.wait_read_from(2)
            rest.says = members_at([1])
            site.wait_read_from()
            rest.says = members_at([1, 2])
        site.wait_read_from(2)
        assert [node.name for node in site.core.nodes] == [name(1), name(2)]
        assert site.core.loads == [0, 0]


def test_a_tag_keeps_reads_from_a_member(rest: Rest):
    with watched(rest.url) as site:
        site.wait_read_from(2)
        rest.says = members_at([1, 2, 3], p1={"noloadbalance": True})
        site.wait_read_from(3)
        rest.says = members_at([1, 2, 3])
        site.wait_read_from(2, 3)


def test_patroni_going_away_takes_no_member_away(rest: Rest):
    with watched(rest.url) as site:
        site.wait_read_from(2)
        rest.says = 503
        asked = len(rest.asked)
        wait_until(lambda: len(rest.asked) > asked + 2, "Patroni is asked again")
        assert site.members == {name(1), name(2)}
        rest.says = members_at([1, 3])
        site.wait_read_from(3)


def test_the_role_is_the_nodes_word_and_not_patronis(rest: Rest):
    rest.says = members_at([1, 2], leader=1)
    with watched(rest.url) as site:
        site.wait_read_from(2)
        assert site.group.writer == 0


def test_a_new_leader_makes_the_monitor_ask_the_nodes(rest: Rest, monkeypatch):
    with watched(rest.url) as site:
        site.wait_read_from(2)
        woken = threading.Event()
        assert site.monitor._workers is not None
        monkeypatch.setattr(site.monitor._workers, "wake", woken.set)
        rest.says = members_at([1, 2], leader=1)
        assert woken.wait(10)


def test_a_waiting_writer_makes_it_ask_patroni_at_once(monkeypatch):
    monkeypatch.setattr(discovery, "CALM_S", 3600.0)
    with saying(members_at([1, 2])) as rest, watched(rest.url) as site:
        site.wait_read_from(2)
        site.farm.says[name(1)] = site.farm.refuses[name(1)] = Refused("dead")
        site.farm.says[name(3)] = WRITER._replace(history="2")
        rest.says = members_at([2, 3], leader=1)
        site.core.wake_monitor = site.monitor.wake
        site.core.publish(NodeFailed(0, 0, "dead", Fault.REFUSED))
        writer = site.core.await_writer(0, site.core.clock() + 30)
        assert site.core.nodes[writer].name == name(3)


def test_the_nodes_of_the_configuration_serve_while_no_patroni_answers():
    with nobody() as dead, watched(dead) as site:
        site.core.await_members(0, site.core.clock() + 30)
        wait_until(lambda: site.group.writer == 0, "the known node is the writer")
        assert site.members == {name(1)}


def test_who_finds_no_writer_is_told_that_patroni_was_silent_too():
    with nobody() as dead, saying(500) as bad, watched(dead, bad.url) as site:
        site.farm.says[name(1)] = REPLICA
        site.core.await_members(0, site.core.clock() + 30)
        wait_until(lambda: site.group.read_ring == (0,), "the node is a replica")
        with pytest.raises(Exception, match="no node of main answers as") as caught:
            site.core.await_writer(0, site.core.clock() + 0.1)
        assert f"No Patroni tells who else there is: {dead}: Conn" in str(caught.value)
        assert f"{bad.url}: it answers 500" in str(caught.value)


def test_waiting_for_members_ends_in_time_when_patroni_hangs():
    with saying(None) as slow, watched(slow.url, timeout="60s") as site:
        assert slow.is_asked.acquire(timeout=10)
        site.core.await_members(0, site.core.clock() + 0.1)
        assert site.members == {name(1)}


def test_stop_is_not_held_up_by_a_patroni_that_hangs(threads):
    with saying(None) as slow, watched(slow.url, timeout="60s") as site:
        assert slow.is_asked.acquire(timeout=10)
        site.monitor.stop()
        assert threads() == set()


def test_a_forked_child_finds_members_by_itself(rest: Rest):
    with watched(rest.url) as site:
        site.wait_read_from(2)
        pid = os.fork()
        if pid == 0:
            verdict = 1
            try:
                site.core.after_fork()
                site.monitor.start()
                state = site.group.find(1).asked_at
                wait_until(lambda: site.group.find(1).asked_at > state, "it is asked")
                wait_until(lambda: name(3) in site.members, "the new one is found")
                site.wait_read_from(2, 3)
                verdict = 0
            finally:
                os._exit(verdict)
        rest.says = members_at([1, 2, 3])
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


HUNG_AT_EXIT = """
import socket
from tests.unit.monitor.test_members import watched
deaf = socket.create_server(("127.0.0.1", 0))
watch = watched(f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout="60s")
site = watch.__enter__()
line, _ = deaf.accept()
print("exits")
"""


def test_a_program_may_exit_while_patroni_hangs():
    done = subprocess.run(
        [sys.executable, "-c", HUNG_AT_EXIT],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("exits\n", "", 0)


def test_a_node_that_is_gone_has_no_say(rest: Rest):
    with watched(rest.url) as site:
        site.wait_read_from(2)
        rest.says = members_at([2])
        wait_until(lambda: site.group.find(0).state is NodeState.GONE, "1 has left")
        assert site.group.writer is None
