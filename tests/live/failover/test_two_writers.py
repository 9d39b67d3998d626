"""Two servers that take writes at once: only the newer history gets ours."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

import routedb
from routedb.topology.positions import Position, read_gtids
from tests.support.server_rig import Rig, insert, read
from tests.support.servers import Server, wait_until

pytestmark = [pytest.mark.live, pytest.mark.chaos]


def known_writer(cluster: routedb.Cluster) -> str | None:
    return next((node.name for node in cluster.status() if node.is_writer), None)


def is_split(cluster: routedb.Cluster) -> bool:
    return cluster.runtime.core.topology.groups[0].is_split


class Clerk:
    """Inserts rows as fast as it can; notes for each what was the picture before it."""

    def __init__(self, cluster: routedb.Cluster, look: Callable[[], object]) -> None:
        self.cluster = cluster
        self.look = look
        self.looks: list[object] = []
        self.seen: dict[int, object] = {}  # of the rows that were acknowledged
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        connection = self.cluster.connect(autocommit=True)
        key = 100
        while not self.stop.is_set():
            key += 1
            seen = self.look()
            self.looks.append(seen)
            try:
                insert(connection, key)
            except routedb.Error:
                continue
            self.seen[key] = seen

    def end(self) -> None:
        self.stop.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


def keys(server: Server, rig: Rig) -> set[int]:
    rows = server.execute("SELECT id FROM t WHERE id > 100", dbname=rig.database.name)
    return {row[0] for row in rows}


def test_postgresql_writes_end_on_the_promoted_node_while_the_old_one_goes_on(pg_rig):
    cluster = pg_rig.cluster(failover_timeout="30s")
    clerk = Clerk(cluster, lambda: known_writer(cluster))
    try:
        wait_until(lambda: len(clerk.seen) > 20, "it writes")
        pg_rig.servers["replica1"].promote()
        wait_until(lambda: list(clerk.seen.values()).count("replica1") > 20, "goes on")
    finally:
        clerk.end()
    after = {key for key, seen in clerk.seen.items() if seen == "replica1"}
    assert after & keys(pg_rig.servers["writer"], pg_rig) == set()
    assert after <= keys(pg_rig.servers["replica1"], pg_rig)
    old = next(node for node in cluster.status() if node.name == "writer")
    assert (old.role, old.share) == ("writer", 0.0)
    assert "old writer" in old.failure


def test_mariadb_takes_no_writes_from_the_moment_the_newer_history_is_seen(my_rig):
    cluster = my_rig.cluster(failover_timeout="100ms")
    [number] = [node.id for node in cluster.config.nodes if node.name == "replica1"]
    own: list[Position | None] = []  # which the old one does not have

    def is_newer_seen() -> bool:
        group = cluster.runtime.core.topology.groups[0]
        position = group.find(number).position
        return bool(own) and position is not None and position.covers(own[0])

    clerk = Clerk(cluster, is_newer_seen)
    try:
        wait_until(lambda: len(clerk.seen) > 20, "it writes")
        new = my_rig.servers["replica1"]
        new.promote()
        new.execute("INSERT INTO t VALUES (50, 0)", dbname=my_rig.database.name)
        [(position,)] = new.execute("SELECT @@gtid_current_pos")
        own.append(read_gtids(position))
        wait_until(lambda: clerk.looks.count(True) > 5, "it tries on when that is seen")
    finally:
        clerk.end()
    # Refused, or written where the newer history is.
    late = {key for key, was_seen in clerk.seen.items() if was_seen}
    assert late & keys(my_rig.servers["writer"], my_rig) == set()


@pytest.mark.long
def test_mariadb_goes_on_where_there_is_all_that_was_and_more(my_rig):
    cluster = my_rig.cluster(failover_timeout="500ms", retry_after="200ms")
    connection = cluster.connect(autocommit=True)
    insert(connection, 10)
    my_rig.database.wait_replayed()
    new = my_rig.servers["replica1"]
    new.promote()
    wait_until(lambda: is_split(cluster), "equal histories prove nothing")
    with pytest.raises(routedb.SplitBrain):
        insert(connection, 11)
    new.execute("INSERT INTO t VALUES (50, 0)", dbname=my_rig.database.name)
    wait_until(lambda: known_writer(cluster) == "replica1", "it is the newer one")
    assert insert(connection, 12) == "replica1"
    assert read(connection) == "replica1"
    my_rig.kill("replica1")
    with pytest.raises(routedb.NoNodeError, match="an old writer"):
        insert(connection, 13)
    with pytest.raises(routedb.Error):
        read(connection)
    assert my_rig.rows("id > 10") == 0


@pytest.mark.long
def test_an_old_mariadb_that_restarts_as_a_writer_is_left_alone(my_rig):
    cluster = my_rig.cluster(failover_timeout="30s")
    connection = cluster.connect(autocommit=True)
    insert(connection, 10)
    my_rig.database.wait_replayed()
    my_rig.kill("writer")
    my_rig.servers["replica1"].promote()
    assert insert(connection, 11) == "replica1"
    my_rig.servers["writer"].start()
    [old] = [node.id for node in cluster.config.nodes if node.name == "writer"]
    core = cluster.runtime.core
    wait_until(lambda: old in core.topology.groups[0].fenced, "it is back, and fenced")
    others = [cluster.connect(autocommit=True) for _ in range(4)]
    assert {insert(each, 20 + n) for n, each in enumerate(others)} == {"replica1"}
    assert {read(each) for each in others} == {"replica1"}
    assert my_rig.rows("id > 10") == 0


def test_a_paused_writer_that_goes_on_after_the_promotion_confirms_nothing(pg_rig):
    cluster = pg_rig.cluster(failover_timeout="30s", connect_timeout="2s")
    connection, other = (cluster.connect(autocommit=True) for _ in range(2))
    insert(connection, 10)
    pg_rig.database.wait_replayed()
    told: list[str] = []

    def write_late() -> None:
        try:
            told.append(insert(connection, 11))
        except routedb.OutcomeUnknown:
            told.append("unknown")

    old = pg_rig.servers["writer"]
    old.pause()
    late = threading.Thread(target=write_late)
    late.start()
    pg_rig.servers["replica1"].promote()
    core = cluster.runtime.core
    ids = {node.name: node.id for node in cluster.config.nodes}
    # Before that, what is sent to the frozen one hangs there: nobody knows better.
    seen = lambda: core.topology.groups[0].writer == ids["replica1"]  # noqa: E731
    wait_until(seen, "the promoted one is seen")
    assert insert(other, 12) == "replica1"
    old.resume()
    late.join(60)
    assert told in (["unknown"], ["replica1"])
    id = ids["writer"]
    wait_until(lambda: id in core.topology.groups[0].fenced, "the old one is fenced")
    for key in range(20, 24):
        assert insert(cluster.connect(autocommit=True), key) == "replica1"
    readers = [cluster.connect(autocommit=True) for _ in range(6)]
    assert {read(each) for each in readers} <= {"replica1", "replica2"}
    assert pg_rig.rows("id >= 12") == 0
