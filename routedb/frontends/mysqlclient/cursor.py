"""The virtual cursor of the MySQL frontend, of any of MySQLdb's cursor classes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Protocol

from MySQLdb import cursors

from routedb import errors
from routedb.adapters.base import Raw, ResultSet
from routedb.adapters.mysql.mysqlclient import ADAPTER
from routedb.engine.execute import execute
from routedb.engine.links.link import Link
from routedb.engine.run import batches, executor
from routedb.engine.shared.error_texts import joined_class
from routedb.frontends.base import ClassSwitchingCursor, InheritedCursor, class_like
from routedb.frontends.cursor import Owner
from routedb.frontends.mysqlclient.inherited_cursor import InheritedMySQLdbCursor
from routedb.frontends.proxies import closed_cursor


class MySQLOwner(Owner, Protocol):
    """What a cursor of this frontend needs of its connection."""

    last_raw: Raw

    def backend(self) -> Raw:
        """Return the driver's connection that speaks for this one."""


# The attributes in which MySQLdb's code keeps one result set.
_RESULT_SET_FIELDS = (
    *("description", "description_flags", "rowcount", "rownumber", "lastrowid"),
    *("warning_count", "_rows", "_result"),
)


class MySQLCursor(ClassSwitchingCursor):
    """A cursor of a routedb connection that is one of MySQLdb's as well.

    Subclasses are made by `cursor_class`, two for each class of the user's.
    """

    driver_class: Any  # MySQLdb's class that it is built on
    is_unbuffered = False

    connection: MySQLOwner
    raw: Any
    fetching_from: Any
    # MySQLdb's code assigns these, so they cannot be properties as they are elsewhere.
    description: Any = None
    rowcount: Any = -1
    lastrowid: Any = None
    arraysize: int = 1
    warning_count: int = 0
    _executed: Any = None

    def __init__(self, connection: MySQLOwner) -> None:
        self.driver_class.__init__(self, connection)
        self.rowcount = -1
        self.ran_on: Link | None = (
            None  # where MySQLdb's code has run the last statement
        )
        self.is_in_driver = False  # MySQLdb's code is running and calls back
        self._buffered_sets: deque[dict[str, Any]] = deque()  # read from the link
        self.attach(connection)

    # -- running -------------------------------------------------------------------

    def execute(self, query: Any, args: Any = None) -> Any:
        """Run `query` with parameters `args` by its route; return the number of rows
        (MySQLdb)."""
        if self.is_in_driver:
            return self.driver_class.execute(self, query, args)
        execute(self, query, args)
        if type(self.raw) is not InheritedMySQLdbCursor:
            self._show_result(query)
        return self.rowcount

    def executemany(self, query: Any, args: Iterable[Any]) -> Any:
        """Run `query` for every set of parameters in `args`; return the rows of all."""
        session = self._usable_session()
        rows = args if isinstance(args, list | tuple) else list(args or ())
        if not rows:
            return None
        batches.executemany(session, self, query, rows)
        if type(self.raw) is not InheritedMySQLdbCursor:
            self._show_result(query)
        return self.rowcount

    def callproc(self, procname: str, args: Sequence[Any] = ()) -> Any:
        """Call the procedure `procname` on the writer; return `args` (MySQLdb)."""
        text = "CALL `{}`()".format(procname.replace("`", "``"))
        executor.carry(
            self._usable_session(), self, text, lambda raw: raw.callproc(procname, args)
        )
        return args

    def mogrify(self, query: Any, args: Any = None) -> Any:
        """Return the text that would be sent for `query` with parameters `args`."""
        self._usable_session()
        return self._call_driver(self.driver_class.mogrify, self, query, args)

    # -- results -------------------------------------------------------------------

    def nextset(self) -> Any:
        """Go to the next result set; None when there is none (PEP 249)."""
        if self.raw is not None and type(self.raw) is not InheritedMySQLdbCursor:
            return super().nextset()
        self._usable_session()
        if not self._executed and not self.is_in_driver:
            raise self._error(errors.ProgrammingError, "no statement has been run")
        if self.raw is None and not self.is_in_driver:
            return None  # BEGIN and its kin, which the transaction has carried out
        return self._call_driver(self._next_set)

    def _next_set(self) -> Any:
        db = self._get_db()
        if self._executed:
            self.driver_class.fetchall(self)
        if self._buffered_sets:
            vars(self).update(self._buffered_sets.popleft())
        elif not self._read_next_set(db):
            self.unbind_fetch()
            return None
        self.bind_fetch(
            self.raw
        )  # a procedure ends with a set of no columns and no rows
        return 1

    def _read_next_set(self, db: Raw) -> bool:
        if db.next_result() == -1:
            return False
        self._do_get_result(db)
        self._post_get_result()
        return True

    def buffer_results(self) -> None:
        """Read the sets that follow, for `nextset`: the next query on the link would
        drop them. Not those of an unbuffered cursor."""
        if self.ran_on is None or self.is_unbuffered:
            return
        first = self._result_set()
        while self._read_next_set(self.ran_on.raw):
            self._buffered_sets.append(self._result_set())
        vars(self).update(first)

    def _result_set(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _RESULT_SET_FIELDS}

    def __iter__(self) -> Iterator[Any]:
        if (
            self.fetching_from is None
            or type(self.fetching_from) is InheritedMySQLdbCursor
        ):
            self._result_cursor()  # it must have rows
            return self
        return super().__iter__()

    def _without_rows(self) -> Any:
        """After a statement that gave no rows MySQLdb's methods return nothing; after
        one that failed, and before any, they raise."""
        if self._executed is None or not (self.is_unbuffered or self._rows is not None):
            return super()._without_rows()
        return InheritedCursor(self)

    @property
    def rownumber(self) -> Any:
        """Index of the next row. Where MySQLdb's code fetches, that counts: there it is
        no property (see `cursor_class`)."""
        if self.raw is None or type(self.raw) is InheritedMySQLdbCursor:
            return vars(self).get("rownumber")
        return getattr(self.raw, "rownumber", None)

    @rownumber.setter
    def rownumber(self, number: Any) -> None:
        vars(self)["rownumber"] = number

    @property
    def _last_executed(self) -> Any:
        """`_executed`, under the name it had in MySQLdb 1."""
        return self._executed

    # -- life ----------------------------------------------------------------------

    def close(self) -> None:
        """Close; every later use raises InterfaceError (PEP 249)."""
        super().close()
        self._rows = None
        self.ran_on = None

    def setoutputsizes(self, *args: Any) -> None:
        """Do nothing, as MySQLdb, whose name for it this is."""

    # -- what the engine calls -----------------------------------------------------

    def make_raw_cursor(self, link: Link) -> Any:
        """Open a raw cursor on `link`: this object, where that is MySQL's."""
        if link.adapter.engine != "mysql":
            return super().make_raw_cursor(link)
        return InheritedMySQLdbCursor(self, link)

    def _bind_fetch_methods(self, raw: ResultSet) -> None:
        """Leave `fetchmany` to the class, which asks for this object's arraysize."""
        super()._bind_fetch_methods(raw)
        del self.fetchmany

    def detach_link(self, link: Link) -> None:
        """Drop everything that came over `link`."""
        if self.ran_on is link:
            self.ran_on = self._result = None
        super().detach_link(link)

    def _metadata_of(self, raw: ResultSet) -> Any:
        """Return nothing: MySQLdb's code keeps the metadata in this object."""
        return (
            super()._metadata_of(raw)
            if type(raw) is not InheritedMySQLdbCursor
            else None
        )

    # -- what MySQLdb's code calls -------------------------------------------------

    def run_on(self, link: Link) -> None:
        """Run the next statement on `link`."""
        if self.ran_on is not link:
            self.discard()
            self.ran_on = link
        self.connection.last_raw = link.raw

    def discard(self) -> None:
        """Drop unread rows, so that their link can be used again. While another thread
        uses the link, nothing is unread."""
        self.description = self.description_flags = None
        self._rows = self.rownumber = None
        self._buffered_sets.clear()
        result, self._result = self._result, None
        if self.ran_on is None or not self.ran_on.raw.open:
            return
        lock = self.ran_on.lock
        assert lock is not None  # this driver is for one thread at a time
        if self.ran_on.is_busy():
            return
        with lock:
            db = self.ran_on.raw
            if result:
                result.discard()
            if self.is_unbuffered and type(self.raw) is InheritedMySQLdbCursor:
                self.raw.mark_read()
            while db.next_result() == 0:
                db.discard_result()

    _discard = discard

    def _get_db(self) -> Raw:
        if self._is_closed:
            raise closed_cursor(ADAPTER)
        return self.connection.backend() if self.ran_on is None else self.ran_on.raw

    def _call_driver(self, call: Any, *args: Any) -> Any:
        try:
            return call(*args)
        except Exception as exc:
            self.connection.session.frontend.adopt(exc)
            if self.link is not None:
                self.link.adapter.adopt(exc)
            raise

    # Of MySQLdb's BaseCursor, which stands beside this class in those that are made.
    _do_get_result: Any
    _post_get_result: Any
    _result: Any = None
    _rows: Any = None
    description_flags: Any = None

    def _show_result(self, query: Any) -> None:
        """Set the attributes to the result of a statement that did not run here."""
        raw = self.raw
        self._rows, self.rownumber = (), 0
        sent = getattr(raw, "query", None) or query
        self._executed = sent.encode() if isinstance(sent, str) else sent
        self.warning_count = 0
        if raw is None:  # BEGIN and its kin, which the transaction has carried out
            self.description, self.rowcount, self.lastrowid = None, 0, 0
            return
        self.description = raw.description
        self.rowcount = raw.rowcount
        self.lastrowid = getattr(raw, "lastrowid", None)


class _UnbufferedFetch(ClassSwitchingCursor):
    """The fetch methods of an unbuffered cursor: rows come from the server while they
    are fetched, so fetching may fail, and the link is busy until the last row."""

    driver_class: Any
    fetching_from: Any  # an InheritedMySQLdbCursor
    rownumber: Any = None  # MySQLdb's code counts here

    def fetchone(self) -> Any:
        """Return the next row, or None after the last (PEP 249)."""
        row = self._fetch(self.driver_class.fetchone)
        if row is None:
            self.fetching_from.mark_read()
        return row

    def fetchmany(self, size: int | None = None) -> Any:
        """Return up to `size` rows, by default `arraysize` (PEP 249)."""
        rows = self._fetch(self.driver_class.fetchmany, size)
        if len(rows) < (size or self.arraysize):
            self.fetching_from.mark_read()
        return rows

    def fetchall(self) -> Any:
        """Return all rows that are left (PEP 249)."""
        rows = self._fetch(self.driver_class.fetchall)
        self.fetching_from.mark_read()
        return rows

    def _fetch(self, fetch: Any, *args: Any) -> Any:
        """Fetch; after an error the rest of the rows is lost, so nothing is unread."""
        try:
            return self._call_driver(fetch, self, *args)
        except Exception:
            self.fetching_from.mark_read()
            raise

    def __iter__(self) -> Iterator[Any]:
        return self


@lru_cache(maxsize=256)
def cursor_class(factory: Any) -> Any:
    """Return the class of virtual cursors for a class of MySQLdb's, or one on it.

    Raises NotSupportedError, a TypeError as well, for what is no such class.
    """
    if not (isinstance(factory, type) and issubclass(factory, cursors.BaseCursor)):
        kind = errors.NotSupportedError
        raise joined_class(TypeError, ADAPTER.error_class(kind), kind)(
            f"cursorclass must be a class of MySQLdb.cursors or a subclass, found "
            f"{factory!r}: what a function makes cannot be routed"
        )
    if MySQLCursor in factory.__mro__:
        return factory
    driver_class = next(k for k in factory.__mro__ if k.__module__ == cursors.__name__)
    if factory is driver_class:
        delegated_fetch, inherited_fetch = _driver_classes(driver_class)
    else:
        base = cursor_class(driver_class)
        delegated_fetch, inherited_fetch = (
            class_like(factory, factory, base),
            class_like(factory, factory, base.inherited_fetch),
        )
    for kind in (delegated_fetch, inherited_fetch):
        kind.delegated_fetch, kind.inherited_fetch = delegated_fetch, inherited_fetch
    return delegated_fetch


def _driver_classes(driver_class: Any) -> tuple[Any, Any]:
    """Return the two classes for one of MySQLdb's own."""
    delegated_fetch = class_like(driver_class, MySQLCursor, driver_class)
    delegated_fetch.driver_class = driver_class
    delegated_fetch.is_unbuffered = issubclass(
        driver_class, cursors.CursorUseResultMixIn
    )
    if delegated_fetch.is_unbuffered:
        return delegated_fetch, class_like(
            driver_class, _UnbufferedFetch, delegated_fetch
        )
    inherited_fetch = class_like(driver_class, delegated_fetch)
    inherited_fetch.rownumber = None  # MySQLdb's code counts here
    for name in ("fetchone", "fetchmany", "fetchall", "scroll", "__iter__", "__next__"):
        if hasattr(driver_class, name):  # `__next__` came after mysqlclient 2.2.0
            setattr(inherited_fetch, name, getattr(driver_class, name))
    return delegated_fetch, inherited_fetch
