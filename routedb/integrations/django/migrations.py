"""Migrations read from the writer, in whichever process they run.

`migrate` reads which tables there are and which migrations were applied, in autocommit
mode and often in a process of its own, which has written nothing that a replica could
be compared with. With a replica that is behind it would apply a migration twice.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_TABLE = "django_migrations"  # of MigrationRecorder.Migration


class Operations:
    """The part of DatabaseOperations that chooses the compiler of a SELECT."""

    def compiler(self, compiler_name: str) -> Any:
        """Return Django's class; that of a SELECT reads migrations from the writer."""
        found = super().compiler(compiler_name)  # type: ignore[misc]
        return (
            _with_migrations_on_writer(found)
            if compiler_name == "SQLCompiler"
            else found
        )


class _Compiler:
    """The part of a SQLCompiler that runs a statement."""

    connection: Any
    query: Any

    def execute_sql(self, *args: Any, **options: Any) -> Any:
        """Run it, on the writer when it reads the table of migrations."""
        model = self.query.model
        if model is None or model._meta.db_table != _TABLE:
            return super().execute_sql(*args, **options)  # type: ignore[misc]
        with self.connection.on_writer():
            return super().execute_sql(*args, **options)  # type: ignore[misc]


@cache
def _with_migrations_on_writer(compiler: type) -> type:
    return type(compiler.__name__, (_Compiler, compiler), {})
