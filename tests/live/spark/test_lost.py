"""Nodes that are killed while a real Spark reads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import psycopg2
import pytest

from tests.live.spark.conftest import PATIENCE, run_on
from tests.live.spark.test_rows import sharded
from tests.support.servers import PostgreSQLCluster
from tests.support.servers.server import wait_until

pytestmark = PATIENCE

ROWS = 20_000
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = ANY(%s) AND wait_event_type = 'Lock' AND query LIKE 'COPY%%'"
)


@pytest.fixture
def names(postgresql: PostgreSQLCluster) -> Iterator[list[str]]:
    """Four new databases, each on a writer and two replicas: shards of a table."""
    made = [postgresql.create_database() for _ in range(4)]
    for number, name in enumerate(made):
        run_on(
            postgresql.writer.dsn(name),
            "CREATE TABLE v (id bigint PRIMARY KEY, t text)",
            f"INSERT INTO v SELECT 4 * n + {number}, 'row ' || n "
            f"FROM generate_series(1, {ROWS // 4}) n",
        )
    postgresql.wait_replayed()
    yield made
    postgresql.restore()
    for name in made:
        postgresql.drop_database(name)


def waiting_on(watch: Any, names: list[str]) -> int:
    """Return how many sessions wait for a lock, asked over the connection `watch`."""
    watch.cursor.execute(_WAITING, (names,))
    return int(watch.cursor.fetchone()[0])


def send(postgresql: PostgreSQLCluster, name: str, what: str) -> None:
    """Commit something, with which all that was logged before, locks too, goes to the
    replicas."""
    run_on(postgresql.writer.dsn(name), f"CREATE TABLE {what} ()")


class Watch:
    """A connection to `node`, to look at its sessions."""

    def __init__(self, node: Any, stack: ExitStack) -> None:
        self.node = node
        raw = stack.enter_context(closing(psycopg2.connect(node.dsn("postgres"))))
        raw.autocommit = True
        self.cursor = raw.cursor()


@pytest.mark.parametrize("killed", ["replica", "writer"])
def test_a_node_that_is_killed_during_a_read_is_done_without(
    spark, postgresql, names, written, killed
):
    """Every row is behind a lock until the node is gone, so no read ends before."""
    from routedb.integrations.spark import table  # noqa: PLC0415

    nodes = [postgresql.writer, *postgresql.replicas]
    shards = ", ".join(
        "[" + ", ".join(f'"{node.dsn(name)}"' for node in nodes) + "]" for name in names
    )
    reads = "replica" if killed == "replica" else "writer"
    text = sharded(["unused"] * 4, "v").partition("[tables]")[2]
    path = written(
        f'[databases.all]\nshards = [{shards}]\nreads = "{reads}"\n'
        f'failover_timeout = "120s"\n[tables]{text}'
    )
    frame = table(spark, path, "v", partition_rows=2000, max_connections_per_node=2)
    frame.rdd.getNumPartitions()  # asks for the bounds
    victims = postgresql.replicas if killed == "replica" else [postgresql.writer]
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1))  # waits until locks are left
        locks = [
            stack.enter_context(closing(psycopg2.connect(postgresql.writer.dsn(name))))
            for name in names
        ]
        watches = [Watch(node, stack) for node in victims]
        for lock in locks:
            lock.cursor().execute("LOCK TABLE v IN ACCESS EXCLUSIVE MODE")
        send(postgresql, names[0], "taken")
        postgresql.wait_replayed()
        reading = pool.submit(
            frame.selectExpr("count(*)", "count(DISTINCT id)", "sum(id)").collect
        )
        wait_until(
            lambda: reading.done() or any(waiting_on(one, names) for one in watches),
            "a task reads from a node that is to be killed",
            600,
        )
        assert not reading.done()
        victim = max(watches, key=lambda watch: waiting_on(watch, names)).node
        victim.kill()
        if killed == "writer":
            victim.start()  # its locks went with it
        else:
            for lock in locks:
                lock.rollback()
            send(postgresql, names[0], "released")
        found = reading.result()
    assert [tuple(row) for row in found] == [(ROWS, ROWS, sum(range(4, ROWS + 4)))]
