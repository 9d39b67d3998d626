"""Where reads over several groups run, and what becomes of links when one fails."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions as ext

import routedb
from routedb.topology.snapshot import Role
from tests.frontends.merged_world import World
from tests.support.server_rig import settle_all

COUNT = "SELECT count(*), sum(owner) FROM items"
JOIN = "SELECT a.id, b.id FROM items a JOIN items b ON a.owner > b.owner"


@pytest.fixture
def replicated(sqlite_dir: Path, stack: ExitStack) -> Any:
    """A connection to two shards, each with a replica: the same file, read-only."""
    shards = []
    for number in range(2):
        path = sqlite_dir / f"shard{number}.db"
        with closing(sqlite3.connect(path)) as raw:
            raw.executescript(
                "PRAGMA journal_mode = WAL; CREATE TABLE items (id int, owner int);"
                f"INSERT INTO items VALUES ({number}, {number})"
            )
        names = [
            {"dsn": f"sqlite:///{path}?mode={mode}", "name": f"{mode}{number}"}
            for mode in ("rw", "ro")
        ]
        stack.enter_context(closing(sqlite3.connect(path))).execute(
            "SELECT 1 FROM items"  # a reader in WAL mode needs the file of its index
        )
        shards.append(names)
    source = {
        "databases": {"shop": {"shards": shards}},
        "tables": {
            "items": {"database": "shop", "shard_key": "owner", "function": "modulo"}
        },
    }
    cluster = stack.enter_context(closing(routedb.Cluster(source)))
    connection = stack.enter_context(closing(cluster.connect(autocommit=True)))
    settle_all(cluster)
    return connection


@pytest.mark.parametrize("sql", [COUNT, JOIN, "SELECT * FROM items ORDER BY id"])
def test_parts_go_to_replicas_until_the_session_has_written(replicated, sql):
    cursor = replicated.cursor()
    cursor.execute(sql)
    assert cursor.route.role is Role.REPLICA
    assert cursor.node.name == "ro1"
    assert cursor.route.groups == (0, 1)
    with replicated.using(role="writer"):
        cursor.execute(sql)
        assert cursor.node.name == "rw1"
    cursor.execute("INSERT INTO items (id, owner) VALUES (3, 3)")
    cursor.execute("SELECT max(id) FROM items")
    assert cursor.fetchall() == [(3,)]


def test_a_link_that_is_lost_is_replaced_and_the_part_read_again(pg_world: World):
    cursor = pg_world.routed.cursor()
    cursor.execute(COUNT)
    expected = cursor.fetchall()
    for sql in (COUNT, "SELECT owner, sum(id) AS s FROM items GROUP BY owner"):
        for link in list(pg_world.routed.session.links):
            pid = link.raw.info.backend_pid
            with pg_world.one.cursor() as its:
                its.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            pg_world.one.rollback()
        cursor.execute(sql)
        assert cursor.rowcount > 0
        cursor.execute(COUNT)
        assert cursor.fetchall() == expected


@contextmanager
def _locked(world: World) -> Iterator[None]:
    """Keep reads of the first shard waiting, for at most a minute."""
    core = world.routed.session.core
    with closing(core.adapter(core.nodes[0]).connect(core.nodes[0], 5)) as raw:
        raw.autocommit = False
        raw.cursor().execute("SET idle_in_transaction_session_timeout = 60000")
        raw.cursor().execute("LOCK TABLE items")
        yield


def test_the_first_error_cancels_what_runs_elsewhere(pg_world: World):
    cursor = pg_world.routed.cursor()
    cursor.execute(COUNT)
    started = time.monotonic()
    with _locked(pg_world), pytest.raises(psycopg2.errors.DivisionByZero):
        cursor.execute("SELECT 1 / (owner - 1) FROM items")
    assert time.monotonic() - started < 50
    _check_links(pg_world)


def test_cancel_ends_what_runs_and_leaves_usable_links(pg_world: World):
    cursor = pg_world.routed.cursor()
    cursor.execute(COUNT)
    has_ended = threading.Event()

    def cancel() -> None:
        while not has_ended.wait(0.2):
            pg_world.routed.cancel()

    with _locked(pg_world):
        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("SELECT id FROM items")
        has_ended.set()
        canceller.join()
    _check_links(pg_world)


def _check_links(world: World) -> None:
    cursor = world.routed.cursor()
    for _ in range(3):
        cursor.execute(COUNT)
        assert cursor.fetchall() == [(12, 21)]
    for link in world.routed.session.links:
        assert link.raw.get_transaction_status() == ext.TRANSACTION_STATUS_IDLE
