"""Placements in the state tables count above the rules that were written."""

from __future__ import annotations

import time
from typing import Any

import pytest

import routedb
from routedb.adapters import fake
from routedb.adapters.fake.placements import FakePlacements
from routedb.config.placements import Placement, Placements
from routedb.engine.run import follow
from routedb.engine.shared import placement_watch
from routedb.errors import Fault

READ = "SELECT a FROM items"
TABLE = FakePlacements(lambda raw, sql: [])


@pytest.fixture
def servers():
    made = [fake.Server("home"), fake.Server("copy", "replica"), fake.Server("old")]
    for server in made:
        server.position = "0/100"
        server.answer("SELECT", rows=[(server.name,)], columns=["a"])
        server.answer("UPDATE", rowcount=1)
    yield made
    for server in made:
        server.close()


def config(nodes=("fake://home", "fake://copy"), **more):
    return {
        "default": "main",
        "databases": {
            "main": {"nodes": list(nodes), "reads": "writer"},
            "crm": {"nodes": ["fake://old"]},
        },
        "tables": {"items": "crm"},
        **more,
    }


def place(server, places, move=""):
    raw = server.connect()
    if server.placements is None:
        TABLE.make(raw, None)
    TABLE.write(raw, None, places, move)


def where(cursor, sql=READ):
    cursor.execute(sql)
    return cursor.route.database


def wait_until(told, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_new_process_never_sends_anything_to_the_old_place(servers):
    place(servers[0], {"items": "main"}, "shop")
    with routedb.Cluster(config()) as cluster:
        connection = cluster.connect(autocommit=True)
        cursor: Any = connection.cursor()
        assert where(cursor) == "main"
        assert cursor.route.reason.startswith(
            "table items is in database main by placement 1 of move 'shop'"
        )
        assert connection.explain(READ).route.database == "main"
    assert not servers[2].log


@pytest.mark.parametrize("nodes", [("fake://home", "fake://copy"), ("fake://home",)])
def test_a_process_learns_of_a_change_whether_its_home_is_probed_or_not(servers, nodes):
    place(servers[0], {})
    with routedb.Cluster(config(nodes)) as cluster:
        cursors = [cluster.connect(autocommit=True).cursor() for _ in range(2)]
        assert [where(cursor) for cursor in cursors] == ["crm", "crm"]
        place(servers[0], {"items": "main"})
        wait_until(lambda: where(cursors[0]) == "main")
        assert where(cursors[1]) == "main"
        place(servers[0], {"items": "crm"})
        wait_until(lambda: where(cursors[1]) == "crm")


@pytest.mark.parametrize("nodes", [("fake://home", "fake://copy"), ("fake://home",)])
def test_a_table_of_placements_that_is_made_later_is_found(servers, nodes, monkeypatch):
    monkeypatch.setattr(placement_watch, "ABSENT_S", 0.0)
    with routedb.Cluster(config(nodes)) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        assert where(cursor) == "crm"
        place(servers[0], {"items": "main"})
        wait_until(lambda: where(cursor) == "main")


def test_rules_that_are_replaced_stay_below_the_placements(servers):
    place(servers[0], {"items": "main"})
    with routedb.Cluster(config()) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        cluster.replace_tables({"items": "crm", "others": "crm"})
        assert where(cursor) == "main"
        assert where(cursor, "SELECT a FROM others") == "crm"


def test_a_place_that_is_not_known_here_refuses_its_table_alone(servers):
    place(servers[0], {"items": "new", "others": "crm"}, "shop")
    with routedb.Cluster(config()) as cluster:
        connection = cluster.connect(autocommit=True)
        cursor = connection.cursor()
        with pytest.raises(routedb.UnknownTableError, match=r"items is in new by pla"):
            cursor.execute(READ)
        with pytest.raises(routedb.UnknownTableError, match="move 'shop'"):
            cursor.execute("SELECT a FROM others, items")
        assert where(cursor, "SELECT a FROM others") == "crm"
        with connection.using("crm"):
            assert where(cursor) == "crm"


def test_without_an_answer_nobody_connects(servers):
    servers[0].placements = Placements(3)
    servers[0].fail("placements", Fault.STATEMENT)
    with routedb.Cluster(config(["fake://home"])) as cluster:  # nobody else asks
        with pytest.raises(routedb.OperationalError, match="routedb_placements"):
            cluster.connect()
        cluster.connect().close()  # it is asked again


def test_an_error_of_a_later_question_changes_nothing(servers):
    place(servers[0], {"items": "main"})
    with routedb.Cluster(config()) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        servers[0].fail("placements", Fault.STATEMENT, times=2)
        wait_until(lambda: not servers[0].has_script)
        assert where(cursor) == "main"
        place(servers[0], {"items": "crm"})
        wait_until(lambda: where(cursor) == "crm")


def test_older_placements_do_not_replace_newer_ones(servers):
    place(servers[0], {"items": "main"})
    with routedb.Cluster(config()) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        servers[0].placements = Placements(0)
        again = cluster.connect(autocommit=True).cursor()
        assert (where(cursor), where(again)) == ("main", "main")


def test_the_state_may_be_in_another_database_than_the_default(servers):
    place(servers[2], {"items": "main"})
    servers[0].placements = Placements(9, (Placement("items", "crm", 9),))
    with routedb.Cluster(config(state="crm")) as cluster:
        assert where(cluster.connect(autocommit=True).cursor()) == "main"


def test_a_transaction_is_not_begun_by_the_question(servers):
    place(servers[0], {"items": "main"})
    with routedb.Cluster(config()) as cluster:
        connection = cluster.connect()
        cursor = connection.cursor()
        assert where(cursor, "UPDATE items SET a = 1") == "main"
        connection.commit()
    assert "UPDATE items SET a = 1" in servers[0].texts


def test_one_database_alone_has_no_placements(servers):
    place(servers[0], {"items": "nowhere"})
    one = {"databases": {"main": {"nodes": ["fake://home"]}}}
    with routedb.Cluster(one) as cluster:
        assert where(cluster.connect(autocommit=True).cursor()) == "main"


def test_what_meets_a_fence_asks_at_once_and_is_run_by_a_new_plan(servers):
    place(servers[0], {})
    with routedb.Cluster(config(["fake://home"])) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        for sql in ("UPDATE items SET a = 1", "INSERT INTO items VALUES (1)"):
            place(servers[0], {"items": "crm"})
            wait_until(lambda: where(cursor) == "crm")
            place(servers[0], {"items": "main"})
            servers[2].fail("execute", Fault.MOVED, match=sql[:6])
            assert where(cursor, sql) == "main"
        assert servers[0].texts[-1] == sql


def test_a_fence_that_no_placement_leads_out_of_is_an_error(servers):
    place(servers[0], {})
    servers[2].fail("execute", Fault.MOVED, match="UPDATE", times=10_000)
    with routedb.Cluster(config()) as cluster:
        connection = cluster.connect(autocommit=True)
        with pytest.raises(routedb.OperationalError, match="scripted moved"):
            connection.cursor().execute("UPDATE items SET a = 1")


def test_what_another_thread_puts_in_force_meanwhile_is_followed(servers, monkeypatch):
    """Between the looks at what is in force and at how long it has taken."""
    place(servers[0], {})
    monkeypatch.setattr(follow, "_KNOWN_S", 0.0)
    with routedb.Cluster(config()) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        sql = "UPDATE items SET a = 1"
        assert where(cursor, sql) == "crm"
        version = cluster.runtime.core.ruleset.placements.version + 1
        monkeypatch.setattr(follow, "fence_version", lambda said: version)
        servers[2].fail("execute", Fault.MOVED, match="UPDATE", times=10)

        def learn(core, link):
            clock = core.clock

            def late():
                monkeypatch.setattr(core, "clock", clock)
                place(servers[0], {"items": "main"})
                placement_watch.ask_again(core, 5.0)
                return clock()

            monkeypatch.setattr(core, "clock", late)

        monkeypatch.setattr(follow, "learn", learn)
        assert where(cursor, sql) == "main"


def test_who_follows_asks_over_the_connection_that_is_there(servers):
    place(servers[0], {})
    with routedb.Cluster(config(["fake://home"])) as cluster:
        core = cluster.runtime.core
        watch = placement_watch.PlacementWatch(core, lambda: True)
        assert watch._tend()  # as its thread does
        place(servers[0], {"items": "main"})
        opened = servers[0].connect().number
        watch.ask_again(5.0)
        (found,) = core.ruleset.placements.rows
        assert found.place == "main"
        assert servers[0].connect().number == opened + 1
        place(servers[0], {"items": "crm"})
        servers[0].drop_links()
        watch.ask_again(5.0)  # over a new one
        (found,) = core.ruleset.placements.rows
        assert found.place == "crm"
        watch.stop()


def test_executemany_in_autocommit_is_not_run_again(servers):
    place(servers[0], {"items": "main"})
    servers[0].fail("execute", Fault.MOVED, match="INSERT")
    with routedb.Cluster(config()) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        with pytest.raises(routedb.OperationalError) as caught:
            cursor.executemany("INSERT INTO items VALUES (%s)", [(1,), (2,)])
        assert not caught.value.retry_is_safe


def test_a_transaction_that_has_read_a_table_where_it_was_is_lost(servers):
    place(servers[0], {})
    with routedb.Cluster(config(["fake://home"])) as cluster:
        connection = cluster.connect()
        cursor = connection.cursor()
        assert where(cursor) == "crm"
        place(servers[0], {"items": "main"})
        other = cluster.connect(autocommit=True).cursor()
        wait_until(lambda: where(other) == "main")
        with pytest.raises(routedb.TransactionLost, match="has been moved to main"):
            cursor.execute("UPDATE items SET a = 1")
        connection.rollback()
        assert where(cursor, "UPDATE items SET a = 1") == "main"


@pytest.fixture
def sharded(servers):
    shards = [fake.Server(f"shard{number}") for number in range(2)]
    for server in shards:
        server.answer("SELECT", rows=[(server.name,)], columns=["a"])
    yield config(
        ["fake://home"],
        tables={"items": {"database": "orders", "shard_key": "id"}},
        databases={
            "main": {"nodes": ["fake://home"]},
            "orders": {"shards": ["fake://shard0", "fake://shard1"]},
        },
    )
    for server in shards:
        server.close()


def test_a_map_of_buckets_and_a_directory_are_placements_too(servers, sharded):
    rule = {"database": "orders", "shard_key": "id"}
    place(servers[0], {})
    with routedb.Cluster(sharded) as cluster:
        cursor: Any = cluster.connect(autocommit=True).cursor()

        def shard():
            cursor.execute("SELECT a FROM items WHERE id = 1")
            return cursor.route.groups

        assert shard() == (0,)  # bucket 3850
        owned = [["0-3849", "3851-16383"], [3850]]
        place(servers[0], {"items": {**rule, "buckets": owned}})
        wait_until(lambda: shard() == (1,))
        place(
            servers[0], {"items": {**rule, "function": "directory", "values": [[], []]}}
        )
        wait_until(lambda: shard() == (0,))
        tenants = {**rule, "function": "directory", "values": [[], [1]]}
        place(servers[0], {"items": tenants})
        wait_until(lambda: shard() == (1,))
