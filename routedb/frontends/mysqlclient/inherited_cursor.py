"""The virtual cursor as a raw cursor of one link: MySQLdb's code runs in it.

So the methods of a user's cursor class that MySQLdb's code calls, and the attributes
that it reads, are those of the user's cursor. `InheritedMySQLdbCursor` references it
weakly: an unused cursor frees its rows at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routedb.engine.links.link import Link
from routedb.frontends.base import InheritedCursor
from routedb.frontends.cursor import Cursor
from routedb.session.pins import Pins
from routedb.sql.session_objects import ObjectKind, SessionObject

UNREAD = SessionObject(ObjectKind.UNREAD)


class InheritedMySQLdbCursor(InheritedCursor):
    """A virtual cursor with MySQLdb's methods, on one link."""

    __slots__ = ("_link",)

    def __init__(self, cursor: Cursor, link: Link) -> None:
        super().__init__(cursor)
        self._link = link

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run `query` with parameters `vars` on the link."""
        cursor: Any = self._cursor()
        link = self._link
        if cursor.ran_on is link:  # as in `run_on`, without a call
            cursor.connection.last_raw = link.raw
        else:
            cursor.run_on(link)
        try:
            cursor.driver_class.execute(cursor, query, vars)
        except (KeyboardInterrupt, SystemExit):
            # The result may be left unread: every later statement would be out of step.
            self._link.adapter.close(self._link.raw)
            raise
        if cursor.is_unbuffered and cursor.description is not None:
            self._pins.hold(UNREAD, self._link.id)

    def executemany(self, query: Any, rows: Iterable[Any]) -> None:
        """Run `query` for every set of parameters in `rows` on the link."""
        self._run_in_driver("executemany", query, rows)

    def callproc(self, name: str, parameters: Any) -> Any:
        """Call the procedure `name` with `parameters` on the link."""
        return self._run_in_driver("callproc", name, parameters)

    def send(self, query: bytes | str) -> None:
        """Send a text and leave its result unread."""
        cursor: Any = self._cursor()
        cursor.run_on(self._link)
        self._link.raw.query(query)

    def close(self) -> None:
        """Leave nothing unread on the link."""
        cursor: Any = self._cursor()
        if cursor is not None and cursor.ran_on is self._link:
            cursor.discard()

    def mark_read(self) -> None:
        """Note that an unbuffered result is read: the link is free again."""
        self._pins.free(UNREAD, self._link.id)

    @property
    def _pins(self) -> Pins:
        cursor: Any = self._cursor()
        pins: Pins = cursor.connection.session.links.pins
        return pins

    @property
    def description(self) -> Any:
        """The columns of the cursor's result."""
        return self._cursor_attribute("description")

    @property
    def rowcount(self) -> Any:
        """The rows of the cursor's last statement."""
        return self._cursor_attribute("rowcount")

    @property
    def lastrowid(self) -> Any:
        """The key of the last row that the cursor inserted."""
        return self._cursor_attribute("lastrowid")

    @lastrowid.setter
    def lastrowid(self, key: Any) -> None:
        cursor: Any = self._cursor()
        cursor.lastrowid = key

    @property
    def query(self) -> Any:
        """The text that was sent last."""
        return self._cursor_attribute("_executed")

    def _cursor_attribute(self, name: str) -> Any:
        return getattr(self._cursor(), name)

    def _run_in_driver(self, method: str, *args: Any) -> Any:
        cursor: Any = self._cursor()
        cursor.run_on(self._link)
        cursor.is_in_driver = True
        try:
            return getattr(cursor.driver_class, method)(cursor, *args)
        finally:
            cursor.is_in_driver = False
