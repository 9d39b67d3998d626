"""The virtual cursor of the PostgreSQL face, a psycopg2 cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from weakref import ref

from psycopg2 import extensions as ext

from routedb.adapters.psycopg2 import Sibling
from routedb.cursor import Cursor
from routedb.engine.links.link import Link
from routedb.face.rebind import rebind
from routedb.postgresql.handle import Handle
from routedb.postgresql.own import Own
from routedb.postgresql.shown import kept, shown
from routedb.sql.session_objects import ObjectKind, SessionObject

if TYPE_CHECKING:
    from routedb.postgresql.connection import PostgreSQLConnection


# The stubs of psycopg2 know nothing of what is shared with other faces.
_Base: Any = ext.cursor


class PostgreSQLCursor(Cursor, _Base):  # type: ignore[misc]
    """A cursor of a routedb connection that is psycopg2's as well.

    A statement on the identity handle runs in this object itself, one on another link
    in a raw cursor that takes over what was set here.
    """

    # Without a dictionary, as psycopg2's: where there is one, CPython looks for each
    # method there first, once the object has changed its class.
    __slots__ = (
        "_arraysize",
        "_fetchall",
        "_fetchmany",
        "_fetchone",
        "_is_closed",
        "control",
        "link",
        "raw",
        "raws",
        "route",
        "seated",
        "session",
    )

    connection: PostgreSQLConnection
    is_plain = True  # no cursor factory of the user's stands above: see factories

    def __init__(self, conn: PostgreSQLConnection, name: str | None = None) -> None:
        if name is None:
            ext.cursor.__init__(self, conn)
        else:
            ext.cursor.__init__(self, conn, name)
            # It may fetch from what was declared as text under its name.
            self.__class__ = NamedCursor if self.is_plain else type(self)
        self.attach(conn)

    description = shown("description")
    rowcount = shown("rowcount", -1)
    rownumber = shown("rownumber", 0)
    lastrowid = shown("lastrowid", 0)
    _query = shown("query")
    _statusmessage = shown("statusmessage")
    pgresult_ptr = shown("pgresult_ptr")
    arraysize = kept("arraysize")
    itersize = kept("itersize")
    tzinfo_factory = kept("tzinfo_factory")
    setinputsizes = ext.cursor.setinputsizes
    setoutputsize: Any = ext.cursor.setoutputsize
    # In C all the way: it needs no live server.
    mogrify: Any = ext.cursor.mogrify

    @property
    def query(self) -> bytes | None:
        """The last text that was sent, or will be with the next one: BEGIN waits."""
        if self.raw is None and self.control is not None:
            return self.control.text.encode(ext.encodings[self.connection.encoding])
        sent: bytes | None = self._query
        return sent

    @property
    def statusmessage(self) -> str | None:
        """What the server said of the last statement, or will of one that waits."""
        if self.raw is None and self.control is not None:
            return self.control.tag
        said: str | None = self._statusmessage
        return said

    def callproc(self, procname: str, parameters: Any = None) -> Any:
        """Run a SELECT of a function; return the parameters (psycopg2)."""
        return super().callproc(procname, parameters)

    @property
    def closed(self) -> bool:
        """Tell whether the cursor, or its connection, has been closed."""
        return self._is_closed or self.connection.is_closed

    def close(self) -> None:
        """Close; a named cursor is closed on its server too."""
        if self._is_closed:
            return
        raws = list(self.raws.values())
        if self.name and self.withhold:
            for link in self.raws:
                self.connection.dispatcher.links.pins.free(
                    self._session_object, link.id
                )
            self.connection.dispatcher.refresh()
        super().close()
        is_here = not self.name or not raws or _ran_here(raws)
        if is_here and self.connection.has_live_identity:
            self._guarded(ext.cursor.close, self)

    def nextset(self) -> Any:
        """Raise NotSupportedError, as psycopg2 does."""
        self._usable()
        return self._guarded(ext.cursor.nextset, self)

    def copy_from(
        self,
        file: Any,
        table: str,
        sep: str = "\t",
        null: str = "\\N",
        size: int = 8192,
        columns: Any = None,
    ) -> None:
        """Read rows of a table from a file, on the writer (psycopg2)."""
        self._usable().carry(
            self,
            f"COPY {_quoted(table)} FROM STDIN",
            lambda raw: raw.copy_from(file, table, sep, null, size, columns),
        )

    def copy_to(
        self,
        file: Any,
        table: str,
        sep: str = "\t",
        null: str = "\\N",
        columns: Any = None,
    ) -> None:
        """Write the rows of a table to a file (psycopg2)."""
        self._usable().carry(
            self,
            f"COPY {_quoted(table)} TO STDOUT",
            lambda raw: raw.copy_to(file, table, sep, null, columns),
        )

    def _called(self, procname: str, parameters: Any) -> tuple[str, Any]:
        """psycopg2 runs a SELECT. Where the function is known for what it does to the
        session, that counts; any other may do anything."""
        if isinstance(parameters, Mapping):
            marks = [f'"{name}" := %({name})s' for name in parameters]
        else:
            marks = ["%s"] * len(parameters or ())
        text = f"SELECT * FROM {procname}({', '.join(marks)})"
        if self._usable().learn(text).plan.statement.session:
            return text, parameters or None
        return super()._called(procname, parameters)

    def cast(self, oid: int, s: str) -> Any:
        """Convert a text as a value of a type, with what is registered here."""
        return ext.cursor.cast(self, oid, s)

    def _guarded(self, call: Any, *args: Any) -> Any:
        return self.connection.guarded(call, *args)

    def take(self, link: Link) -> Any:
        """Open a raw cursor on `link` and keep it in `raws`."""
        if self.name:  # WITH HOLD it may outlive its transaction, and this object
            link.needs_reset = True
        if type(link.raw) is Handle:
            own = self.raws[link] = Own(self)
            self._pin(link)
            return own
        if link.adapter.engine != "postgresql":
            return super().take(link)
        self.connection.share(link.raw)
        raw = self._sibling(link.raw)
        self.raws[link] = raw
        self._pin(link)
        return raw

    def _pin(self, link: Link) -> None:
        """A named cursor WITH HOLD lives where it is opened until it is closed."""
        if self.name and self.withhold:
            d = self.connection.dispatcher
            is_undone = d.transaction.is_open
            d.links.pins.hold(self._session_object, link.id, is_undone=is_undone)
            d.refresh()

    @property
    def _session_object(self) -> SessionObject:
        return SessionObject(ObjectKind.CURSOR, str(self.name))

    def seat(self, raw: Any) -> None:
        """Fetch from `raw` from now on."""
        if not self.is_plain:
            self.seated = raw
        elif type(raw) is Own:
            self.seated = raw
            self._release()
            self.__class__ = NamedCursor if self.name else HomeCursor
        else:
            self._release()
            if self.name:  # its rows are the server's: fetching may fail
                self.seated = raw
            else:
                super().seat(raw)

    def __iter__(self) -> Iterator[Any]:
        if not (self.name and isinstance(self.seated, ext.cursor)):
            return super().__iter__()
        raw = self.seated
        return chain.from_iterable(self._batches(raw, partial(islice, raw)))

    def _batches(
        self, rows: Any, take: Callable[[int], Iterable[Any]]
    ) -> Iterator[Iterable[Any]]:
        """Yield the rows of a named cursor as psycopg2 has them from the server,
        `itersize` at a time: only the first of a batch may fail. `take` returns the
        next so many."""
        its = ext.cursor
        while True:
            try:
                yield (self._guarded(its.__next__, rows),)
            except StopIteration:
                return
            yield take(its.rowcount.__get__(rows) - its.rownumber.__get__(rows))

    def unseat(self) -> None:
        """There is nothing to fetch; but a named cursor's columns are known only after
        its first fetch."""
        if self.name and self.raw is not None:
            self.seat(self.raw)
        else:
            super().unseat()

    def part(self, link: Link) -> None:
        """Let go of everything that came over `link`."""
        super().part(link)
        if type(link.raw) is Handle and not self.name:
            ext.cursor.close(self)

    def past(self, raw: Any) -> Any:
        """What ran in this object is told by it."""
        return raw if type(raw) is Own else super().past(raw)

    def end(self, raw: Any, link: Link) -> None:
        """Close a raw cursor; a named one is left to the reset of its session."""
        if not self.name:
            super().end(raw, link)

    def _show_fetching(self, raw: Any) -> None:
        self._fetchone = raw.fetchone
        self._fetchmany = raw.fetchmany
        self._fetchall = raw.fetchall
        self.__class__ = AwayCursor

    def _release(self) -> None:
        if self.is_plain:
            if type(self) is AwayCursor:
                self._fetchone = self._fetchmany = self._fetchall = None
            self.__class__ = PostgreSQLCursor

    def _sibling(self, connection: Any) -> Any:
        """Return a raw cursor on another link, set up as this one is."""
        more = {"name": self.name} if self.name else {}
        raw = connection.cursor(cursor_factory=Sibling, **more)
        raw.holder = ref(self)
        if self.name:
            raw.scrollable = self.scrollable
            raw.withhold = self.withhold
        raw.arraysize = self.arraysize
        raw.itersize = self.itersize
        raw.tzinfo_factory = self.tzinfo_factory
        if self.row_factory is not None:
            raw.row_factory = _rows_of(ref(self))
        for name in ("string_types", "binary_types"):
            own = getattr(self, name)
            if own is not None:
                _register(raw, own)
        return raw


class AwayCursor(PostgreSQLCursor):
    """The same cursor while its rows are a raw cursor's, whose methods it has."""

    __slots__ = ()

    fetchone = PostgreSQLCursor.__dict__["_fetchone"]
    fetchmany = PostgreSQLCursor.__dict__["_fetchmany"]
    fetchall = PostgreSQLCursor.__dict__["_fetchall"]


class HomeCursor(PostgreSQLCursor):
    """The same cursor while its rows are its own: fetching is psycopg2's, in C."""

    __slots__ = ()

    fetchone: Any = ext.cursor.fetchone
    fetchmany: Any = ext.cursor.fetchmany
    fetchall: Any = ext.cursor.fetchall
    __iter__ = ext.cursor.__iter__
    __next__ = ext.cursor.__next__


HomeCursor.fetchone = rebind(ext.cursor.fetchone, HomeCursor)
# execute_values calls it for every row.
PostgreSQLCursor.mogrify = rebind(ext.cursor.mogrify, PostgreSQLCursor)


class NamedCursor(PostgreSQLCursor):
    """The same cursor with a name: its rows are the server's until they are fetched."""

    __slots__ = ()

    def fetchone(self) -> Any:
        """Return the next row, or None after the last (PEP 249)."""
        return self._guarded(ext.cursor.fetchone, self)

    def fetchmany(self, size: int | None = None) -> Any:
        """Return up to `size` rows, by default `arraysize` (PEP 249)."""
        return self._guarded(ext.cursor.fetchmany, self, size)

    def fetchall(self) -> Any:
        """Return all rows that are left (PEP 249)."""
        return self._guarded(ext.cursor.fetchall, self)

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self._batches(self, self._take))

    __next__ = ext.cursor.__next__

    def _take(self, count: int) -> Iterator[Any]:
        self.__class__ = HomeCursor  # whose iterator is psycopg2's
        rows = islice(self, count)
        self.__class__ = NamedCursor
        return rows


def _ran_here(raws: list[Any]) -> bool:
    return any(type(raw) is Own for raw in raws)


def _rows_of(cursor: ref[PostgreSQLCursor]) -> Callable[[Any], Any]:
    """Return a row factory for a raw cursor: rows are made as the virtual one's."""

    def make(_: Any) -> Any:
        alive = cursor()
        assert alive is not None  # it is fetching
        return alive.row_factory(alive)

    return make


def _register(raw: Any, types: dict[int, Any]) -> None:
    for caster in {id(caster): caster for caster in types.values()}.values():
        ext.register_type(caster, raw)  # they cannot be hashed


def _quoted(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'
