"""A dialect of routedb's for SQLAlchemy's tests, whose database has a second one beside
it. It is a plugin of pytest only to be imported: that makes the dialect known."""

from __future__ import annotations

from typing import Any

import dealing  # type: ignore[import-not-found]  # on PYTHONPATH only there
from sqlalchemy.dialects import registry
from sqlalchemy.engine.url import URL

from routedb.config.model import ClusterConfig
from routedb.integrations import driver
from routedb.integrations.sqlalchemy import PostgreSQL


class Dealt(PostgreSQL):
    """`postgresql+dealt://`: routedb's, with rules."""

    supports_statement_cache = True

    def server_address(self, url: URL) -> tuple[Any, dict[str, Any]]:
        """Return a configuration of two databases."""
        dsn, options = super().server_address(url)
        if dsn not in _known:
            _known[dsn] = driver.read(dealing.document(dsn), options)
        return _known[dsn], {}


_known: dict[str, ClusterConfig] = {}
registry.register("postgresql.dealt", __name__, "Dealt")
