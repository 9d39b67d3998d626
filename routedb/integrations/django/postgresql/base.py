"""Django's PostgreSQL backend on routedb. It needs psycopg2."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from django.db.backends.postgresql.creation import DatabaseCreation
from django.db.backends.postgresql.psycopg_any import is_psycopg3

from routedb.config.model import NodeConfig
from routedb.integrations.django.wrapper import Creation, Routed, connect

if is_psycopg3:
    raise ImproperlyConfigured(
        "routedb routes psycopg2, but Django takes psycopg 3 wherever it is installed: "
        "uninstall psycopg"
    )


def _module(driver: Any) -> ModuleType:
    """Return a module that is the driver's in all but `connect`."""
    made = ModuleType(driver.__name__, driver.__doc__)
    vars(made).update({**vars(driver), "connect": connect})
    return made


class PostgreSQLCreation(Creation, DatabaseCreation):
    """Creates test databases on the writer."""


class DatabaseWrapper(Routed, base.DatabaseWrapper):
    """Django's, with connections of routedb."""

    engine = "postgresql"
    plain = base.DatabaseWrapper
    Database = _module(base.Database)
    creation_class = PostgreSQLCreation
    any_name = "postgres"

    def address(self, given: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return a DSN of libpq's keywords."""
        return base.Database.extensions.make_dsn(**given), {}

    def login(self, node: NodeConfig) -> dict[str, Any]:
        """A DSN is an argument of psycopg2.connect."""
        return {"dsn": node.dsn, **node.options}
