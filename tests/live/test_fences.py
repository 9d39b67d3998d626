"""Statements that meet a fence, on real servers: the table is at another place now."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import Any

import pytest

import routedb
from routedb import adapters
from routedb.config.label import label_of
from routedb.engine.run import follow
from routedb.runtime import read_config
from routedb.session.fence import FENCED, fence_text, fence_version, is_fence_text

pytestmark = [pytest.mark.live]

FIXTURES = {"postgresql": "pg", "mariadb": "my"}
WRITE = "UPDATE items SET v = v + 1 WHERE id = 1"


def fence(kind, version):
    """What makes a fence at `items`, and what takes it away."""
    said = fence_text("items", "new", version, kind == "postgresql")
    if kind == "postgresql":
        return [
            "CREATE FUNCTION fence() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION USING ERRCODE = '{FENCED}', MESSAGE = '{said}', "
            f"DETAIL = 'version {version}'; END $$",
            "CREATE TRIGGER fence BEFORE INSERT OR UPDATE OR DELETE ON items "
            "FOR EACH STATEMENT EXECUTE FUNCTION fence()",
        ], ["DROP FUNCTION fence() CASCADE"]
    act = f"SELECT RAISE(ABORT, '{said}');"
    if kind == "mariadb":
        act = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{said}';"
    return [
        f"CREATE TRIGGER fence BEFORE UPDATE ON items FOR EACH ROW BEGIN {act} END"
    ], ["DROP TRIGGER fence"]


def where(cursor: Any) -> str:
    """The database that the last statement ran in."""
    return cursor.route.database


class Moved:
    """Table `items` in the home `old`, and in `new`, of the same kind."""

    def __init__(self, kind, dsns, new, admin=None):
        self.kind = kind
        self.admin = admin  # runs a text with the right to make triggers
        self.source = {
            "default": "old",
            "databases": {
                "old": {"nodes": dsns, "failover_timeout": "20s"},
                "new": {"nodes": [new]},
            },
            "transactions": "single",
        }
        home = read_config(self.source, {}).home
        assert home is not None
        self.node = home.nodes[0]
        self.adapter = adapters.load(self.node.engine)
        self.namespace = label_of(self.node).namespace
        self.run_old(
            "CREATE TABLE items (id int PRIMARY KEY, v int NOT NULL)",
            "INSERT INTO items VALUES (1, 0)",
            "CREATE TABLE others (id int PRIMARY KEY)",
            "INSERT INTO others VALUES (1)",
        )
        with closing(routedb.connect(new, autocommit=True)) as connection:
            cursor = connection.cursor()
            cursor.execute("CREATE TABLE items (id int PRIMARY KEY, v int)")
            cursor.execute("INSERT INTO items VALUES (1, 100)")
        with closing(self.adapter.connect(self.node, 5.0)) as raw:
            self.adapter.placements.make(raw, self.namespace)

    def run_old(self, *texts):
        with closing(self.adapter.connect(self.node, 5.0)) as raw:
            for text in texts:
                if self.admin is None:
                    self.adapter.run(raw, text)
                else:
                    self.admin(text)

    def flip(self):
        with closing(self.adapter.connect(self.node, 5.0)) as raw:
            self.adapter.placements.write(raw, self.namespace, {"items": "new"}, "mv")


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def moved(request, tmp_path):
    kind = request.param
    if kind == "sqlite":
        files = [f"sqlite:///{tmp_path}/{name}.db" for name in ("old", "new")]
        yield Moved(kind, files[:1], files[1])
        return
    # One node: nobody but the fence tells of it within a second.
    database = request.getfixturevalue(FIXTURES[kind])
    with database.cluster.database() as new:
        yield Moved(kind, [database.writer_dsn], new.writer_dsn, database.execute)


def test_what_is_alone_follows_its_table_and_a_transaction_is_lost(moved):
    made, _ = fence(moved.kind, 1)
    with routedb.Cluster(moved.source) as cluster:
        alone = cluster.connect(autocommit=True).cursor()
        first = cluster.connect()
        for cursor in (alone, first.cursor()):
            cursor.execute(WRITE)  # known texts, open links
            assert where(cursor) == "old"
        first.commit()
        moved.run_old(*made)
        moved.flip()
        alone.execute(WRITE)
        assert (where(alone), alone.rowcount) == ("new", 1)
        alone.execute("SELECT v FROM items")
        assert list(alone.fetchall()) == [(101,)]
        cursor = first.cursor()
        cursor.execute(WRITE)
        assert where(cursor) == "new"
        first.commit()


def test_the_second_of_a_transaction_is_lost_with_the_place_in_its_text(moved):
    made, _ = fence(moved.kind, 1)
    with routedb.Cluster(moved.source) as cluster:
        connection = cluster.connect()
        cursor = connection.cursor()
        cursor.execute("SELECT id FROM others")
        cursor.fetchall()
        moved.run_old(*made)
        with pytest.raises(
            routedb.TransactionLost, match="items has been moved to new"
        ):
            cursor.execute(WRITE)
        moved.flip()
        connection.rollback()
        cursor.execute(WRITE)
        assert where(cursor) == "new"
        connection.commit()


def test_who_comes_between_the_fence_and_the_placement_waits_for_that(
    moved, monkeypatch
):
    monkeypatch.setattr(follow, "_KNOWN_S", 60)  # the placement may take its time here
    made, _ = fence(moved.kind, 1)
    with routedb.Cluster(moved.source) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        cursor.execute(WRITE)
        moved.run_old(*made)
        done = []

        def write():
            cursor.execute(WRITE)
            done.append(where(cursor))

        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.2)  # it may be late, and then there is nothing to wait for
        assert not done
        moved.flip()
        thread.join()
        assert done == ["new"]


def test_a_fence_that_is_taken_away_lets_who_waits_pass(moved):
    made, dropped = fence(moved.kind, 1)
    with routedb.Cluster(moved.source) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        cursor.execute(WRITE)
        moved.run_old(*made)
        thread = threading.Thread(target=lambda: cursor.execute(WRITE))
        thread.start()
        moved.run_old(*dropped)
        thread.join()
        assert where(cursor) == "old"
        cursor.execute("SELECT v FROM items")
        assert list(cursor.fetchall()) == [(2,)]


def test_what_no_placement_leads_out_of_is_raised(moved):
    made, _ = fence(moved.kind, 1)
    with routedb.Cluster(moved.source) as cluster:
        connection = cluster.connect(autocommit=True)
        cursor = connection.cursor()
        moved.flip()
        moved.run_old(*made)
        with (
            connection.using("old"),
            pytest.raises(routedb.Error, match="items has been moved to new"),
        ):
            cursor.execute(WRITE)


def test_the_text_of_a_fence_tells_what_it_was_made_of():
    for has_code in (True, False):
        said = fence_text("t", "new", 42, has_code)
        assert "table t has been moved to new" in said
        assert is_fence_text(said) is not has_code
    assert fence_version(fence_text("t" * 99, "new", 42, False)) == 42
    assert len(fence_text("t" * 99, "new", 42, False)) <= 120
    assert (
        fence_version("said\nDETAIL:  version 7\nCONTEXT:  function version 9()") == 7
    )
    assert fence_version(str((1644, fence_text("t", "new", 42, False)))) == 42
    assert fence_version("nothing") == 0
