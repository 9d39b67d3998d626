"""Links that died while nobody used them are replaced, and the user notices nothing."""

from __future__ import annotations

import pytest

from tests.support.server_rig import insert, link_to, name_of, read

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]


def ended_by_an_operator(rig, connection, name):
    rig.end(link_to(connection, name))


def cut_on_the_line(rig, connection, name):
    rig.proxies[name].cut()


def lost_with_a_restart(rig, connection, name):
    rig.servers[name].restart()


DEATHS = [ended_by_an_operator, cut_on_the_line, lost_with_a_restart]
ids = [death.__name__ for death in DEATHS]


@pytest.fixture(params=DEATHS, ids=ids)
def die(request, rig):
    """Kill the idle link to a node, in one of the ways that links die."""
    if request.param is cut_on_the_line:
        for name in rig.servers:
            rig.proxy(name)
    return lambda connection, name: request.param(rig, connection, name)


def test_before_a_read_on_the_writer(rig, die):
    connection = rig.connect(reads="writer")
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM t")
    die(connection, "writer")
    cursor.execute("SELECT count(*) FROM t")
    assert (cursor.fetchone(), name_of(cursor)) == ((5,), "writer")


def test_before_a_read_on_a_replica(rig, die):
    connection = rig.connect()
    die(connection, read(connection))
    for _ in range(4):
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchone() == (5,)


def test_before_a_write(rig, die):
    connection = rig.connect()
    insert(connection, 10)
    die(connection, "writer")
    assert insert(connection, 11) == "writer"
    assert rig.rows() == 7


def test_before_the_first_statement_of_a_transaction(rig, die):
    connection = rig.connect(autocommit=False)
    insert(connection, 10)
    connection.commit()
    die(connection, "writer")
    assert insert(connection, 11) == "writer"
    connection.commit()
    assert rig.rows() == 7


def test_before_a_transaction_that_is_begun_by_text(rig, die):
    connection = rig.connect()
    cursor = connection.cursor()
    insert(connection, 10)
    die(connection, "writer")
    cursor.execute("BEGIN")
    cursor.execute("SAVEPOINT a")
    insert(connection, 11)
    cursor.execute("ROLLBACK TO SAVEPOINT a")
    insert(connection, 12)
    cursor.execute("COMMIT")
    assert (rig.rows(), rig.rows("id = 11")) == (7, 0)


def test_between_begin_and_the_first_statement(rig, die):
    connection = rig.connect()
    cursor = connection.cursor()
    insert(connection, 10)
    cursor.execute("BEGIN")
    die(connection, "writer")
    insert(connection, 11)
    cursor.execute("COMMIT")
    assert rig.rows() == 7


SETTINGS = {
    "postgresql": ("SET work_mem = '1234kB'", "SHOW work_mem", "1234kB"),
    "mysql": ("SET sort_buffer_size = 65536", "SELECT @@sort_buffer_size", 65536),
}


def test_settings_are_there_on_the_new_link(rig, die):
    put, show, value = SETTINGS[rig.engine]
    connection = rig.connect(reads="writer")
    cursor = connection.cursor()
    cursor.execute(put)
    die(connection, "writer")
    cursor.execute(show)
    assert cursor.fetchone()[0] == value


def test_while_a_setting_was_waiting_to_be_sent_to_it(rig, die):
    """The link needs bringing up to date before its next statement, and is dead."""
    put, show, value = SETTINGS[rig.engine]
    connection = rig.connect()
    node = read(connection)
    cursor = connection.cursor()
    cursor.execute(put)
    die(connection, node)
    for _ in range(4):
        assert read(connection) in rig.servers
    with connection.using(role="writer"):
        cursor.execute(show)
    assert cursor.fetchone()[0] == value


TEMPORARY = "CREATE TEMPORARY TABLE mine (x int)"


@pytest.mark.parametrize("sql", ["SELECT * FROM mine", "INSERT INTO mine VALUES (2)"])
def test_a_temporary_table_lost_with_its_link_is_named(rig, sql):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(TEMPORARY)
    cursor.execute("INSERT INTO mine VALUES (1)")
    rig.end(link_to(connection, "writer"))
    with pytest.raises(connection.OperationalError, match="temporary table mine"):
        cursor.execute(sql)
    # It was the link and not the node: work goes on at once, on the same cursor.
    cursor.execute(TEMPORARY)
    cursor.execute("INSERT INTO mine VALUES (3)")
    cursor.execute("SELECT x FROM mine")
    assert list(cursor.fetchall()) == [(3,)]


def test_a_lost_listen_is_named(pg_rig):
    connection = pg_rig.connect()
    cursor = connection.cursor()
    cursor.execute("LISTEN news")
    pg_rig.end(link_to(connection, "writer"))
    with pytest.raises(connection.OperationalError, match="LISTEN"):
        insert(connection, 10)
    assert insert(connection, 10) == "writer"
    assert pg_rig.rows("id = 10") == 1
