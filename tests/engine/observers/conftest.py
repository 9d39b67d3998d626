"""What observers were told in a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from weakref import WeakSet

import pytest

import routedb
from routedb.adapters import fake
from routedb.cli.startup import wait_for_nodes
from routedb.engine.plans.tally import TALLY
from routedb.observers import observe


@pytest.fixture
def statements(rig) -> Iterator[list[Any]]:
    """The events of a rig, those of statements included."""
    told: list[Any] = []
    with observe(told.append, statements=True):
        yield told


@pytest.fixture(autouse=True)
def _runtimes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runtimes of other tests, which live on unused, are not among the process's."""
    monkeypatch.setattr("routedb.runtime._alive", WeakSet())


@pytest.fixture
def two_nodes() -> Iterator[Callable[[], routedb.Cluster]]:
    """Open a cluster of a writer `w` and a replica `r` that are known; nothing was
    counted before."""
    with ExitStack() as stack:
        for name, role in (("w", "writer"), ("r", "replica")):
            server = stack.enter_context(fake.Server(name, role=role))
            server.answer("SELECT", rows=[(1,)], columns=["a"])
            server.answer("INSERT", rowcount=1)

        def open_() -> routedb.Cluster:
            nodes = [{"dsn": f"fake://{name}", "name": name} for name in "wr"]
            made = stack.enter_context(routedb.Cluster(nodes, consistency="eventual"))
            made.connect()  # so that the monitor asks
            wait_for_nodes(made)
            return made

        TALLY.clear()
        yield open_
    TALLY.clear()
