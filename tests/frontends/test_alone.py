"""A database of one node, which is a replica: it reads, and refuses writes itself."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.home import Home

WRITE = "INSERT INTO t VALUES (10, 'x')"


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_lone_replica_reads_and_says_itself_that_it_writes_nothing(
    home: Home, open_cluster, autocommit
):
    connection = open_cluster(home.dsns[0]).connect(autocommit=autocommit)
    cursor = connection.cursor()
    for _ in range(2):
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchone() == (5,)
        with pytest.raises(routedb.DatabaseError, match="(?i)read-?only") as caught:
            cursor.execute(WRITE)
        assert not isinstance(
            caught.value, routedb.TransactionLost | routedb.NoNodeError
        )
        connection.rollback()
