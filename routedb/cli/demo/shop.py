"""The shop: seven SQLite files, and a configuration that makes four databases of them.

The replicas of `main` are names (symbolic links) of the writer's own file, opened
read-only: in WAL mode they read what was committed while the writer writes. Each has a
name of its own, so one of them can be taken away.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import routedb

REPLICAS = ("main-replica-1", "main-replica-2")
SHARDS = 4

_CONFIG = """\
default = "main"

[databases.main]
retry_after = "50ms"
nodes = [
    { name = "main-writer", dsn = "sqlite:///FOLDER/main.db?mode=rw" },
    { name = "main-replica-1", dsn = "sqlite:///FOLDER/main-replica-1.db?mode=ro" },
    { name = "main-replica-2", dsn = "sqlite:///FOLDER/main-replica-2.db?mode=ro" },
]

[databases.orders]
shards = [
    { name = "orders-0", dsn = "sqlite:///FOLDER/orders-0.db" },
    { name = "orders-1", dsn = "sqlite:///FOLDER/orders-1.db" },
    { name = "orders-2", dsn = "sqlite:///FOLDER/orders-2.db" },
    { name = "orders-3", dsn = "sqlite:///FOLDER/orders-3.db" },
]

[databases.crm]
nodes = [{ name = "crm", dsn = "sqlite:///FOLDER/crm.db" }]
read_only = true

[databases.archive]
nodes = [{ name = "archive", dsn = "sqlite:///FOLDER/archive.db" }]

[tables]
"crm_*" = "crm"
"old_*" = "archive"
"countries" = { database = "orders", reference = true }
"orders" = { database = "orders", shard_key = "customer_id", function = "modulo" }
"items" = { database = "orders", shard_key = "customer_id", function = "modulo" }
"""

_MAIN = (
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, country TEXT)",
    "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, cents INT, stock INT)",
    "INSERT INTO customers VALUES (5, 'Ada', 'CH'), (6, 'Ben', 'FR'), (7, 'Eve', 'CH')",
    "INSERT INTO products VALUES (1, 'tea', 450, 20), (2, 'cup', 900, 8)",
)
_SHARD = (
    "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, country TEXT, cents INT,"
    " state TEXT DEFAULT 'new')",
    "CREATE TABLE items (order_id INT, customer_id INT, product TEXT, n INT)",
    "CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT)",
    "INSERT INTO countries VALUES ('CH', 'Switzerland'), ('FR', 'France')",
)
_CRM = (
    "CREATE TABLE crm_contacts (customer_id INTEGER PRIMARY KEY, phone TEXT)",
    "INSERT INTO crm_contacts VALUES (5, '044 555 01'), (7, '044 555 02')",
)
_ARCHIVE = (
    "CREATE TABLE old_orders (id INTEGER PRIMARY KEY, customer_id INT, cents INT)",
    "INSERT INTO old_orders VALUES (1, 5, 700), (2, 6, 1200)",
)


class Shop:
    """The files of the shop, in a folder that is there and empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "routedb.toml"

    def build(self) -> None:
        """Write the files and the configuration."""
        _fill(self.folder / "main.db", _MAIN)
        _fill(self.folder / "crm.db", _CRM)
        _fill(self.folder / "archive.db", _ARCHIVE)
        for shard in range(SHARDS):
            _fill(self.folder / f"orders-{shard}.db", _SHARD)
        for replica in REPLICAS:
            self.bring_back(replica)
        self.config.write_text(
            _CONFIG.replace("FOLDER", str(self.folder)), encoding="utf-8"
        )

    def take_away(self, replica: str) -> None:
        """Make a replica unreachable, under whatever links are open to it."""
        self._path(replica).unlink()

    def bring_back(self, replica: str) -> None:
        """Make it reachable."""
        self._path(replica).symlink_to("main.db")

    def _path(self, node: str) -> Path:
        return self.folder / f"{node}.db"


def _fill(path: Path, statements: Iterable[str]) -> None:
    connection = routedb.connect(f"sqlite:///{path}", autocommit=True)
    with closing(connection), closing(connection.cursor()) as cursor:
        for statement in statements:
            cursor.execute(statement)
