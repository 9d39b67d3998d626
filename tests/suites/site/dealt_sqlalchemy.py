"""A dialect of routedb's for SQLAlchemy's tests, whose database has a second one beside
it. It is a plugin of pytest only to be imported: that makes the dialect known."""

from __future__ import annotations

import sys
from typing import Any

import dealing  # type: ignore[import-not-found]  # on PYTHONPATH only there

sys.path.insert(0, "lib")  # of the sources: this is loaded before what adds it

from sqlalchemy.dialects import registry  # noqa: E402
from sqlalchemy.engine.url import URL  # noqa: E402

from routedb.integrations.sqlalchemy import PostgreSQL  # noqa: E402


class Dealt(PostgreSQL):
    """`postgresql+dealt://`: routedb's, with rules."""

    supports_statement_cache = True

    def server_address(self, url: URL) -> tuple[Any, dict[str, Any]]:
        """Return a configuration of two databases."""
        dsn, options = super().server_address(url)
        if dsn not in _known:
            _known[dsn] = dealing.document(dsn)
        return _known[dsn], options


_known: dict[str, Any] = {}
registry.register("postgresql.dealt", __name__, "Dealt")
