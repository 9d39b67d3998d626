"""The monitor over real servers that are killed, frozen and restarted."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import psycopg2
import pytest
from psycopg2.extensions import set_wait_callback
from psycopg2.extras import wait_select

from routedb import adapters
from routedb.config import load
from routedb.config.model import ClusterConfig
from routedb.errors import Fault
from routedb.events import NodeAnswered, NodeFailed
from routedb.monitor import probe_once
from routedb.topology import NodeState, Role
from tests.support.board import watching
from tests.support.configs import cluster

pytestmark = [pytest.mark.live, pytest.mark.engine_in_turn]


def over(database, order, **options) -> ClusterConfig:
    """A cluster of a database's nodes in this order, by their place in the fixture."""
    dialect = database.cluster.writer.scheme
    config = cluster([f"node{i}" for i in order], dialect=dialect, **options)
    main = config.databases["main"]
    dsns = [database.dsns[i] for i in order]
    real = load(dsns, {}, environ={}, read_file=str).nodes
    nodes = tuple(
        replace(node, engine=one.engine, dsn=one.dsn, options=one.options)
        for node, one in zip(config.nodes, real, strict=True)
    )
    group = replace(main.groups[0], nodes=nodes)
    return replace(config, databases={"main": replace(main, groups=(group,))})


@pytest.fixture(params=["postgresql", "mariadb"])
def database(request):
    """A fresh database on each kind of server, with an order that is not its own."""
    return request.getfixturevalue({"postgresql": "pg", "mariadb": "my"}[request.param])


def shuffled(database):
    return list(reversed(range(len(database.dsns))))


def test_the_roles_in_a_shuffled_list_are_found_by_asking(database):
    config = over(database, shuffled(database))
    last = len(config.nodes) - 1
    with watching(config, adapters.load) as (_, board):
        board.wait_for(lambda: board.group.writer == last)
        board.wait_for(lambda: set(board.group.read_ring) == set(range(last)))


def test_a_program_s_wait_callback_is_not_called_for_the_monitor(pg):
    threads = set()

    def wait(connection):
        threads.add(threading.get_ident())
        wait_select(connection)

    set_wait_callback(wait)
    try:
        config = over(pg, shuffled(pg))
        with watching(config, adapters.load) as (_, board):
            board.wait_for(lambda: set(board.group.read_ring) == {0, 1})
        assert threads == set()
        psycopg2.connect(pg.writer_dsn).close()
        assert threads == {threading.get_ident()}
    finally:
        set_wait_callback(None)


def test_one_probe_tells_the_role_and_the_latency(database):
    config = over(database, shuffled(database))
    adapter = adapters.load(config.nodes[0].engine)
    answers = [probe_once(node, adapter, 5.0) for node in config.nodes]
    assert [answer.role for answer in answers].count(Role.WRITER) == 1
    assert answers[-1].role is Role.WRITER
    assert all(0 < (answer.latency_s or 0) < 5 for answer in answers)


@pytest.mark.chaos
def test_a_killed_replica_is_seen_and_trusted_again_after_two_answers(database):
    config = over(database, shuffled(database))
    with watching(config, adapters.load) as (_, board):
        readers = set(range(len(config.nodes) - 1))
        board.wait_for(lambda: set(board.group.read_ring) == readers)
        replica = database.cluster.nodes[-1]
        replica.kill()
        board.wait_for(lambda: board.state(0) is NodeState.DOWN)
        assert board.group.writer == len(config.nodes) - 1
        board.heard.clear()
        replica.start()
        board.wait_for(lambda: 0 in board.group.read_ring, timeout_s=60)
        news = [type(event) for event in board.heard if event.node == 0]
        assert news[-2:] == [NodeAnswered, NodeAnswered]
        assert news.count(NodeAnswered) == 2


@pytest.mark.chaos
def test_a_frozen_node_is_reported_in_time_while_others_stay_fresh(database):
    bound_s = 1.0
    config = over(database, shuffled(database), connect_timeout_s=bound_s)
    writer = len(config.nodes) - 1
    with watching(config, adapters.load) as (monitor, board):
        board.wait_for(
            lambda: 0 in board.group.read_ring and board.group.writer == writer
        )
        board.heard.clear()
        database.cluster.nodes[-1].pause()
        frozen = time.monotonic()
        monitor.wake()
        board.wait_for(lambda: board.state(0) is NodeState.DOWN)
        assert time.monotonic() - frozen < bound_s + 1.5
        assert board.group.writer == writer
        failure = next(event for event in board.heard if type(event) is NodeFailed)
        assert failure.fault is Fault.TIMEOUT
        before = board.heard[: board.heard.index(failure)]
        answers = [event for event in before if event.node == writer]
        assert len(answers) >= 3


@pytest.mark.chaos
def test_a_promoted_replica_is_the_writer_though_the_old_one_goes_on(pg):
    config = over(pg, shuffled(pg))
    old = len(config.nodes) - 1
    with watching(config, adapters.load) as (_, board):
        board.wait_for(lambda: board.group.writer == old)
        pg.cluster.nodes[-1].promote()
        board.wait_for(lambda: board.group.writer == 0)
        board.heard.clear()
        board.wait_for(lambda: [event.node for event in board.heard].count(old) == 3)
        assert board.group.writer == 0
        assert not board.group.is_split


@pytest.mark.chaos
def test_two_writers_of_mariadb_are_a_split_until_one_says_otherwise(my):
    config = over(my, shuffled(my))
    old = len(config.nodes) - 1
    with watching(config, adapters.load) as (_, board):
        board.wait_for(lambda: board.group.writer == old)
        my.cluster.nodes[-1].promote()
        board.wait_for(lambda: board.group.is_split)
        assert board.group.writer is None
        my.cluster.writer.execute("SET GLOBAL read_only = 1")
        board.wait_for(lambda: board.group.writer == 0)
        assert not board.group.is_split
