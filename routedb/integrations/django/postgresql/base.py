"""Django's PostgreSQL backend on routedb. It needs psycopg2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import is_psycopg3

from routedb.config.model import NodeConfig
from routedb.integrations.django.wrapper import Creation, Routed, routed_driver

if is_psycopg3:
    raise ImproperlyConfigured(
        "routedb routes psycopg2, but Django takes psycopg 3 wherever it is installed: "
        "uninstall psycopg"
    )


class DatabaseWrapper(Routed, base.DatabaseWrapper):
    """Django's, with connections of routedb."""

    engine = "postgresql"
    django_wrapper = base.DatabaseWrapper
    Database = routed_driver(base.Database)
    creation_part = Creation
    maintenance_database = "postgres"

    def address(self, given: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return a DSN of libpq's keywords."""
        return base.Database.extensions.make_dsn(**given), {}

    def login(self, node: NodeConfig) -> dict[str, Any]:
        """A DSN is an argument of psycopg2.connect."""
        return {"dsn": node.dsn, **node.options}
