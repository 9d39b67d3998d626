"""Django's SQLite backend on routedb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.db.backends.sqlite3 import base

from routedb.config.model import ClusterConfig
from routedb.integrations.django.wrapper import Creation, Routed, routed_driver
from routedb.integrations.driver import read

base.Database = routed_driver(base.Database)


class DatabaseWrapper(Routed, base.DatabaseWrapper):
    """Django's, with connections of routedb."""

    engine = "sqlite"
    django_wrapper = base.DatabaseWrapper
    creation_part = Creation

    def cluster(self, given: dict[str, Any]) -> ClusterConfig:
        """Return the configuration; that of a test database has one node."""
        given.pop("uri")  # a DSN has "file:" instead
        if not self.is_test:
            return super().cluster(given)
        dsn, options = self.address(given)
        return read(dsn, options)

    def address(self, given: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return a DSN."""
        name = str(given.pop("database"))
        path = name if name.startswith("file:") else quote(name, "/:")
        return f"sqlite:///{path}", given

    def close_runtime(self) -> None:
        """Close what routedb has open; a database in memory would be lost with it."""
        if not self.is_in_memory_db():
            super().close_runtime()
