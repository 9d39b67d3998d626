"""What a session has when its writer dies and another node takes over."""

from __future__ import annotations

import pytest

from tests.support.server_rig import insert, name_of

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]

# What is set, how it is asked for, and what is answered.
SET = {
    "postgresql": [
        ("SET work_mem = '5MB'", "SHOW work_mem", "5MB"),
        ("SELECT set_config('my.own', 'a', false)", "SHOW my.own", "a"),
        ("BEGIN; SET my.other = 'b'; COMMIT", "SHOW my.other", "b"),
    ],
    "mysql": [
        ("SET sql_mode = 'ANSI_QUOTES'", "SELECT @@sql_mode", "ANSI_QUOTES"),
        ("SET time_zone = '+02:00'", "SELECT @@time_zone", "+02:00"),
        ("SET NAMES latin1", "SELECT @@character_set_client", "latin1"),
    ],
}


def test_the_new_writer_has_what_was_set_and_what_is_lost_is_named(rig):
    connection = rig.connect(failover_timeout="60s")
    cursor = connection.cursor()
    for text, _, _ in SET[rig.engine]:
        cursor.execute(text)
    cursor.execute("CREATE TEMPORARY TABLE mine (a int)")
    insert(connection, 10)
    rig.database.wait_replayed()
    rig.kill("writer")
    rig.servers["replica1"].promote()
    with pytest.raises(connection.OperationalError, match="temporary table mine"):
        cursor.execute("INSERT INTO mine VALUES (1)")
    assert connection.pins == ()
    assert insert(connection, 11) == "replica1"
    for _, ask, value in SET[rig.engine]:
        with connection.using(role="writer"):
            cursor.execute(ask)
        assert (cursor.fetchone(), name_of(cursor)) == ((value,), "replica1")
