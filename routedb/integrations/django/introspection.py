"""Which tables there are, and what they are, where rules give them several databases.

Django asks catalogs, and a catalog names no table of the program's: it would be that of
the default database. So each question about a table is asked of the database that the
rules give it, and the list of tables is that of all databases of the backend's engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import Any, TypeVar, cast

from routedb.engine.session import Session
from routedb.integrations.places import place_of, places_of

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _there(method: _Method) -> _Method:
    """Let a method that is given a cursor and a table ask the table's database."""

    @wraps(method)
    def ask(self: Any, cursor: Any, table_name: str, *args: Any, **more: Any) -> Any:
        with self.at(table_name):
            return method(self, cursor, table_name, *args, **more)

    return cast(_Method, ask)


class Introspection:
    """The part of a DatabaseIntrospection that knows of several databases."""

    connection: Any

    def table_names(self, *args: Any, **options: Any) -> Any:
        """Return the names of the writers' tables: see `migrations`."""
        with self.connection.on_writer():
            return super().table_names(*args, **options)  # type: ignore[misc]

    def get_table_list(self, cursor: Any) -> Any:
        """Return the tables that `cursor` finds where the rules say they are."""
        return [
            table
            for name in self._databases()
            for table in self._listed(cursor, name)
            if name is None or place_of(self._session, None, table.name) == name
        ]

    @_there
    def get_table_description(self, cursor: Any, table_name: str) -> Any:
        """Return what Django returns for `cursor` and `table_name`."""
        return super().get_table_description(cursor, table_name)  # type: ignore[misc]

    @_there
    def get_sequences(self, cursor: Any, table_name: str, *args: Any) -> Any:
        """Return what Django returns for `cursor`, `table_name` and `args`."""
        return super().get_sequences(cursor, table_name, *args)  # type: ignore[misc]

    @_there
    def get_relations(self, cursor: Any, table_name: str) -> Any:
        """Return what Django returns for `cursor` and `table_name`."""
        return super().get_relations(cursor, table_name)  # type: ignore[misc]

    @_there
    def get_primary_key_columns(self, cursor: Any, table_name: str) -> Any:
        """Return what Django returns for `cursor` and `table_name`."""
        return super().get_primary_key_columns(cursor, table_name)  # type: ignore[misc]

    @_there
    def get_constraints(self, cursor: Any, table_name: str) -> Any:
        """Return what Django returns for `cursor` and `table_name`."""
        return super().get_constraints(cursor, table_name)  # type: ignore[misc]

    # -- where -------------------------------------------------------------------------

    def at(self, table: str) -> AbstractContextManager[Any]:
        """Send the statements of a `with` block to the database of `table`: else a
        transaction would have them where it writes."""
        if not places_of(self._session, self.connection.engine):
            return nullcontext()
        place = place_of(self._session, None, table)
        return nullcontext() if place is None else self._using(place)

    @property
    def _session(self) -> Session:
        self.connection.ensure_connection()
        return cast(Session, self.connection.connection.session)

    def _databases(self) -> list[str | None]:
        """Return the databases whose catalogs list tables; None: as ever, one."""
        return [*places_of(self._session, self.connection.engine)] or [None]

    def _listed(self, cursor: Any, name: str | None) -> Any:
        with nullcontext() if name is None else self._using(name):
            return super().get_table_list(cursor)  # type: ignore[misc]

    @contextmanager
    def _using(self, name: str) -> Iterator[None]:
        with self.connection.connection.using(name):
            yield
