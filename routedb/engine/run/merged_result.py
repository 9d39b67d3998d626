"""The results of several raw cursors as one: a statement that ran on several shards.

Rows are taken from each raw cursor while that is open, so they are what the driver's
cursor has made of them: type casters, row factories and cursor classes have had their
say. Rows that the parts return are put in the order of the rows of the statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from routedb import errors
from routedb.adapters.base import ResultSet


class MergedResult:
    """What a virtual cursor fetches from, and tells of its statement, once several
    raw cursors have run it.

    `rowcount` is the sum, `statusmessage` has the sum ("INSERT 0 3"). `query` is the
    text that was sent last, as psycopg2 has it after several texts of one call;
    `lastrowid` is that text's too. `pgresult_ptr` is None: there is no such object.
    """

    pgresult_ptr: None = None

    def __init__(self, arraysize: int = 1) -> None:
        self.arraysize = arraysize
        self.description: Any = None
        self.rowcount = 0
        self.lastrowid: Any = None
        self.query: Any = None
        self.statusmessage: str | None = None
        self._numbered: list[tuple[int, Any]] = []  # until all parts are in
        self._rows: Sequence[Any] = ()
        self._container: Any = list  # of the rows, as the driver's: MySQLdb has tuples
        self._next = 0

    # -- what runs the parts ---------------------------------------------------------

    def add(self, raw: ResultSet, places: Sequence[int] | None = None) -> None:
        """Take the rows of one part, and what it tells.

        `places` are the numbers of its rows in the whole statement; without them, or
        when it has returned another number of rows, they come after those there are.
        """
        before = self.statusmessage
        self.count(raw)
        self.statusmessage = _summed(before, self.statusmessage)
        if raw.description is None:
            return
        self.description = raw.description
        rows = raw.fetchall()
        if places is None or len(places) != len(rows):
            places = range(len(self._numbered), len(self._numbered) + len(rows))
        self._numbered += zip(places, rows, strict=True)
        self._container = type(rows)

    def count(self, raw: ResultSet) -> None:
        """Take what one part tells, and none of its rows."""
        self.rowcount += max(raw.rowcount, 0)
        self.lastrowid = raw.lastrowid
        self.query = getattr(raw, "query", None)
        self.statusmessage = getattr(raw, "statusmessage", None)

    def finish(self) -> None:
        """Put the rows in order, once all parts are in."""
        self._numbered.sort(key=lambda item: item[0])
        self._rows = self._container(row for _, row in self._numbered)
        self._numbered = []
        if self.description is not None:
            self.rowcount = len(self._rows)

    def show(self, rows: Sequence[Any]) -> None:
        """Have these rows, in the place of those there are."""
        self._rows = rows
        self.rowcount = len(rows)

    # -- what a cursor asks ----------------------------------------------------------

    @property
    def rownumber(self) -> int:
        """Index of the next row."""
        return self._next

    def fetchone(self) -> Any:
        """Return the next row, or None after the last."""
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchmany(self, size: int | None = None) -> Any:
        """Return up to `size` rows, by default `arraysize`."""
        end = self._next + (self.arraysize if size is None else size)
        rows = self._rows[self._next : end]
        self._next += len(rows)
        return rows

    def fetchall(self) -> Any:
        """Return all rows that are left."""
        return self.fetchmany(len(self._rows))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchone, None)

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Go to the row of the number `value`, counted from here, or from the first row
        when `mode` is "absolute".

        Raises IndexError when there is no such row, and ProgrammingError for another
        mode (PEP 249).
        """
        if mode not in ("relative", "absolute"):
            raise errors.ProgrammingError(
                f"scroll mode {mode!r}: allowed are 'relative' and 'absolute'"
            )
        wanted = value + (self._next if mode == "relative" else 0)
        if not 0 <= wanted < len(self._rows):
            raise IndexError("scroll destination out of bounds")
        self._next = wanted

    def nextset(self) -> None:
        """There is never another set."""

    def close(self) -> None:
        """Let go of the rows."""
        self._rows = ()


def _summed(before: str | None, tag: str | None) -> str | None:
    """Return a command tag with the sum of the rows that it and the one before name."""
    if before is None or tag is None:
        return tag
    verb, _, rows = tag.rpartition(" ")
    already = before.rpartition(" ")[2]
    if not (rows.isdecimal() and already.isdecimal()):
        return tag
    return f"{verb} {int(already) + int(rows)}"
