"""Results that are fetched while the server still sends them, and whose link dies."""

from __future__ import annotations

import MySQLdb.cursors
import pytest

import routedb
from tests.support.server_rig import insert, name_of

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]

MOST = 200_000
MANY = {
    "postgresql": f"SELECT i FROM generate_series(1, {MOST}) AS i",
    "mysql": f"SELECT seq FROM seq_1_to_{MOST}",
}


def stream(rig, connection):
    """Open a cursor that does not take all rows at once."""
    if rig.engine == "postgresql":
        return connection.cursor("stream")
    return connection.cursor(MySQLdb.cursors.SSCursor)


FETCH = {
    "fetchall": lambda cursor: cursor.fetchall(),
    "fetchmany": lambda cursor: [cursor.fetchmany(50_000) for _ in range(4)],
    "fetchone": lambda cursor: [cursor.fetchone() for _ in range(MOST)],
    "iteration": list,
}


@pytest.mark.parametrize("how", FETCH)
@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("where", ["writer", "replica1"])
def test_a_stream_that_is_cut_off_is_an_error_and_never_a_shorter_result(
    rig, how, autocommit, where
):
    proxy = rig.proxy(where)
    is_pg = rig.engine == "postgresql"  # its cursors with a name need a transaction
    connection = rig.connect(
        autocommit=autocommit and not is_pg, only=["writer", "replica1"]
    )
    cursor = stream(rig, connection)
    with connection.using(role=where.rstrip("1")):
        cursor.execute(MANY[rig.engine])
    assert (len(cursor.fetchmany(10)), name_of(cursor)) == (10, where)
    proxy.cut()
    with pytest.raises(routedb.OperationalError) as caught:
        FETCH[how](cursor)
    assert isinstance(caught.value, connection.OperationalError)
    connection.rollback()
    assert insert(connection, 10) == "writer"
    connection.commit()
    assert rig.rows("id = 10") == 1
