"""Where each driver's tests connect to, and what differs between the servers there."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

import MySQLdb
import psycopg2

from routedb import adapters
from routedb.adapters.base import Adapter
from routedb.config import NodeConfig, load
from tests.support.servers import Server

TIMEOUT_S = 20.0
MODULES: dict[str, Any] = {
    "postgresql": psycopg2,
    "mysql": MySQLdb,
    "sqlite": sqlite3,
}


def node(dsn: str, **options: Any) -> NodeConfig:
    """Return the node of a DSN, as `connect` would read it."""
    [node] = load([dsn], options, environ={}, read_file=str).nodes
    return node


@dataclass(frozen=True)
class Home:
    """A database with an empty table t (id int PRIMARY KEY), and its adapter."""

    engine: str
    dsn: str
    server: Server | None = None  # None: a file

    @property
    def adapter(self) -> Adapter:
        return adapters.load(self.engine)

    @property
    def driver(self) -> Any:
        """The driver's module, with its exceptions."""
        return MODULES[self.engine]

    def connect(self, **options: Any) -> Any:
        """Open a raw connection."""
        return self.adapter.connect(node(self.dsn, **options), TIMEOUT_S)

    def write(self, raw: Any, key: int) -> None:
        """Insert one row."""
        self.adapter.run(raw, f"INSERT INTO t VALUES ({key})")

    def rows(self) -> list[int]:
        """Read the table past the connection under test."""
        raw = self.connect()
        try:
            found = self.adapter.run(raw, "SELECT id FROM t ORDER BY id")
        finally:
            self.adapter.close(raw)
        return [key for (key,) in found]
