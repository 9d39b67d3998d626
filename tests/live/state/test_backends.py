"""Numbers of backends that were told by one node, used on another connection."""

from __future__ import annotations

import pytest

import routedb
from tests.support.server_rig import name_of
from tests.support.servers import wait_until

pytestmark = pytest.mark.live


def test_a_process_of_a_replica_is_terminated_there(pg_connect):
    victim = pg_connect(autocommit=True)
    cursor = victim.cursor()
    with victim.using(role="replica"):
        cursor.execute("SELECT pg_backend_pid()")
    there, (pid,) = name_of(cursor), cursor.fetchone()
    other = pg_connect(autocommit=True).cursor()
    asked = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    other.execute(asked, (pid,))
    assert (name_of(other), other.fetchone()) == (there, (1,))
    other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    assert (name_of(other), other.fetchone()) == (there, (True,))

    def is_gone() -> bool:
        other.execute(asked, (pid,))
        return other.fetchone() == (0,)

    wait_until(is_gone, "the process is gone")
    assert there.startswith("replica")


def test_the_process_that_a_connection_tells_is_cancelled_where_it_is(pg_connect):
    victim = pg_connect(autocommit=False)
    victim.set_session(readonly=True)
    victim.cursor().execute("SELECT count(*) FROM t")
    pid, pid_again = victim.get_backend_pid(), victim.info.backend_pid
    (branch,) = victim.session.transaction.branches.values()
    other = pg_connect(autocommit=True).cursor()
    other.execute("SELECT pg_cancel_backend(%s)", (pid,))
    assert pid == pid_again
    assert (name_of(other), other.fetchone()) == (branch.node.name, (True,))


def test_a_connection_of_a_replica_is_killed_there(my_connect):
    victim = my_connect(autocommit=True)
    cursor = victim.cursor()
    with victim.using(role="replica"):
        cursor.execute("SELECT CONNECTION_ID()")
    there, (number,) = name_of(cursor), cursor.fetchone()
    other = my_connect(autocommit=True).cursor()
    other.execute("KILL %s", (number,))
    assert name_of(other) == there

    def is_gone() -> bool:
        asked = "SELECT count(*) FROM information_schema.processlist WHERE id = %s"
        other.execute(asked, (number,))
        assert name_of(other) == there
        return other.fetchone() == (0,)

    wait_until(is_gone, "the connection is gone")
    assert there != "writer"


def test_a_number_that_nobody_was_told_of_is_the_writers(my_connect):
    connection = my_connect(autocommit=True)
    cursor = connection.cursor()
    with pytest.raises(routedb.OperationalError, match="Unknown thread id"):
        cursor.execute("KILL 4000000000")
    number = connection.thread_id()
    cursor.execute(
        "SELECT id FROM information_schema.processlist WHERE id = %s", (number,)
    )
    assert (name_of(cursor), cursor.fetchone()) == ("writer", (number,))
