"""Two empty shards on one engine, for what defines tables on them."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import routedb

ENGINES = ["postgresql", "mysql", "sqlite"]
ITEMS = "CREATE TABLE items (id integer, owner integer, PRIMARY KEY (owner, id))"


class Shop:
    """Two shards on one engine: `items*` are sharded by `owner`, `places` is a
    reference table."""

    def __init__(self, dsns: list[str], engine: str, stack: ExitStack) -> None:
        rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
        source = {
            "default": "shop",
            "databases": {"shop": {"shards": [[dsn] for dsn in dsns]}},
            "tables": {
                "items*": rule,
                "places": {"database": "shop", "reference": True},
                "regions": {"database": "shop", "shard_key": "code"},
            },
        }
        self.source = source
        self.engine = engine
        self.stack = stack
        self.cluster = stack.enter_context(routedb.Cluster(source))
        self.connection = self.connect(autocommit=True)
        self.cursor = self.connection.cursor()

    def connect(self, **options: Any) -> Any:
        """Open a connection, closed after the test."""
        return self.stack.enter_context(closing(self.cluster.connect(**options)))

    def elsewhere(self) -> Any:
        """Return a cursor of another process, as far as catalogs are concerned."""
        cluster = self.stack.enter_context(routedb.Cluster(self.source))
        opened = cluster.connect(autocommit=True)
        return self.stack.enter_context(closing(opened)).cursor()

    def run(self, sql: str, shard: int | None = None) -> Any:
        """Run a text, on one shard when that is given; return its rows."""
        hint = "" if shard is None else f"/* routedb: shard={shard} */ "
        self.cursor.execute(hint + sql)
        rows = self.cursor.fetchall() if self.cursor.description else ()
        return [tuple(row) for row in rows]

    def has(self, table: str) -> list[bool]:
        """Tell which shards have a table."""
        return [self._has(table, shard) for shard in range(2)]

    def _has(self, table: str, shard: int) -> bool:
        try:
            self.run(f"SELECT * FROM {table}", shard)
        except routedb.DatabaseError:
            return False
        return True


def lite_shop(folder: Path, stack: ExitStack) -> Shop:
    """In SQLite files."""
    paths = [folder / f"shard{number}.db" for number in range(2)]
    for path in paths:
        sqlite3.connect(path).close()
    return Shop([f"sqlite:///{path}" for path in paths], "sqlite", stack)


def server_shop(engine: str, servers: Any, stack: ExitStack) -> Shop:
    """On databases of `servers`."""
    databases = [stack.enter_context(servers.database()) for _ in range(2)]
    return Shop([each.writer_dsn for each in databases], engine, stack)
