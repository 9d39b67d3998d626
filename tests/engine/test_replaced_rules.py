"""Where tables live changes while connections are open."""

from __future__ import annotations

import threading

import pytest

import routedb
from routedb.adapters import fake

BEFORE = {"crm_*": "crm"}
AFTER = {"crm_*": "main", "items": "crm"}


@pytest.fixture
def cluster():
    servers = [fake.Server("shop"), fake.Server("old")]
    for server in servers:
        server.answer("SELECT", rows=[(server.name,)], columns=["a"])
        server.answer("UPDATE", rowcount=1)
    config = {
        "default": "main",
        "transactions": "single",
        "databases": {
            "main": {"nodes": ["fake://shop"]},
            "crm": {"nodes": ["fake://old"]},
        },
        "tables": BEFORE,
    }
    with routedb.Cluster(config) as cluster:
        yield cluster
    for server in servers:
        server.close()


def where(cursor, sql):
    cursor.execute(sql)
    return cursor.route.database


@pytest.mark.parametrize("sql", ["SELECT a FROM crm_users", "UPDATE crm_users SET a=1"])
@pytest.mark.parametrize("using", [None, "main"])
def test_the_next_statement_of_every_connection_goes_by_the_new_rules(
    cluster, sql, using
):
    cursors = [cluster.connect(autocommit=True).cursor() for _ in range(3)]
    for cursor in cursors:
        assert [where(cursor, sql) for _ in range(3)] == ["crm"] * 3  # it is cached
    cluster.replace_tables(AFTER)
    for cursor in cursors:
        assert where(cursor, sql) == "main"
        assert where(cursor, "SELECT a FROM items") == "crm"
        assert "crm_*" in cursor.connection.explain(sql).reason
    cluster.replace_tables(BEFORE)
    assert {where(cursor, sql) for cursor in cursors} == {"crm"}


def test_a_new_connection_goes_by_the_new_rules(cluster):
    cluster.replace_tables(AFTER)
    assert where(cluster.connect(autocommit=True).cursor(), "SELECT 1 FROM items") == (
        "crm"
    )


def test_using_keeps_its_choice(cluster):
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    with connection.using("main"):
        assert where(cursor, "SELECT a FROM crm_users") == "main"
        cluster.replace_tables(AFTER)
        assert where(cursor, "SELECT a FROM items") == "main"
    assert where(cursor, "SELECT a FROM items") == "crm"


def test_a_transaction_stays_in_its_database(cluster):
    connection = cluster.connect()
    cursor = connection.cursor()
    assert where(cursor, "UPDATE items SET a = 1") == "main"
    cluster.replace_tables(AFTER)
    with pytest.raises(routedb.CrossDatabaseError):
        cursor.execute("UPDATE items SET a = 2")
    connection.rollback()
    assert where(cursor, "UPDATE items SET a = 2") == "crm"


def test_a_closed_connection_stays_closed(cluster):
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    connection.close()
    cluster.replace_tables(AFTER)
    with pytest.raises(routedb.InterfaceError):
        cursor.execute("SELECT 1")


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"a": "nowhere"}, "nowhere"),
        ({"a": {"database": "main", "shard_key": "id"}}, "shard"),
        ({"a": 5}, "tables"),
    ],
)
def test_rules_that_cannot_be_change_nothing(cluster, tables, said):
    cursor = cluster.connect(autocommit=True).cursor()
    with pytest.raises(routedb.ConfigError, match=said):
        cluster.replace_tables(tables)
    assert where(cursor, "SELECT a FROM crm_users") == "crm"


def test_no_thread_runs_by_old_rules_once_they_are_replaced(cluster):
    """Each thread looks, after it was told, where its statement went."""
    stop, wrong = threading.Event(), []
    told: list[dict[str, object]] = [dict(BEFORE)]

    def run(number):
        cursor = cluster.connect(autocommit=True).cursor()
        turn = 0
        while not stop.is_set():
            turn += 1
            before = told[0]
            found = where(cursor, f"SELECT a FROM crm_t WHERE a = {turn % 50 + number}")
            if before is told[0] and found != before["crm_*"]:
                wrong.append((before, found))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(200):
        tables = (AFTER, BEFORE)[turn % 2]
        marker: dict[str, object] = dict(tables)
        told[0] = {"crm_*": object()}  # between the two nothing is certain
        cluster.replace_tables(tables)
        told[0] = marker
    stop.set()
    for thread in threads:
        thread.join()
    assert not [found for found in wrong if isinstance(found[0]["crm_*"], str)]
