"""Tools that wrap `psycopg2.connect` see what the program runs: all of it, once, and
nothing of routedb's own. `tests/suites/tools.py` shows the same of the real ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import cursor as PlainCursor  # noqa: N812
from psycopg2.extras import DictCursor

import routedb
from routedb.events import StatementRan
from tests.support.servers import wait_until
from tests.support.tracers import Tool, by_factory, by_proxy

STATEMENTS = (
    "SELECT count(*) FROM pg_class",
    "CREATE TEMPORARY TABLE traced (id int)",
    "INSERT INTO traced VALUES (1)",
    "SELECT id FROM traced",
    "SELECT count(*) FROM pg_type",
)
TOOLS: dict[str, Tool] = {"factory": by_factory, "proxy": by_proxy}


class DjangoCursor(PlainCursor):
    """A cursor factory of the program's."""


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg2, "connect", psycopg2.connect)


@pytest.fixture(params=TOOLS)
def traced(request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    """Have a tool wrap the driver's `connect`; return the texts that it notes."""

    def put() -> list[str]:
        texts: list[str] = []
        setattr(psycopg2, "connect", TOOLS[request.param](psycopg2.connect, texts))  # noqa: B010
        return texts

    return put


def run(connection: Any) -> None:
    """Run the statements, once all nodes have answered probes."""
    core = connection.session.core
    wait_until(lambda: core.topology.groups[0].read_ring, "the replicas are known")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for text in STATEMENTS:
            cursor.execute(text)
            if text.startswith("SELECT"):
                assert len(cursor.fetchall()) == 1


@pytest.mark.parametrize("factory", [None, DjangoCursor, DictCursor])
def test_connect_shows_each_statement_once(pg, traced, factory):
    texts = traced()
    with closing(routedb.connect(pg.dsns, cursor_factory=factory)) as connection:
        run(connection)
        with connection.cursor() as cursor:
            assert isinstance(cursor, factory or PlainCursor)
    assert texts == list(STATEMENTS)


@pytest.mark.parametrize("factory", [None, DjangoCursor])
def test_so_does_a_connection_whose_link_was_another_s(pg, traced, factory):
    texts = traced()
    with routedb.Cluster(pg.dsns, pool={"max": 1}) as cluster:
        for _ in range(3):
            with closing(cluster.connect(cursor_factory=factory)) as connection:
                run(connection)
            assert texts == list(STATEMENTS)
            texts.clear()


@pytest.mark.parametrize("factory", [None, DjangoCursor])
@pytest.mark.parametrize("first", ["patch", "tool"])
def test_so_does_patch_whichever_came_first(pg, traced, first, factory):
    texts = traced() if first == "tool" else []
    with routedb.patch(pg.dsns):
        if first == "patch":
            texts = traced()
        given = {"cursor_factory": factory} if factory else {}
        with closing(psycopg2.connect("host=not.used", **given)) as connection:
            run(connection)
    assert texts == list(STATEMENTS)


def test_rows_of_a_named_cursor_come_through_a_proxy(pg, traced):
    texts = traced()
    connection: Any = routedb.connect(pg.dsns)
    with closing(connection):
        cursor = connection.cursor("rows")
        cursor.execute("SELECT generate_series(1, 5)")
        assert [row for (row,) in cursor] == [1, 2, 3, 4, 5]
        assert connection.info.dbname == pg.name
        assert connection.closed == 0
    assert texts == ["SELECT generate_series(1, 5)"]


def test_an_observer_sees_every_statement_as_well(pg, traced):
    traced()
    told: list[Any] = []
    with (
        routedb.observe(told.append, statements=True),
        closing(routedb.connect(pg.dsns, consistency="eventual")) as connection,
    ):
        run(connection)
    ran = [event for event in told if isinstance(event, StatementRan)]
    begin = zip(STATEMENTS, [event.verb for event in ran], strict=True)
    assert all(text.startswith(verb.split()[0]) for text, verb in begin)
    assert {event.node.system for event in ran if event.node} == {"postgresql"}
