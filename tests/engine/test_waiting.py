"""Whoever waits for a node goes on with the first that may answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import routedb
from routedb.errors import Fault
from routedb.routing import Reason
from routedb.topology.snapshot import Role
from tests.support.fake_rig import Rig, node_of, reason_of

READ = "SELECT a FROM t"
WRITE = "INSERT INTO t VALUES (1)"


def on_look(rig: Rig, number: int, happen: Callable[[], object]) -> None:
    """Have something happen before the monitor looks for the nth time from now on."""
    looks: list[None] = []

    def wake() -> None:
        looks.append(None)
        if len(looks) == number:
            happen()
        rig.look()

    rig.core.wake_monitor = wake


def write_and_lose_the_writer(rig: Rig, cursor: routedb.Cursor) -> None:
    """The last sample shows the write, and no replica has it."""
    cursor.execute(WRITE)
    rig.at(w=200, r1=150, r2=150)
    rig.look()
    rig.w.stop()


def role_of(cursor: routedb.Cursor) -> Role:
    assert cursor.route is not None
    return cursor.route.role


def test_a_read_behind_a_dead_writer_goes_on_with_the_replica_that_catches_up(placed):
    cursor = placed.connect().cursor()
    write_and_lose_the_writer(placed, cursor)
    on_look(placed, 4, lambda: placed.at(r2=200))
    cursor.execute(READ)
    assert (node_of(cursor), role_of(cursor)) == ("r2", Role.REPLICA)
    assert reason_of(cursor) == Reason.PLAIN_READ
    placed.at(r1=150)
    assert {cursor.execute(READ) or node_of(cursor) for _ in range(5)} == {"r2"}


def test_a_read_behind_a_writer_whose_last_words_nobody_has_is_refused(placed):
    cursor = placed.connect().cursor()
    placed.at(w=200, r1=150, r2=150)
    cursor.execute(WRITE)
    placed.look()
    placed.w.stop()
    on_look(placed, 4, lambda: placed.at(r2=199))
    with pytest.raises(routedb.NoNodeError):
        cursor.execute(READ)


def test_a_read_that_finds_nobody_goes_on_with_the_replica_that_returns(placed):
    cursor = placed.connect().cursor()
    for server in placed.servers.values():
        server.stop()
    on_look(placed, 5, placed.r1.start)
    cursor.execute(READ)
    assert (node_of(cursor), role_of(cursor)) == ("r1", Role.REPLICA)


def test_a_transaction_that_may_write_waits_for_a_writer(placed):
    connection = placed.connect(autocommit=False)
    cursor = connection.cursor()
    for server in placed.servers.values():
        server.stop()
    on_look(placed, 5, placed.r1.start)
    with pytest.raises(routedb.NoNodeError):
        cursor.execute(READ)


def test_one_declared_read_only_does_not(placed):
    cursor = placed.connect().cursor()
    write_and_lose_the_writer(placed, cursor)
    on_look(placed, 4, lambda: placed.at(r1=200))
    cursor.execute("BEGIN READ ONLY")
    cursor.execute(READ)
    assert (node_of(cursor), role_of(cursor)) == ("r1", Role.REPLICA)
    assert reason_of(cursor) == Reason.DECLARED_READ_ONLY
    cursor.execute(READ)
    assert (node_of(cursor), role_of(cursor)) == ("r1", Role.REPLICA)
    cursor.execute("COMMIT")


def test_the_route_tells_who_has_answered_for_replicas_that_cannot_be_reached(placed):
    cursor = placed.connect().cursor()
    for server in (placed.r1, placed.r2):
        server.fail("connect", Fault.REFUSED, times=9)
    cursor.execute(READ)
    assert (node_of(cursor), role_of(cursor)) == ("w", Role.WRITER)
    assert reason_of(cursor) == Reason.NO_REPLICA
