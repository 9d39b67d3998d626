"""routedb's backend for PostgreSQL; a test database has a second one beside it."""

from __future__ import annotations

from typing import Any

import dealing  # type: ignore[import-not-found]  # on PYTHONPATH only there

from routedb.config.model import ClusterConfig
from routedb.integrations import driver
from routedb.integrations.django.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """routedb's, with rules."""

    def cluster(self, given: dict[str, Any]) -> ClusterConfig:
        """Return a configuration of two databases."""
        dsn, _ = self.address(given)
        if not self.settings_dict["NAME"].startswith("test_"):
            return super().cluster(given)
        if dsn not in _known:
            _known[dsn] = driver.read(dealing.document(dsn), {})
        return _known[dsn]


_known: dict[str, ClusterConfig] = {}
