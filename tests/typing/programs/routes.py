"""Where statements go: using, explain, provenance, classify, report."""

from __future__ import annotations

from typing_extensions import assert_type

import routedb
from routedb.config.model import NodeConfig
from routedb.sql import Kind, Table
from routedb.topology.snapshot import Role


def told(conn: routedb.Connection) -> None:
    with conn.using("archive", role="replica", consistency="eventual") as same:
        assert_type(same, routedb.Connection)
    with conn.using(role=1):  # type: ignore[arg-type]
        pass


def explained(conn: routedb.Connection) -> None:
    found = conn.explain("SELECT * FROM t WHERE id = %s", (1,))
    assert_type(found, routedb.Explanation)
    assert_type(found.route, routedb.Route)
    assert_type(found.statement, routedb.Statement)
    assert_type(found.database, str)
    assert_type(found.groups, tuple[int, ...])
    assert_type(found.role, Role)
    assert_type(found.reason, str)
    assert_type(found.nodes, tuple[NodeConfig, ...])
    assert_type(found.route.reasons, tuple[tuple[routedb.Reason, str], ...])
    conn.explain(None)  # type: ignore[arg-type]


def provenance(cur: routedb.Cursor) -> None:
    assert_type(cur.route, routedb.Route | None)
    assert_type(cur.node, NodeConfig | None)
    print(cur.node.name)  # type: ignore[union-attr]


def classified() -> None:
    found = routedb.classify(b"SELECT 1", dialect="mysql", functions={"f": "read"})
    assert_type(found, routedb.Statement)
    assert_type(found.kind, Kind)
    assert_type(found.read_only, bool)
    assert_type(found.tables, tuple[Table, ...])
    assert_type(found.tables[0].schema, str | None)
    assert_type(found.writes, tuple[Table, ...])
    assert_type(found.reason, str)
    routedb.classify(None)  # type: ignore[arg-type]


def reported() -> None:
    report = routedb.report()
    assert_type(report, routedb.Report)
    assert_type(report.lines, tuple[routedb.Line, ...])
    assert_type(report.total, int)
    assert_type(report.roles, dict[str, int])
    assert_type(report.lines[0].refusal, str)


def patched() -> None:
    with routedb.patch("routedb.toml", drivers=["psycopg2"], shadow=True) as patch:
        assert_type(patch.drivers, tuple[str, ...])
    patch.undo()
    routedb.patch("routedb.toml", drivers=5)  # type: ignore[arg-type]
