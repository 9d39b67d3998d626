"""Ctrl-C while a statement runs: its connection goes on, its transaction does not."""

from __future__ import annotations

import MySQLdb.cursors
import pytest

import routedb
from tests.support.server_rig import insert, read

pytestmark = pytest.mark.live


class Interrupted(MySQLdb.cursors.Cursor):
    """It strikes between a statement and its result."""

    def _do_get_result(self, db):
        raise KeyboardInterrupt


@pytest.mark.parametrize("reads", ["writer", "replica"])
def test_an_interrupted_statement_leaves_the_connection_usable(my_rig, reads):
    connection = my_rig.connect(reads=reads)
    with pytest.raises(KeyboardInterrupt):
        connection.cursor(Interrupted).execute("SELECT id FROM t")
    assert read(connection) in my_rig.servers
    assert insert(connection, 10) == "writer"
    assert my_rig.rows("id = 10") == 1


def test_an_interrupted_transaction_is_lost(my_rig):
    connection = my_rig.connect(autocommit=False)
    insert(connection, 10)
    with pytest.raises(KeyboardInterrupt):
        connection.cursor(Interrupted).execute("SELECT id FROM t")
    with pytest.raises(routedb.TransactionLost):
        insert(connection, 11)
    connection.rollback()
    insert(connection, 12)
    connection.commit()
    assert (my_rig.rows("id IN (10, 11)"), my_rig.rows("id = 12")) == (0, 1)
