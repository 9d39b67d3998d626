"""A small cluster of fake servers that is a shadow, and the counts of each test."""

from __future__ import annotations

from contextlib import ExitStack
from weakref import WeakSet

import pytest

import routedb
from routedb.adapters import fake
from routedb.cli.startup import wait_for_nodes
from routedb.engine.plans.tally import TALLY

SERVERS = {
    "main-w": "writer",
    "main-r": "replica",
    "crm-w": "writer",
    "crm-r": "replica",
    "o0": "writer",
    "o1": "writer",
}
SOURCE = {
    "default": "main",
    "databases": {
        "main": {"nodes": ["fake://main-w", "fake://main-r"]},
        "crm": {"nodes": ["fake://crm-w", "fake://crm-r"], "read_only": True},
        "orders": {"shards": ["fake://o0", "fake://o1"]},
    },
    "tables": {
        "crm_*": "crm",
        "orders": {
            "database": "orders",
            "shard_key": "id",
            "function": "modulo",
            "key_type": "integer",
        },
    },
}


@pytest.fixture(autouse=True)
def _counts(monkeypatch):
    """Each test begins with none, and leaves none: runtimes of other tests, which live
    on unused, are not among those of the process."""
    monkeypatch.setattr("routedb.runtime._alive", WeakSet())
    TALLY.clear()
    yield
    TALLY.clear()


@pytest.fixture
def servers():
    """The servers by name; each answers whatever it is asked."""
    with ExitStack() as stack:
        made = {
            name: stack.enter_context(fake.Server(name, role=role))
            for name, role in SERVERS.items()
        }
        for server in made.values():
            server.answer("SELECT", rows=[(1,)], columns=["a"])
            server.answer("INSERT", rowcount=1)
            server.answer("UPDATE", rowcount=1)
        yield made


@pytest.fixture
def open_shadow(servers):
    """Open a cluster of them; its nodes are known before the first statement."""
    with ExitStack() as stack:

        def open_(**keywords):
            source = {**SOURCE, "shadow": True, **keywords}
            cluster = stack.enter_context(routedb.Cluster(source))
            cluster.connect()  # so that the monitor asks
            wait_for_nodes(cluster)
            return cluster

        yield open_


@pytest.fixture
def shadow(open_shadow):
    """A connection to it, in autocommit mode."""
    return open_shadow().connect(autocommit=True)
