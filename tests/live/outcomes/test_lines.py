"""An exception at any line of ours, on real servers: our state is the server's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

import routedb
from tests.live.conftest import FIXTURES
from tests.support.line_acts import ACTS, Lines

pytestmark = [
    pytest.mark.live,
    # What is raised inside a finalizer is dropped by the interpreter.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

IN_C = ("postgresql", "with-statement", "mariadb")  # their drivers fetch alone
STEP = 101  # of the lines, where not all are tried


@pytest.fixture(params=["postgresql", "with-statement", "mariadb", "sqlite"])
def lines(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Lines]:
    if request.param == "sqlite":
        yield from _sqlite(str(tmp_path / "lines.db"))
        return
    engine = "mariadb" if request.param == "mariadb" else "postgresql"
    database = request.getfixturevalue(FIXTURES[engine])
    database.execute("CREATE TABLE mark (id int PRIMARY KEY)")
    database.wait_replayed()

    def ids() -> set[int]:
        return {row[0] for row in database.execute("SELECT id FROM mark")}

    main: dict[str, Any] = {"nodes": [{"dsn": dsn} for dsn in database.dsns]}
    if request.param == "with-statement":
        main["begin"] = request.param
    with routedb.Cluster({"default": "main", "databases": {"main": main}}) as cluster:
        made = Lines(lambda autocommit: cluster.connect(autocommit=autocommit), ids)
        yield made
        made.close()


def _sqlite(path: str) -> Iterator[Lines]:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE mark (id INTEGER PRIMARY KEY)")

    def ids() -> set[int]:
        with closing(sqlite3.connect(path)) as raw:
            return {row[0] for row in raw.execute("SELECT id FROM mark")}

    nodes = [f"sqlite:///{path}", f"sqlite:///{path}?mode=ro"]
    with routedb.Cluster(nodes) as cluster:
        made = Lines(lambda autocommit: cluster.connect(autocommit=autocommit), ids)
        yield made
        made.close()


def test_our_state_is_the_servers(lines):
    """Some lines of each act."""
    for turn, name in enumerate(ACTS):
        at = 1 + turn % STEP
        while lines.interrupt(name, at):
            at += STEP
    assert lines.injected > 2 * len(ACTS)


@pytest.mark.long
@pytest.mark.parametrize("name", ACTS)
def test_at_each_line(lines, name, request):
    at = 1
    while lines.interrupt(name, at):
        at += 1
    if name == "fetch" and request.node.callspec.params["lines"] in IN_C:
        assert at == 1
    else:
        assert at > 5
