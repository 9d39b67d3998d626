"""The virtual cursor of the PostgreSQL frontend, a psycopg2 cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from typing import Any

from psycopg2 import extensions as ext

from routedb import errors
from routedb.adapters.postgresql import joined_begin
from routedb.adapters.postgresql.copying import copy_from_text, table_text
from routedb.adapters.tracing import unwrapped
from routedb.engine.links.link import Link
from routedb.engine.run import executor
from routedb.engine.run.merged_result import MergedResult
from routedb.frontends.base.c_methods import redefine_for
from routedb.frontends.cursor import Cursor
from routedb.frontends.psycopg2.cursor_attributes import (
    raw_attribute,
    row_factory_attribute,
    shared_attribute,
    string_types_attribute,
)
from routedb.frontends.psycopg2.identity import IdentityConnection
from routedb.frontends.psycopg2.inherited_connection import InheritedConnection
from routedb.frontends.psycopg2.inherited_cursor import InheritedPsycopg2Cursor
from routedb.frontends.psycopg2.link_cursors import open_link_cursor
from routedb.sql.session_objects import ObjectKind, SessionObject

# The stubs of psycopg2 do not have what is shared with other frontends.
_Base: Any = ext.cursor
_init: Any = ext.cursor.__init__  # before it is guarded: see guarded_types


class PostgreSQLCursor(Cursor, _Base):  # type: ignore[misc]
    """A cursor of a routedb connection that is psycopg2's as well.

    `conn` is the virtual connection. With a `name` its rows stay on the server until
    they are fetched.

    A statement on the identity handle runs in this object itself, one on another link
    in a raw cursor that takes over what was set here.
    """

    # Without a __dict__, as psycopg2's: CPython would look up each method there first,
    # once the object has changed its class.
    __slots__ = (
        "_arraysize",
        "_fetchall",
        "_fetchmany",
        "_fetchone",
        "_is_closed",
        "control",
        "fetching_from",
        "is_observed",
        "link",
        "raw",
        "raw_cursors",
        "route",
        "session",
    )

    connection: IdentityConnection
    is_plain = True  # no cursor factory of the user's: see factories
    own_raw = InheritedPsycopg2Cursor
    execute_own: Any = ext.cursor.execute
    own_description: Any = ext.cursor.description

    def __init__(self, conn: IdentityConnection, name: str | None = None) -> None:
        if name is None:
            _init(self, conn)
        else:
            _init(self, conn, name)
            # It may fetch from a cursor that was declared in SQL under its name.
            self.__class__ = NamedCursor if self.is_plain else type(self)
        self.attach(conn)

    description = raw_attribute("description")
    rowcount = raw_attribute("rowcount", -1)
    rownumber = raw_attribute("rownumber", 0)
    lastrowid = raw_attribute("lastrowid", 0)
    _query = raw_attribute("query")
    _statusmessage = raw_attribute("statusmessage")
    pgresult_ptr = raw_attribute("pgresult_ptr")
    arraysize = shared_attribute("arraysize")
    itersize = shared_attribute("itersize")
    tzinfo_factory = shared_attribute("tzinfo_factory")
    row_factory = row_factory_attribute()
    string_types: Any = string_types_attribute()
    setinputsizes = ext.cursor.setinputsizes
    setoutputsize: Any = ext.cursor.setoutputsize
    # In C all the way: it needs no live server.
    mogrify: Any = ext.cursor.mogrify

    @property
    def query(self) -> bytes | None:
        """The text that was sent last, or a BEGIN that will be sent with the next
        one."""
        if self.raw is None and self.control is not None:
            return self.control.text.encode(ext.encodings[self.connection.encoding])
        sent: bytes | None = self._query
        return joined_begin.alone(sent)

    @property
    def statusmessage(self) -> str | None:
        """The command tag of the last statement, or of a BEGIN that is not sent yet."""
        if self.raw is None and self.control is not None:
            return self.control.tag
        said: str | None = self._statusmessage
        return said

    def callproc(self, procname: str, parameters: Any = None) -> Any:
        """Run a SELECT of the function `procname`; return the `parameters`
        (psycopg2)."""
        return super().callproc(procname, parameters)

    @property
    def closed(self) -> bool:
        """Tell whether the cursor, or its connection, has been closed."""
        return self._is_closed or self.connection.is_closed

    def close(self) -> None:
        """Close; a named cursor is closed on its server too."""
        if self._is_closed:
            return
        raws = list(self.raw_cursors.values())
        if self.name and self.withhold:
            for link in self.raw_cursors:
                self.connection.session.links.pins.free(self._session_object, link.id)
        if self.name and isinstance(self.raw, MergedResult):
            self.raw.close()  # rows of it are on servers
        super().close()
        ran_here = any(isinstance(raw, InheritedPsycopg2Cursor) for raw in raws)
        if (
            not self.name or not raws or ran_here
        ) and self.connection.has_live_identity:
            self._call_driver(ext.cursor.close, self)

    def nextset(self) -> Any:
        """Raise NotSupportedError, as psycopg2 does."""
        self._usable_session()
        return self._call_driver(ext.cursor.nextset, self)

    def copy_from(
        self,
        file: Any,
        table: str,
        sep: str = "\t",
        null: str = "\\N",
        size: int = 8192,
        columns: Any = None,
    ) -> None:
        """Read rows of a table from a file (psycopg2), whose lines have the `columns`,
        all by default, with `sep` between them and `null` for NULL; it is read in
        pieces of `size` bytes."""

        def copy(raw: Any, part: Any, lines: Any) -> None:
            raw.copy_expert(part, lines, size)

        executor.carry(
            self._usable_session(),
            self,
            copy_from_text(table, sep, null, columns),
            lambda raw: raw.copy_from(file, table, sep, null, size, columns),
            merges=self.copying(copy, file),
        )

    def copy_to(
        self,
        file: Any,
        table: str,
        sep: str = "\t",
        null: str = "\\N",
        columns: Any = None,
    ) -> None:
        """Write the rows of a table to a file (psycopg2): the `columns`, all by
        default, with `sep` between them and `null` for NULL."""

        def copy(raw: Any, _: Any = None, sink: Any = file) -> None:
            raw.copy_to(sink, table, sep, null, columns)

        text, merges = f"COPY {table_text(table)} TO STDOUT", self.copying(copy, file)
        executor.carry(self._usable_session(), self, text, copy, merges=merges)

    def _callproc_text(self, procname: str, parameters: Any) -> tuple[str, Any]:
        """Return the SELECT that psycopg2 runs for a function with a known effect on
        the session; for any other the text of a CALL, which may do anything."""
        if isinstance(parameters, Mapping):
            marks = [f'"{name}" := %({name})s' for name in parameters]
        else:
            marks = ["%s"] * len(parameters or ())
        text = f"SELECT * FROM {procname}({', '.join(marks)})"
        if self._usable_session().learn(text).plan.statement.session:
            return text, parameters or None
        return super()._callproc_text(procname, parameters)

    def cast(self, oid: int, s: str) -> Any:
        """Convert the text `s` to a value of the type `oid`, by the types registered
        here."""
        return ext.cursor.cast(self, oid, s)

    def _call_driver(self, call: Any, *args: Any) -> Any:
        return self.connection.call_driver(call, *args)

    def open_raw_cursor(self, link: Link) -> Any:
        """Open a raw cursor on `link` and keep it in `raw_cursors`."""
        raw = super().open_raw_cursor(link)
        if self.name:
            self._pin(link)
        return raw

    def make_raw_cursor(self, link: Link) -> Any:
        """Open a raw cursor on `link`: this object, where that is the identity handle,
        else one that has what was set on this one and on its connection."""
        if type(link.raw) is InheritedConnection:
            return InheritedPsycopg2Cursor.on(self, link)
        return self._open_link_cursor(link, self.name)

    def make_part_cursor(self, link: Link) -> Any:
        """Open a raw cursor on `link` for a part of a statement, without a name, which
        has what was set on this one and on its connection."""
        return self._open_link_cursor(link, None)

    def _pin(self, link: Link) -> None:
        """A named cursor WITH HOLD stays on the node where it is opened until its
        close."""
        if self.withhold and link.adapter.engine == "postgresql":
            session = self.connection.session
            is_undone = session.transaction.is_open
            session.links.pins.hold(self._session_object, link.id, is_undone=is_undone)

    @property
    def _session_object(self) -> SessionObject:
        return SessionObject(ObjectKind.CURSOR, str(self.name))

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Move in the result. Raises ProgrammingError outside of it (psycopg2)."""
        try:
            super().scroll(value, mode)
        except IndexError as exc:
            raise self._error(errors.ProgrammingError, str(exc)) from None

    def bind_fetch(self, raw: Any) -> None:
        """Fetch from `raw` from now on."""
        if not self.is_plain:
            self.fetching_from = raw
        elif isinstance(raw, InheritedPsycopg2Cursor):
            self.fetching_from = raw
            self._unbind_fetch_methods()
            self.__class__ = NamedCursor if self.name else InheritedFetchCursor
        else:
            self._unbind_fetch_methods()
            if self.name:  # its rows are the server's: fetching may fail
                self.fetching_from = raw
            else:
                super().bind_fetch(raw)

    def __iter__(self) -> Iterator[Any]:
        raw = unwrapped(self.fetching_from)  # a tracing tool's, and C code reads it
        if not (self.name and isinstance(raw, ext.cursor)):
            return super().__iter__()
        return chain.from_iterable(self._batches(raw, partial(islice, raw)))

    def _batches(
        self, rows: Any, next_rows: Callable[[int], Iterable[Any]]
    ) -> Iterator[Iterable[Any]]:
        """Yield the rows of a named cursor as psycopg2 has them from the server,
        `itersize` at a time: only the first of a batch may fail. `next_rows` returns
        the next so many."""
        its = ext.cursor
        while True:
            try:
                yield (self._call_driver(its.__next__, rows),)
            except StopIteration:
                return
            yield next_rows(its.rowcount.__get__(rows) - its.rownumber.__get__(rows))

    def unbind_fetch(self) -> None:
        """Fetch by the methods of the class, as there are no rows; but a named cursor's
        columns are known only after its first fetch."""
        if self.name and self.raw is not None:
            self.bind_fetch(self.raw)
        elif self.fetching_from is not None:
            self.fetching_from = None
            self._unbind_fetch_methods()

    def detach_link(self, link: Link) -> None:
        """Drop everything that came over `link`."""
        super().detach_link(link)
        if type(link.raw) is InheritedConnection and not self.name:
            ext.cursor.close(self)

    def _metadata_of(self, raw: Any) -> Any:
        """Return nothing for what ran in this object: it has the metadata."""
        is_here = isinstance(raw, InheritedPsycopg2Cursor)
        return raw if is_here else super()._metadata_of(raw)

    def _close_raw(self, raw: Any, link: Link) -> None:
        """Close a raw cursor; a named one is left to the reset of its session."""
        if not self.name:
            super()._close_raw(raw, link)

    def _bind_fetch_methods(self, raw: Any) -> None:
        self._fetchone = raw.fetchone
        self._fetchmany = raw.fetchmany
        self._fetchall = raw.fetchall
        self.__class__ = DelegatedFetchCursor

    def _unbind_fetch_methods(self) -> None:
        if self.is_plain:
            if type(self) is DelegatedFetchCursor:
                self._fetchone = self._fetchmany = self._fetchall = None
            self.__class__ = PostgreSQLCursor

    def _open_link_cursor(self, link: Link, name: str | None) -> Any:
        """Return a raw cursor on another link, set up as this one is, with a `name` or
        without."""
        if link.adapter.engine != "postgresql":
            return super().make_raw_cursor(link)
        return open_link_cursor(self, link, name)


class DelegatedFetchCursor(PostgreSQLCursor):
    """The same cursor while its rows are a raw cursor's, whose methods it has."""

    __slots__ = ()

    fetchone = PostgreSQLCursor.__dict__["_fetchone"]
    fetchmany = PostgreSQLCursor.__dict__["_fetchmany"]
    fetchall = PostgreSQLCursor.__dict__["_fetchall"]


class InheritedFetchCursor(PostgreSQLCursor):
    """The same cursor while its rows are its own: fetching is psycopg2's, in C."""

    __slots__ = ()

    fetchone: Any = ext.cursor.fetchone
    fetchmany: Any = ext.cursor.fetchmany
    fetchall: Any = ext.cursor.fetchall
    __iter__ = ext.cursor.__iter__
    __next__ = ext.cursor.__next__


InheritedFetchCursor.fetchone = redefine_for(ext.cursor.fetchone, InheritedFetchCursor)
# execute_values calls it for every row.
PostgreSQLCursor.mogrify = redefine_for(ext.cursor.mogrify, PostgreSQLCursor)


class NamedCursor(PostgreSQLCursor):
    """The same cursor with a name: its rows are the server's until they are fetched."""

    __slots__ = ()

    def fetchone(self) -> Any:
        """Return the next row, or None after the last (PEP 249)."""
        return self._call_driver(ext.cursor.fetchone, self)

    def fetchmany(self, size: int | None = None) -> Any:
        """Return up to `size` rows, by default `arraysize` (PEP 249)."""
        return self._call_driver(ext.cursor.fetchmany, self, size)

    def fetchall(self) -> Any:
        """Return all rows that are left (PEP 249)."""
        return self._call_driver(ext.cursor.fetchall, self)

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self._batches(self, self._next_rows))

    __next__ = ext.cursor.__next__

    def _next_rows(self, count: int) -> Iterator[Any]:
        self.__class__ = InheritedFetchCursor  # whose iterator is psycopg2's
        rows = islice(self, count)
        self.__class__ = NamedCursor
        return rows
