"""Django's SQLite backend on routedb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from django.db.backends.sqlite3 import base

from routedb.config.model import ClusterConfig
from routedb.integrations.django.wrapper import Creation, Routed, routed_driver
from routedb.integrations.driver import read

base.Database = routed_driver(base.Database)

# What Django registers on each connection, as functions of their arguments alone
# (django/db/backends/sqlite3/_functions.py). Those that SQLite has as well are known.
_FUNCTIONS = (
    *("django_date_extract", "django_date_trunc", "django_datetime_cast_date"),
    *("django_datetime_cast_time", "django_datetime_extract", "django_datetime_trunc"),
    *("django_time_extract", "django_time_trunc", "django_time_diff"),
    *("django_timestamp_diff", "django_format_dtdelta", "regexp"),
    *("bitxor", "cot", "lpad", "md5", "repeat", "reverse", "rpad"),
    *("sha1", "sha224", "sha256", "sha384", "sha512"),
)
_READS = dict.fromkeys(_FUNCTIONS, "read")


class DatabaseWrapper(Routed, base.DatabaseWrapper):
    """Django's, with connections of routedb."""

    engine = "sqlite"
    django_wrapper = base.DatabaseWrapper
    creation_part = Creation

    def cluster(self, given: dict[str, Any]) -> ClusterConfig:
        """Return the configuration; that of a test database has one node."""
        given.pop("uri")  # a DSN has "file:" instead
        if self.is_test:
            dsn, options = self.address(given)
            config = read(dsn, options)
        else:
            config = super().cluster(given)
        return replace(config, functions={**_READS, **config.functions})

    def address(self, given: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return a DSN."""
        name = str(given.pop("database"))
        path = name if name.startswith("file:") else quote(name, "/:")
        return f"sqlite:///{path}", given

    def close_runtime(self) -> None:
        """Close what routedb has open; a database in memory would be lost with it."""
        if not self.is_in_memory_db():
            super().close_runtime()
