"""Pins in a cluster of several databases: the temporary table wins over the rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import routedb
from routedb.adapters import fake
from routedb.routing import Reason
from tests.support.fake_rig import node_of, reason_of

SHOP = {
    "default": "main",
    "transactions": "single",
    "databases": {
        "main": {"nodes": [{"dsn": "fake://m", "name": "m"}]},
        "crm": {"nodes": [{"dsn": "fake://c", "name": "c"}]},
    },
    "tables": {"crm_*": "crm"},
}


@pytest.fixture
def connection() -> Iterator[routedb.Connection]:
    with fake.Server("m") as m, fake.Server("c") as c:
        for server in (m, c):
            server.answer("SELECT", rows=[(1,)], columns=["a"])
        with routedb.Cluster(SHOP) as cluster:
            yield cluster.connect(autocommit=True)


@pytest.fixture
def cursor(connection: routedb.Connection) -> routedb.Cursor:
    return connection.cursor()


def test_a_temporary_table_hides_the_rule_for_its_name(connection, cursor):
    cursor.execute("CREATE TEMP TABLE crm_people (a int)")
    assert node_of(cursor) == "m"
    for sql in ("SELECT * FROM crm_people", "INSERT INTO crm_people VALUES (1)"):
        cursor.execute(sql)
        assert (node_of(cursor), reason_of(cursor)) == ("m", Reason.PINNED)
    cursor.execute("SELECT * FROM public.crm_people")
    assert node_of(cursor) == "c"
    cursor.execute("DROP TABLE crm_people")
    cursor.execute("SELECT * FROM crm_people")
    assert node_of(cursor) == "c"


def test_a_table_of_that_name_can_be_created_for_good(cursor):
    cursor.execute("CREATE TEMP TABLE crm_people (a int)")
    cursor.execute("CREATE TABLE crm_people (a int)")
    assert node_of(cursor) == "c"


def test_it_lives_where_its_query_runs_and_is_joined_there(cursor):
    cursor.execute("CREATE TEMP TABLE mine AS SELECT * FROM crm_people")
    assert node_of(cursor) == "c"
    cursor.execute("SELECT * FROM mine JOIN crm_orders USING (id)")
    assert node_of(cursor) == "c"
    with pytest.raises(routedb.CrossDatabaseError, match="mine is on c of crm"):
        cursor.execute("SELECT * FROM mine JOIN people USING (id)")


def test_a_database_that_is_named_is_meant(connection, cursor):
    cursor.execute("CREATE TEMP TABLE people (a int)")
    with connection.using("crm"):
        cursor.execute("SELECT * FROM people")
        assert node_of(cursor) == "c"
    cursor.execute("SELECT * FROM people /* routedb: database=crm */")
    assert node_of(cursor) == "c"
    cursor.execute("SELECT * FROM people")
    assert node_of(cursor) == "m"


@pytest.mark.parametrize(
    ("make", "use"),
    [
        ("PREPARE p AS SELECT * FROM crm_people", "EXECUTE p"),
        ("INSERT INTO crm_people VALUES (1)", "SELECT lastval()"),
        ("SELECT nextval('s') FROM crm_people", "SELECT currval('s')"),
        ("DECLARE c CURSOR WITH HOLD FOR TABLE crm_people", "FETCH 10 FROM c"),
    ],
)
def test_it_is_asked_for_where_it_is(cursor, make, use):
    cursor.execute(make)
    cursor.execute(use)
    assert node_of(cursor) == "c"


def test_what_lives_on_two_nodes_is_not_joined(cursor):
    cursor.execute("CREATE TEMP TABLE one (a int)")
    cursor.execute("CREATE TEMP TABLE other AS SELECT * FROM crm_people")
    with pytest.raises(routedb.CrossDatabaseError, match="one is on m, .*other is on"):
        cursor.execute("SELECT * FROM one, other")


def test_a_transaction_does_not_write_to_a_temporary_table_elsewhere(cursor):
    cursor.execute("CREATE TEMP TABLE mine AS SELECT * FROM crm_people")
    for sql in ("BEGIN", "INSERT INTO people VALUES (1)", "SELECT * FROM mine"):
        cursor.execute(sql)
    assert node_of(cursor) == "c"
    with pytest.raises(routedb.CrossDatabaseError):
        cursor.execute("INSERT INTO mine VALUES (1)")


def test_all_of_a_kind_end_on_every_node(connection, cursor):
    for sql in ("PREPARE p AS SELECT * FROM crm_people", "PREPARE q AS SELECT 1"):
        cursor.execute(sql)
    assert {pin.node for pin in connection.pins} == {"m", "c"}
    cursor.execute("DEALLOCATE ALL")
    assert connection.pins == ()
