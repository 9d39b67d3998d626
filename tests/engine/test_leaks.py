"""What grows with the number of statements: nothing."""

from __future__ import annotations

import gc
import random
from itertools import cycle, islice

import pytest

import routedb
from routedb.adapters import fake
from routedb.engine.links.link import Link
from routedb.engine.plans.plan_cache import MOST_SHAPES, MOST_TEXTS
from routedb.errors import Fault
from tests.support.fake_rig import check_sound, farm

READ = "SELECT a FROM t"
WRITE = "INSERT INTO t VALUES (1)"


def left_of(rig):
    """What still exists of a rig's links and cursors; other tests have theirs."""
    servers, nodes = list(rig.servers.values()), list(rig.core.nodes)
    home = {
        Link: lambda thing: any(thing.node is node for node in nodes),
        fake.Link: lambda thing: thing.server in servers,
        fake.Cursor: lambda thing: thing.link.server in servers,
    }
    gc.collect()
    return [thing for thing in gc.get_objects() if home.get(type(thing), never)(thing)]


def never(thing):
    return False


def stir(rig, rng):
    """Have something go wrong, somewhere."""
    server = rng.choice(list(rig.servers.values()))
    way = rng.randrange(4)
    if way == 0:
        server.drop_links()
    elif way == 1:
        server.fail("execute", Fault.LINK_LOST, after=rng.random() < 0.5)
    elif way == 2:
        server.fail("commit", Fault.LINK_LOST, after=rng.random() < 0.5)
    else:
        server.fail("connect", Fault.REFUSED)


@pytest.mark.parametrize("autocommit", [True, False])
def test_ten_thousand_statements_with_links_dropping_leave_nothing_behind(autocommit):
    rng = random.Random(11)
    with farm(consistency="eventual", failover_timeout="1s") as rig:
        connection = rig.connect(autocommit)
        cursor = connection.cursor()
        outcomes = set()
        for number, sql in enumerate(islice(cycle([READ, READ, WRITE]), 10_000)):
            if number % 10 == 0:
                stir(rig, rng)
            try:
                cursor.execute(sql)
                if not autocommit:
                    connection.commit()
                outcomes.add("done")
            except routedb.Error as exc:
                outcomes.add(type(exc).__name__)
                connection.rollback()
            if number % 100 == 0:
                check_bounds(rig, connection, cursor)
                rig.forget()
        lost = "OutcomeUnknown" if autocommit else "TransactionLost"
        assert {"done", lost} <= outcomes
        rig.recover()
        for _ in range(2):
            rig.look()
        check_sound(rig, connection, cursor)
        del connection, cursor
    assert left_of(rig) == []


def check_bounds(rig, connection, cursor):
    session = connection.session
    nodes = len(rig.servers)
    assert rig.core.loads == [0] * nodes
    assert len(session.open) <= nodes
    assert len(cursor.raw_cursors) <= 16 + 1
    for server in rig.servers.values():
        assert len(server.links) <= 1 + 1  # a dead one that nobody has touched yet


def test_caches_are_bounded(rig):
    cursor = rig.connect().cursor()
    for number in range(MOST_TEXTS + 500):
        cursor.execute(f"SELECT a FROM t WHERE id = {number}")
    texts = rig.core.plan_cache(None)
    assert len(texts.by_text) <= MOST_TEXTS
    for number in range(MOST_SHAPES + 500):
        cursor.execute(f"SELECT a{number} FROM t")
    assert len(texts._plans) <= MOST_SHAPES
    cursor.execute(f"SELECT a FROM t WHERE id = {MOST_TEXTS + 499}")
    assert cursor.fetchall() == [(1,)]


def test_the_replay_log_does_not_grow_with_repetition(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    for number in range(500):
        cursor.execute(f"SET a = {number}")
        cursor.execute("SELECT set_config('b', %s, false)", (str(number),))
        cursor.execute("SET TIME ZONE 'UTC'")
    settings = connection.session.links.settings
    assert len(settings.since("fake", "main", -1)) == 3


def test_closed_connections_close_their_links(rig):
    for _ in range(50):
        connection = rig.connect()
        cursor = connection.cursor()
        for sql in (READ, READ, WRITE):
            cursor.execute(sql)
        connection.close()
        with pytest.raises(routedb.InterfaceError):
            cursor.execute(READ)
    assert [len(server.links) for server in rig.servers.values()] == [0, 0, 0]


@pytest.mark.parametrize("moment", ["execute", "commit", "connect"])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_loads_return_to_zero_after_any_fault(rig, moment, fault):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    for sql in (READ, WRITE):
        for _ in range(2):
            rig.everywhere(moment, fault)
            try:
                cursor.execute(sql)
                connection.commit()
            except routedb.Error:
                connection.rollback()
            assert rig.core.loads == [0, 0, 0]
            rig.recover()
            for _ in range(2):
                rig.look()
    check_sound(rig, connection, cursor)
