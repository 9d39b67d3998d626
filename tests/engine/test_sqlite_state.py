"""Session state of SQLite on every link, by text and by script."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import routedb
from routedb.engine.links.link import Link

NODES = ("replica1", "writer")


@pytest.fixture
def connection(sqlite_dir: Path) -> Iterator[routedb.Connection]:
    path = sqlite_dir / "home.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("CREATE TABLE t (id integer)")
        raw.commit()
    with closing(sqlite3.connect(sqlite_dir / "other.db")) as raw:
        raw.execute("CREATE TABLE o (id integer)")
        raw.commit()
    nodes = [
        {"dsn": f"sqlite:///{path}?mode=ro", "name": "replica1"},
        {"dsn": f"sqlite:///{path}?mode=rw", "name": "writer"},
    ]
    source = {"default": "main", "databases": {"main": {"nodes": nodes}}}
    with routedb.Cluster(source) as cluster:
        yield cluster.connect(autocommit=True)


def everywhere(connection: routedb.Connection, sql: str) -> dict[str, object]:
    """Ask each node, its link opened if it is not."""
    links = connection.session.links
    found: dict[str, object] = {}
    for node in connection.session.core.nodes:
        link: Link = links.get(node.id)
        found[node.name] = link.adapter.run(link.raw, sql)[0][0]
    return found


def test_a_pragma_holds_on_every_link_by_every_road(connection):
    asked = "PRAGMA cache_size"
    cursor = connection.cursor()
    roads = (
        lambda: cursor.execute("PRAGMA cache_size = 11"),
        lambda: cursor.execute("PRAGMA cache_size(12)"),
        lambda: cursor.executescript("PRAGMA cache_size = 13; SELECT 1;"),
        lambda: cursor.executescript(
            "INSERT INTO t VALUES (1); PRAGMA cache_size = 14;"
        ),
        lambda: connection.execute(b"PRAGMA cache_size = 15"),
    )
    for number, road in enumerate(roads, start=11):
        road()
        assert everywhere(connection, asked) == dict.fromkeys(NODES, number)
    for link in connection.session.links:
        connection.session.links.drop(link)
    assert everywhere(connection, asked) == dict.fromkeys(NODES, 15)
    assert list(cursor.execute("SELECT count(*) FROM t")) == [(1,)]


def test_an_attached_file_is_attached_to_every_link(connection, sqlite_dir):
    other = str(sqlite_dir / "other.db")
    connection.execute("ATTACH ? AS other", (other,))
    asked = "SELECT count(*) FROM other.o"
    assert everywhere(connection, asked) == dict.fromkeys(NODES, 0)
    connection.execute("DETACH other")
    for node in connection.session.core.nodes:
        link = connection.session.links.get(node.id)
        with pytest.raises(sqlite3.OperationalError):
            link.adapter.run(link.raw, asked)


def test_a_temporary_table_is_read_where_it_is(connection):
    connection.execute("CREATE TEMP TABLE t (id integer)")
    connection.execute("INSERT INTO t VALUES (7)")
    assert [str(pin) for pin in connection.pins] == ["temporary table t on writer"]
    with connection.using(consistency="eventual"):
        assert list(connection.execute("SELECT id FROM t")) == [(7,)]
        assert list(connection.execute("SELECT id FROM temp.t")) == [(7,)]
        connection.execute("DROP TABLE t")
    assert connection.pins == ()
    assert list(connection.execute("SELECT id FROM t")) == []


def test_a_temporary_table_is_undone_by_a_rollback(connection):
    connection.execute("BEGIN")
    connection.execute("CREATE TEMP TABLE mine (id integer)")
    connection.execute("ROLLBACK")
    assert connection.pins == ()
