"""A shadow on a real PostgreSQL."""

from __future__ import annotations

import routedb
from routedb.cli.startup import wait_for_nodes
from routedb.topology.snapshot import Role
from tests.engine.shadow.conftest import _counts

__all__ = ["_counts"]


def test_on_postgresql_a_shadow_reads_from_the_writer(pg):
    with routedb.Cluster(pg.dsns, shadow=True) as cluster:
        connection = cluster.connect()
        wait_for_nodes(cluster)
        connection.set_session(readonly=True)
        cursor = connection.cursor()
        cursor.execute("SELECT pg_is_in_recovery()")
        assert cursor.fetchall() == [(False,)]
    [line] = routedb.report().lines
    assert (line.role, line.reason) == (
        Role.REPLICA,
        "transaction is declared read-only",
    )
