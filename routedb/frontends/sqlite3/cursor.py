"""The virtual cursor of the SQLite frontend, a sqlite3 cursor."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol

from routedb import errors
from routedb.adapters.base import Raw, RawCursor, ResultSet
from routedb.adapters.sqlite.sqlite3 import ADAPTER
from routedb.engine.execute import execute
from routedb.engine.links.link import Link
from routedb.engine.run import executor
from routedb.engine.shared.error_texts import joined_class
from routedb.frontends.base import ClassSwitchingCursor, class_like
from routedb.frontends.cursor import Owner
from routedb.frontends.sqlite3.inherited_cursor import InheritedSqlite3Cursor
from routedb.sql.scanner.own_placeholders import to_pyformat


class SQLiteOwner(Owner, Protocol):
    """What a cursor of this frontend needs of its connection."""

    row_factory: Any


def _raw_attribute(name: str) -> Any:
    """Return a property that shows an attribute of the cursor that ran the last
    statement."""
    member = sqlite3.Cursor.__dict__[name]

    def get(self: SQLiteCursor) -> Any:
        raw = self.raw
        # The key stays, as in sqlite3: a COMMIT may come after the INSERT.
        if type(raw) is InheritedSqlite3Cursor or (raw is None and name == "lastrowid"):
            return member.__get__(self)
        return -1 if raw is None and name == "rowcount" else getattr(raw, name, None)

    return property(get, doc=member.__doc__)


# The stubs of sqlite3 do not have what is shared with other frontends.
_Base: Any = sqlite3.Cursor
_fetchone: Any = sqlite3.Cursor.fetchone


class SQLiteCursor(ClassSwitchingCursor, _Base):  # type: ignore[misc]
    """A cursor of a routedb connection that is sqlite3's too: see `cursor_class`."""

    is_plain = True  # no cursor class of the user's: %s is translated

    def __init__(self, connection: SQLiteOwner) -> None:
        self._connection = connection
        self.attached_to: Raw = None  # the driver's connection that it is a cursor of
        self.row_factory = connection.row_factory
        self.attach(connection)
        # Then shards are found, and texts are taken apart, by pyformat's placeholders.
        self.is_over_groups = len(self.session.core.topology.groups) > 1

    description = _raw_attribute("description")
    rowcount = _raw_attribute("rowcount")
    lastrowid = _raw_attribute("lastrowid")

    @property
    def connection(self) -> SQLiteOwner:  # type: ignore[override]
        """The connection it belongs to."""
        return self._connection

    # -- running -------------------------------------------------------------------

    def execute(  # type: ignore[override]
        self, sql: Any, parameters: Any = None, /
    ) -> SQLiteCursor:
        """Run `sql` with `parameters` by its route, and return this cursor (sqlite3).

        Placeholders are `%s` and `%(name)s`, or sqlite3's `?` and `:name`.
        """
        if self.is_over_groups and type(sql) is str:
            sql, parameters = to_pyformat(sql, parameters)
        execute(self, sql, parameters)
        return self

    def executemany(  # type: ignore[override]
        self, sql: Any, parameters: Iterable[Any], /
    ) -> SQLiteCursor:
        """Run `sql` for every set in `parameters`, and return this cursor."""
        if self.is_over_groups and type(sql) is str:
            parameters = list(parameters)
            made = [to_pyformat(sql, each) for each in parameters]
            if len({text for text, _ in made}) == 1:  # else they do not fit all
                sql, parameters = made[0][0], [values for _, values in made]
        super().executemany(sql, parameters)
        return self

    def executescript(self, sql_script: str, /) -> SQLiteCursor:
        """Commit, then run the statements of a text, and return this cursor."""
        session = self._usable_session()
        if not isinstance(sql_script, str):
            raise TypeError(f"a script must be str, not {type(sql_script).__name__}")
        session.commit()
        if sql_script.strip():
            executor.carry(
                session, self, sql_script, lambda raw: raw.executescript(sql_script)
            )
        return self

    # -- life ----------------------------------------------------------------------

    def close(self) -> None:
        """Close; every later use raises InterfaceError (PEP 249)."""
        super().close()
        if self.attached_to is not None:
            with suppress(sqlite3.ProgrammingError):  # the link is closed already
                sqlite3.Cursor.close(self)

    def attach_to(self, db: Raw) -> None:
        """Become a cursor of the driver's connection `db`."""
        if self.attached_to is not db:
            factory = self.row_factory
            sqlite3.Cursor.__init__(self, db)
            self.row_factory = factory
            self.attached_to = db

    def _without_rows(self) -> Any:
        return _NOTHING

    # -- what the engine calls -----------------------------------------------------

    def make_raw_cursor(self, link: Link) -> Any:
        """Open a raw cursor on `link`: this object, where that is SQLite's."""
        if link.adapter.engine != "sqlite":
            return super().make_raw_cursor(link)
        return InheritedSqlite3Cursor(self, link.raw)

    def _metadata_of(self, raw: ResultSet) -> Any:
        """Return nothing for what ran in this object: it has the metadata."""
        return raw if type(raw) is InheritedSqlite3Cursor else super()._metadata_of(raw)

    def _close_raw(self, raw: RawCursor, link: Link) -> None:
        """Close a raw cursor; this object too, when it was the raw one."""
        if type(raw) is InheritedSqlite3Cursor:
            with suppress(sqlite3.ProgrammingError):
                sqlite3.Cursor.close(self)
        else:
            super()._close_raw(raw, link)


class _Nothing:
    """The result of sqlite3's fetch methods without a result set."""

    def fetchone(self) -> None:
        """There is no row."""

    def fetchmany(self, size: int) -> list[Any]:
        """There are no rows."""
        return []

    def fetchall(self) -> list[Any]:
        """There are no rows."""
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())


_NOTHING = _Nothing()


class _InheritedFetch:
    """The fetch methods of a cursor with rows: SQLite computes rows while they are
    fetched, so fetching may fail, and no other thread may use the link meanwhile."""

    arraysize: int
    link: Any

    def fetchone(self) -> Any:
        """Return the next row, or None after the last (PEP 249)."""
        with self.link.lock:  # as in `_fetch`
            try:
                return _fetchone(self)
            except sqlite3.Error as exc:
                raise ADAPTER.adopt(exc)  # noqa: B904  (the same exception)

    def fetchmany(self, size: int | None = None) -> Any:
        """Return up to `size` rows, by default `arraysize` (PEP 249)."""
        return self._fetch(_Base.fetchmany, self.arraysize if size is None else size)

    def fetchall(self) -> Any:
        """Return all rows that are left (PEP 249)."""
        return self._fetch(_Base.fetchall)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._fetch(_Base.__next__)

    def _fetch(self, call: Any, *args: Any) -> Any:
        with self.link.lock:
            try:
                return call(self, *args)
            except sqlite3.Error as exc:
                raise ADAPTER.adopt(exc)  # noqa: B904  (the same exception)


@lru_cache(maxsize=256)
def cursor_class(factory: Any) -> Any:
    """Return the class of virtual cursors for a subclass of `sqlite3.Cursor`.

    In its order of bases the user's class comes before ours and ours before sqlite3's,
    so that what it calls by `super()` is routed. Raises NotSupportedError, a
    TypeError as well, for what is no such class.
    """
    if not (isinstance(factory, type) and issubclass(factory, sqlite3.Cursor)):
        kind = errors.NotSupportedError
        raise joined_class(TypeError, ADAPTER.error_class(kind), kind)(
            f"factory must be a subclass of sqlite3.Cursor, found {factory!r}: what a "
            "function makes cannot be routed"
        )
    if issubclass(factory, SQLiteCursor):
        return factory
    if factory is sqlite3.Cursor:
        delegated_fetch = class_like(factory, SQLiteCursor)
        inherited_fetch = class_like(factory, _InheritedFetch, SQLiteCursor)
    else:
        base = cursor_class(sqlite3.Cursor)
        delegated_fetch, inherited_fetch = (
            class_like(factory, factory, base),
            class_like(factory, factory, base.inherited_fetch),
        )
    for kind in (delegated_fetch, inherited_fetch):
        kind.delegated_fetch, kind.inherited_fetch = delegated_fetch, inherited_fetch
        kind.is_plain = factory is sqlite3.Cursor
    return delegated_fetch
