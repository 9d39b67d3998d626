"""Tools that wrap `psycopg2.connect` see routedb's links, and what runs on them.

The wrapper does what OpenTelemetry's instrumentation of psycopg2 does: it calls the
driver's `connect` with a cursor factory of its own.
"""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import cursor as PlainCursor  # noqa: N812

import routedb
from routedb.events import StatementRan


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Wrap the driver's `connect`; return the texts that cursors were given."""
    texts: list[str] = []
    connect = psycopg2.connect

    class TracedCursor(PlainCursor):
        def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
            texts.append(query)
            super().execute(query, vars)

    def wrapper(*args: Any, **keywords: Any) -> Any:
        if not keywords.get("async_"):  # the monitor's
            texts.append("(connect)")
            keywords.setdefault("cursor_factory", TracedCursor)
        return connect(*args, **keywords)

    monkeypatch.setattr(psycopg2, "connect", wrapper)
    return texts


def test_a_tool_sees_every_link_and_an_observer_every_statement(pg, traced):
    told: list[Any] = []
    with (
        routedb.observe(told.append, statements=True),
        routedb.Cluster(pg.dsns, consistency="eventual") as cluster,
    ):
        connection = cluster.connect(autocommit=True)
        cursor = connection.cursor()
        for _ in range(8):
            cursor.execute("SELECT 1 FROM pg_class LIMIT 1")
            assert cursor.fetchall() == [(1,)]
        nodes = {link.node.name for link in connection.session.links}
        assert traced.count("(connect)") == len(nodes)
        connection.close()
    ran = [event for event in told if isinstance(event, StatementRan)]
    assert [event.verb for event in ran] == ["SELECT"] * 8
    assert {str(event.node) for event in ran} <= nodes
    assert {event.node.system for event in ran if event.node} == {"postgresql"}
