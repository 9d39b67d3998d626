"""The virtual cursor: PEP 249's cursor over the raw cursor that has the results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar, cast
from weakref import ref

from routedb import errors
from routedb.adapters.base import RawCursor, ResultSet
from routedb.config.model import NodeConfig
from routedb.dbapi import Params, Query, Row
from routedb.engine.execute import execute
from routedb.engine.links.link import Link
from routedb.engine.run import batches, executor
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import Control, NoRawCursor
from routedb.frontends.proxies import (
    AdoptingResult,
    ClosedSession,
    ResultMetadata,
    closed_cursor,
)
from routedb.routing import Route

Self = TypeVar("Self", bound="Cursor")

_MAX_RAW_CURSORS = 16  # beyond it, those of closed links are dropped
_NONE: tuple[str, ...] = ()


class Owner(Protocol):
    """What a cursor needs of its connection."""

    session: Session

    @property
    def closed(self) -> int:
        """0 while open."""

    def usable_session(self) -> Session:
        """Return the session; raise InterfaceError after close."""

    def commit(self) -> None:
        """Commit the open transaction."""

    def rollback(self) -> None:
        """Roll back the open transaction."""

    def close(self) -> None:
        """Close the connection."""


class Cursor(NoRawCursor):
    """A cursor of a routedb connection (PEP 249).

    `route` and `node` say where the last statement ran. While a raw cursor holds rows,
    `fetchone`, `fetchmany` and `fetchall` of this object are that raw cursor's own
    methods, so fetching costs nothing extra.
    """

    __slots__ = _NONE  # subclasses define where attributes are

    connection: Owner

    def attach(self, connection: Owner) -> None:
        """Initialize the cursor: no statement has run yet."""
        self.route: Route | None = None
        self.link: Link | None = None
        self.control: Control | None = None
        self.is_observed = False
        self.raw: ResultSet | None = None
        self.fetching_from: ResultSet | None = None
        self.raw_cursors: dict[Link, RawCursor] = {}
        self._arraysize = 1
        self.session: Session = connection.session
        self._is_closed = False
        holders = connection.session.links.result_holders
        holders.add(ref(self, holders.discard))

    # -- running -------------------------------------------------------------------

    execute = execute  # the engine's hot path is this method, without a call between

    def executemany(self, query: Query, vars_list: Iterable[Params]) -> None:
        """Run `query` for every set of parameters in `vars_list` (PEP 249)."""
        rows = vars_list if isinstance(vars_list, list | tuple) else list(vars_list)
        batches.executemany(self._usable_session(), self, query, rows)

    def callproc(self, procname: str, parameters: Sequence[Any] = ()) -> Any:
        """Call the stored procedure `procname` on the writer; return the `parameters`
        as the driver leaves them (PEP 249)."""
        answer: list[Any] = []

        def call(raw: Any) -> Any:
            answer.append(raw.callproc(procname, parameters))

        text, params = self._callproc_text(procname, parameters)
        executor.carry(self._usable_session(), self, text, call, params)
        return answer[-1]

    def _callproc_text(self, procname: str, parameters: Any) -> tuple[str, Any]:
        """Return the text by which `callproc` is routed, and its parameters."""
        return f"CALL {procname}()", None

    def copy_expert(self, sql: Query, file: Any, size: int = 8192) -> None:
        """Run a PostgreSQL COPY … TO STDOUT or FROM STDIN where it belongs: to `file`,
        or from it in pieces of `size` bytes."""
        executor.carry(
            self._usable_session(),
            self,
            sql,
            lambda raw: raw.copy_expert(sql, file, size),
            merges=self.copying(
                lambda raw, part, sink: raw.copy_expert(part, sink, size), file
            ),
        )

    def copying(
        self, copy: Callable[[Any, Any, Any], object], file: Any
    ) -> executor.Merges:
        """Return what copies to `file` by `copy` where rows are of several groups."""
        session = self._usable_session()
        merged = session.core.merger.copy
        return lambda text, refusal: merged(session, self, text, refusal, copy, file)

    def mogrify(self, query: Query, vars: Params | None = None) -> Any:  # noqa: A002
        """Return the text that would be sent for `query` with parameters `vars`, where
        the driver can (psycopg2)."""
        session = self._usable_session()
        link = self.link or session.default_link()
        raw: Any = self.raw_cursors.get(link) or self.open_raw_cursor(link)
        return raw.mogrify(query, vars)

    # -- results -------------------------------------------------------------------

    def fetchone(self) -> Row | None:
        """Return the next row, or None after the last (PEP 249)."""
        row: Row | None = self._result_cursor().fetchone()
        return row

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Return up to `size` rows, by default `arraysize` (PEP 249)."""
        size = self.arraysize if size is None else size
        rows: list[Row] = self._result_cursor().fetchmany(size)
        return rows

    def fetchall(self) -> list[Row]:
        """Return all rows that are left (PEP 249)."""
        rows: list[Row] = self._result_cursor().fetchall()
        return rows

    def nextset(self) -> bool | None:
        """Go to the next result set; None when there is none (PEP 249)."""
        if self.raw is None:
            raise self._error(errors.ProgrammingError, "no statement has been run")
        step = getattr(self.raw, "nextset", None)
        answer: bool | None = None if step is None else self._call_driver(step)
        self.unbind_fetch()
        if answer and self.raw.description is not None:  # a procedure ends without rows
            self.bind_fetch(self.raw)
        return answer

    def __iter__(self) -> Iterator[Row]:
        result = self._result_cursor()
        buffered = self.link is not None and self.link.adapter.fetches_buffered
        rows: Any = self.fetching_from if buffered else result
        return iter(rows)

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Move in the result, where the driver can (PEP 249, optional).

        `value` is a number of rows; with `mode` "absolute" it is an index.
        """
        scroll = getattr(self._result_cursor(), "scroll", None)
        if scroll is None:
            raise self._error(
                errors.NotSupportedError, "this driver's cursors cannot scroll"
            )
        try:
            self._call_driver(scroll, value, mode)
        except errors.Error as exc:
            raise self.connection.session.as_frontend_error(exc) from None

    @property
    def description(self) -> Any:
        """The columns of the result; None when there is none (PEP 249)."""
        return None if self.raw is None else self.raw.description

    @property
    def rowcount(self) -> int:
        """Rows of the last statement, -1 when that is not known (PEP 249)."""
        return -1 if self.raw is None else int(self.raw.rowcount)

    @property
    def rownumber(self) -> int | None:
        """Index of the next row, where the driver counts (PEP 249, optional)."""
        return getattr(self.raw, "rownumber", None)

    @property
    def lastrowid(self) -> Any:
        """The key of the last row inserted, where the driver has it (PEP 249)."""
        return getattr(self.raw, "lastrowid", None)

    @property
    def statusmessage(self) -> str | None:
        """The command tag of the last statement (psycopg2)."""
        return getattr(self.raw, "statusmessage", None)

    @property
    def query(self) -> Any:
        """The text last sent, where the driver keeps it (psycopg2)."""
        return getattr(self.raw, "query", None)

    @property
    def arraysize(self) -> int:
        """Rows that `fetchmany` returns by default (PEP 249)."""
        return self._arraysize

    @arraysize.setter
    def arraysize(self, size: int) -> None:
        self._arraysize = size
        for raw in (*self.raw_cursors.values(), self.fetching_from):
            if raw is not None:
                raw.arraysize = size

    @property
    def node(self) -> NodeConfig | None:
        """The node that answered last; `str()` gives its name."""
        origin = None if self.route is None else self.route.origin
        return origin or (None if self.link is None else self.link.node)

    # -- life ----------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Tell whether the cursor, or its connection, has been closed."""
        return self._is_closed or bool(self.connection.closed)

    def close(self) -> None:
        """Close; every later use raises InterfaceError (PEP 249)."""
        if self._is_closed:
            return
        for raw in self.raw_cursors.values():
            self._call_driver(raw.close)
        self.raw_cursors = {}
        result, self.raw = self.raw, None
        self.unbind_fetch()
        # Metadata of the last statement stays: programs read it after a `with` block.
        self.raw = None if result is None else self._metadata_of(result)
        self._is_closed = True
        self.session = cast("Session", ClosedSession(self.session.frontend))

    def setinputsizes(self, sizes: Any) -> None:
        """Do nothing, as PEP 249 allows."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Do nothing with `size` and `column`, as PEP 249 allows."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = f", last on {self.node.name}" if self.node is not None else ""
        return f"<routedb cursor{', closed' if self._is_closed else ''}{where}>"

    # -- what the engine calls -------------------------------------------------------

    def open_raw_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link` and keep it in `raw_cursors`."""
        if len(self.raw_cursors) >= _MAX_RAW_CURSORS:
            live = set(self.connection.session.links)
            self.raw_cursors = {
                at: raw for at, raw in self.raw_cursors.items() if at in live
            }
        raw = self.raw_cursors[link] = self.make_raw_cursor(link)
        return raw

    def make_raw_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link`, set up as this one is, for one statement: the
        caller closes it."""
        raw = link.adapter.cursor(link.raw)
        raw.arraysize = self.arraysize
        return raw

    def make_part_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link` for a part of a statement: an object of its own
        where the driver allows that, without a name. The caller closes it."""
        return self.make_raw_cursor(link)

    def bind_fetch(self, raw: ResultSet) -> None:
        """Fetch from `raw` from now on, through its own bound methods.

        A driver that computes rows while they are fetched (SQLite) may fail then, so
        its errors must be adopted.
        """
        self.fetching_from = raw
        if self.link is None or self.link.adapter.fetches_buffered:
            self._bind_fetch_methods(raw)

    def unbind_fetch(self) -> None:
        """Fetch by the methods of the class from now on: there are no rows."""
        if self.fetching_from is not None:
            self.fetching_from = None
            self._unbind_fetch_methods()

    def link_closed(self, link: Link) -> None:
        """Fetch through the methods of the class: `link` is closed, so the driver may
        refuse rows it still has, and its errors must be adopted."""
        if self.link is link:
            self._unbind_fetch_methods()

    def buffer_results(self) -> None:
        """Read the results that a text of several statements has left on its link,
        where the driver leaves any."""

    def detach_link(self, link: Link) -> None:
        """Drop the raw cursors of `link`, which goes to another connection.

        Called when the connection is closed. Metadata of the last statement stays.
        """
        raw = self.raw_cursors.pop(link, None)
        if self.link is link:
            self._unbind_fetch_methods()
            self.fetching_from = None
            self.raw = None if self.raw is None else self._metadata_of(self.raw)
        if raw is not None:
            self._close_raw(raw, link)

    def _metadata_of(self, raw: ResultSet) -> Any:
        """Return the metadata to show in the place of a raw cursor that is dropped."""
        return ResultMetadata(raw)

    def _close_raw(self, raw: RawCursor, link: Link) -> None:
        """Close a raw cursor that is dropped."""
        with suppress(Exception):  # the driver's own classes
            raw.close()

    def _bind_fetch_methods(self, raw: ResultSet) -> None:
        self.fetchone = raw.fetchone  # type: ignore[method-assign]
        self.fetchmany = raw.fetchmany  # type: ignore[method-assign,assignment]
        self.fetchall = raw.fetchall  # type: ignore[method-assign]

    def _unbind_fetch_methods(self) -> None:
        for name in ("fetchone", "fetchmany", "fetchall"):
            self.__dict__.pop(name, None)

    # -- guards ----------------------------------------------------------------------

    def _usable_session(self) -> Session:
        if self._is_closed:
            raise closed_cursor(self.connection.session.frontend)
        return self.connection.usable_session()

    def _result_cursor(self) -> Any:
        """Return the raw cursor with rows, whose errors are adopted, or a
        replacement."""
        if self.closed:
            raise closed_cursor(self.connection.session.frontend)
        if self.fetching_from is None:
            return self._without_rows()
        return AdoptingResult(self.fetching_from, self._call_driver)

    def _without_rows(self) -> Any:
        """Return what to fetch from when there is no result. Raises ProgrammingError,
        as PEP 249 wants; some drivers return nothing instead."""
        raise self._error(
            errors.ProgrammingError, "nothing to fetch: the last statement gave no rows"
        )

    def _call_driver(self, call: Any, *args: Any) -> Any:
        """Call the driver; its errors become routedb's too."""
        try:
            return call(*args)
        except Exception as exc:
            if self.link is not None:
                self.link.classify_error(exc)
            raise

    def _error(self, kind: type[errors.Error], message: str) -> errors.Error:
        return self.connection.session.frontend.error_class(kind)(message)


class GenericCursor(Cursor):
    """The cursor of a connection whose driver has no frontend of its own."""

    def __init__(self, connection: Owner) -> None:
        self.connection = connection
        self.attach(connection)
