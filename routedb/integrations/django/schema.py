"""Definitions that name no table: Django knows which one they are about.

PostgreSQL and SQLite drop and rename an index by its own name. Such a text would go to
the default database, where `IF EXISTS` says nothing of an index that is elsewhere.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.ddl_references import Statement, Table


class SchemaEditor:
    """The part of a DatabaseSchemaEditor that runs a definition."""

    connection: Any
    collect_sql: bool

    def execute(self, sql: Any, params: Any = ()) -> Any:
        """Run what Django runs, `sql` with `params`, where its table is."""
        table = None if self.collect_sql else self._table(sql)
        if table is None:
            return super().execute(sql, params)  # type: ignore[misc]
        with self.connection.introspection.at(table):
            return super().execute(sql, params)  # type: ignore[misc]

    def _table(self, sql: Any) -> str | None:
        """Return the table of a definition whose text names none."""
        parts = sql.parts.values() if isinstance(sql, Statement) else ()
        named = [each.table for each in parts if isinstance(each, Table)]
        if not named:
            return None
        self.connection.ensure_connection()
        plan = self.connection.connection.session.learn(str(sql)).plan
        return None if plan.statement.tables else str(named[0])
