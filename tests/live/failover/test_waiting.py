"""While no writer is known, writes wait and reads go on."""

from __future__ import annotations

import threading

import pytest

import routedb
from tests.support.server_rig import insert, read

pytestmark = [pytest.mark.live, pytest.mark.chaos]

WAITING = 8


def test_all_who_wait_go_on_with_the_new_writer_and_reads_were_answered_meanwhile(
    pg_rig,
):
    cluster = pg_rig.cluster(failover_timeout="60s")
    waiting = [cluster.connect(autocommit=False) for _ in range(WAITING)]
    reader = cluster.connect(autocommit=True)
    pg_rig.database.wait_replayed()
    pg_rig.kill("writer")
    took: list[str] = []
    troubles: list[Exception] = []

    def write(key: int, connection: routedb.Connection) -> None:
        try:
            took.append(insert(connection, key))
            connection.commit()
        except routedb.Error as exc:
            troubles.append(exc)

    threads = [
        threading.Thread(target=write, args=(100 + n, connection))
        for n, connection in enumerate(waiting)
    ]
    for thread in threads:
        thread.start()
    assert {read(reader) for _ in range(200)} <= set(pg_rig.replicas)
    assert all(thread.is_alive() for thread in threads)
    pg_rig.servers["replica1"].promote()
    for thread in threads:
        thread.join(60)
    assert troubles == []
    assert took == ["replica1"] * WAITING
    found = pg_rig.servers["replica1"].execute(
        "SELECT count(*) FROM t WHERE id >= 100", dbname=pg_rig.database.name
    )
    assert found == [(WAITING,)]


def test_who_waits_gives_up_when_the_time_is_over_and_others_wait_on(pg_rig):
    patient = pg_rig.connect(failover_timeout="60s")
    hasty = pg_rig.connect(failover_timeout="300ms")
    pg_rig.kill("writer")
    thread = threading.Thread(target=insert, args=(patient, 100))
    thread.start()
    with pytest.raises(routedb.NoNodeError):
        insert(hasty, 101)
    assert thread.is_alive()
    pg_rig.servers["writer"].start()
    thread.join(60)
    assert not thread.is_alive()
    assert (pg_rig.rows("id = 100"), pg_rig.rows("id = 101")) == (1, 0)
