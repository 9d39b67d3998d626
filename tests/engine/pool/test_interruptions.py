"""An exception at any line while links are borrowed and given back: no place is lost.

On the fake driver and on SQLite; on servers in `tests/live/pool/test_interruptions.py`.
"""

from __future__ import annotations

import sqlite3
import weakref
from contextlib import closing

import pytest

import routedb
from routedb.adapters import fake
from tests.support.inject import KINDS
from tests.support.pool_acts import ACTS, LIMITS, Pooled, interrupt

# What is raised inside a finalizer is dropped by the interpreter.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
APART: weakref.WeakSet[fake.Link] = weakref.WeakSet()


def connect_apart(self, node, timeout_s):
    """Open the monitor's link, and remember that it is that."""
    raw = self.connect(node, timeout_s)
    APART.add(raw)
    return raw


def sessions(server):
    """How many links there are beside the monitor's."""
    return sum(raw not in APART for raw in list(server.links))


@pytest.fixture(params=["fake", "sqlite"])
def pooled(request, tmp_path, monkeypatch):
    if request.param == "sqlite":
        path = str(tmp_path / "pool.db")
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE t (a int)")
        with routedb.Cluster(f"sqlite:///{path}", pool=LIMITS) as cluster:
            write = "INSERT INTO t VALUES (1)"
            yield Pooled(cluster, "SELECT a FROM t", write, lambda: None)
        return
    monkeypatch.setattr(fake.FakeAdapter, "connect_apart", connect_apart)
    with fake.Server("w") as server:
        server.answer("SELECT", rows=[(1,)], columns=["a"])
        with routedb.Cluster("fake://w", pool=LIMITS) as cluster:
            cluster.connect().close()
            write = "INSERT INTO t VALUES (1)"
            yield Pooled(cluster, "SELECT a FROM t", write, lambda: sessions(server))


@pytest.mark.parametrize("name", ACTS)
def test_no_place_is_lost(pooled, name):
    """Some lines; others the next time."""
    for at in range(1 + list(ACTS).index(name) % 7, 100_000, 7):
        if not interrupt(pooled, name, at, KINDS[at % 2]):
            break
    assert at > 7


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ACTS)
def test_at_each_line(pooled, name, kind):
    at = 1
    while interrupt(pooled, name, at, kind):
        at += 1
    assert at > 10
