"""The virtual cursor as a raw cursor of one link: MySQLdb's code runs in it.

So the methods of a user's cursor class that MySQLdb's code calls, and the attributes
that it reads, are those of the cursor that the user holds. `Own` keeps it weakly: a
cursor that nobody uses frees its rows at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from routedb.engine.links.link import Link
from routedb.face import Half
from routedb.session.pins import Pins
from routedb.sql.session_objects import ObjectKind, SessionObject

if TYPE_CHECKING:
    from routedb.mysql.cursor import MySQLCursor

UNREAD = SessionObject(ObjectKind.UNREAD)


class Own(Half):
    """A virtual cursor's MySQLdb half, on one link."""

    __slots__ = ("_link",)

    def __init__(self, cursor: MySQLCursor, link: Link) -> None:
        super().__init__(cursor)
        self._link = link

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run a statement on the link."""
        cursor: Any = self._cursor()
        cursor.move(self._link)
        try:
            cursor.driver.execute(cursor, query, vars)
        except (KeyboardInterrupt, SystemExit):
            # The result may be left unread: every later statement would be out of step.
            self._link.adapter.close(self._link.raw)
            raise
        if cursor.is_unbuffered and cursor.description is not None:
            self._pins.hold(UNREAD, self._link.id)

    def executemany(self, query: Any, rows: Iterable[Any]) -> None:
        """Run a statement for many sets of parameters on the link."""
        self._inside("executemany", query, rows)

    def callproc(self, name: str, parameters: Any) -> Any:
        """Call a procedure on the link."""
        return self._inside("callproc", name, parameters)

    def send(self, query: bytes | str) -> None:
        """Send a text and leave its result where it is."""
        cursor: Any = self._cursor()
        cursor.move(self._link)
        self._link.raw.query(query)

    def close(self) -> None:
        """Leave nothing unread on the link."""
        cursor: Any = self._cursor()
        if cursor is not None and cursor.at is self._link:
            cursor.discard()

    def read_out(self) -> None:
        """Nothing is left of an unbuffered result: the link is free again."""
        self._pins.free(UNREAD, self._link.id)

    @property
    def _pins(self) -> Pins:
        cursor: Any = self._cursor()
        pins: Pins = cursor.connection.dispatcher.links.pins
        return pins

    @property
    def description(self) -> Any:
        """The columns of the cursor's result."""
        return self._of_cursor("description")

    @property
    def rowcount(self) -> Any:
        """The rows of the cursor's last statement."""
        return self._of_cursor("rowcount")

    @property
    def lastrowid(self) -> Any:
        """The key of the last row that the cursor inserted."""
        return self._of_cursor("lastrowid")

    def _of_cursor(self, name: str) -> Any:
        return getattr(self._cursor(), name)

    def _inside(self, method: str, *args: Any) -> Any:
        cursor: Any = self._cursor()
        cursor.move(self._link)
        cursor.is_inside = True
        try:
            return getattr(cursor.driver, method)(cursor, *args)
        finally:
            cursor.is_inside = False
