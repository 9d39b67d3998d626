"""What connect and Cluster give, and what they take."""

from __future__ import annotations

from pathlib import Path

import psycopg2.extensions
import psycopg2.extras
from typing_extensions import assert_type

import routedb


class Own(psycopg2.extensions.connection):
    def greeting(self) -> str:
        return "hello"


def make(dsn: str) -> Own:
    return Own(dsn)


DSN = "postgresql://app@db1/shop"

assert_type(routedb.connect(), routedb.Connection)
assert_type(routedb.connect(DSN), routedb.Connection)
assert_type(routedb.connect([DSN, DSN], consistency="process"), routedb.Connection)
assert_type(routedb.connect([DSN, {"dsn": DSN, "weight": 2}]), routedb.Connection)
assert_type(routedb.connect(Path("routedb.toml")), routedb.Connection)
assert_type(
    routedb.connect({"databases": {"main": {"nodes": [DSN]}}}), routedb.Connection
)
assert_type(routedb.connect(host="db1", dbname="shop", port=5432), routedb.Connection)
assert_type(
    routedb.connect(DSN, cursor_factory=psycopg2.extras.DictCursor, autocommit=True),
    routedb.Connection,
)

# As with psycopg2.connect, a factory says what is made.
assert_type(routedb.connect(DSN, connection_factory=Own), Own)
assert_type(routedb.connect(DSN, Own), Own)
assert_type(
    routedb.connect(DSN, connection_factory=psycopg2.extensions.connection),
    psycopg2.extensions.connection,
)

with routedb.connect(DSN) as conn:
    assert_type(conn, routedb.Connection)

with routedb.Cluster("routedb.toml", shadow=True) as cluster:
    assert_type(cluster, routedb.Cluster)
    assert_type(cluster.connect(autocommit=True), routedb.Connection)
    assert_type(cluster.connect(connection_factory=Own), Own)
    assert_type(cluster.config, routedb.ClusterConfig)
    assert_type(cluster.close(), None)

routedb.connect(42)  # type: ignore[call-overload]
routedb.connect(DSN, autocommit="yes")  # type: ignore[call-overload]
routedb.connect(DSN, connection_factory=make)  # type: ignore[call-overload]
routedb.Cluster(42)  # type: ignore[arg-type]
