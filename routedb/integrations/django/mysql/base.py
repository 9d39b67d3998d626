"""Django's MySQL backend on routedb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.backends.mysql import base
from django.db.backends.mysql.creation import DatabaseCreation

from routedb.config.model import NodeConfig
from routedb.integrations.django.wrapper import Creation, Routed, routed_driver

base.Database = routed_driver(base.Database)


class MySQLCreation(Creation):
    """Clones test databases on the writer, too."""

    def _clone_db(self, source: str, target: str) -> None:
        """Dump and load with the address of the writer."""
        settings = {**self.connection.writer_settings(), "NAME": source}
        DatabaseCreation(base.DatabaseWrapper(settings))._clone_db(source, target)


class DatabaseWrapper(Routed, base.DatabaseWrapper):
    """Django's, with connections of routedb."""

    engine = "mysql"
    django_wrapper = base.DatabaseWrapper
    creation_part = MySQLCreation
    maintenance_database = "information_schema"

    def address(self, given: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """All is in mysqlclient's keywords."""
        return "mysql://", given

    def login(self, node: NodeConfig) -> dict[str, Any]:
        """A node's options hold its address too; NAME says which database."""
        return {key: v for key, v in node.options.items() if key != "database"}
