"""The rows of fragments as they come, for a remainder: counted, and kept as lines.

PostgreSQL sends its rows by COPY, MySQL row by row, so no driver has them in memory
before they are counted. SQLite's are read where they are.
"""

from __future__ import annotations

from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import across
from routedb.merge.fragments import GroupReads
from routedb.merge.lines import Lines
from routedb.merge.measures import COMING, Measures
from routedb.merge.reading import note_warnings
from routedb.merge.refused import NotMerged
from routedb.merge.union import split, split_lines
from routedb.planner import GroupsPlan

_BLOCK_ROWS = 1000
_BLOCK_BYTES = 65_536


class Coming:
    """Takes the rows of the fragments of `made`, as they come, and tells `measures`,
    which may refuse more; `cursor` is the statement's. One thread for each group may
    use it."""

    def __init__(
        self, made: GroupsPlan, measures: Measures, cursor: VirtualCursor
    ) -> None:
        self._made = made
        self._cursor = cursor
        self._measures = measures
        self._arriving: dict[int, _Arriving] = {}  # by group
        # By the number of the fragment, and the group.
        self.lines: dict[tuple[int, int], Lines] = {}
        self.links: dict[int, Link] = {}  # that have answered, by group

    def open_raw(self, link: Link) -> RawCursor:
        """Open what fragments run on, on `link`. Raises NotMerged where its values
        would be the program's."""
        opened = across.open_raw(link)
        if link.adapter.dialect == "postgresql":
            # Imported here: it needs psycopg2.
            from routedb.adapters.postgresql import copying  # noqa: PLC0415

            if copying.can_copy(link.raw):
                arriving = _Arriving(self._measures, link)
                self._forget_arriving(link)
                self._arriving[link.node.group] = arriving
                return copying.copying_cursor(link.raw, arriving.add)
        elif link.adapter.dialect == "mysql":
            # Imported here: it needs MySQLdb.
            from routedb.adapters.mysql import filling  # noqa: PLC0415

            return filling.reading_cursor(link.raw)
        self._forget_arriving(link)
        return opened

    def take(self, reads: GroupReads, link: Link, raw: RawCursor) -> None:
        """Take the rows that `raw` has of what was asked, `reads`, over `link`. Raises
        NotMerged for more than is allowed, or what is no value of its type."""
        fragments, numbers = self._made.fragments, reads.fragments
        arriving = self._arriving.pop(link.node.group, None)
        if arriving is None:
            found = {number: Lines() for number in numbers}
            self._keep(found, link)
            while block := raw.fetchmany(_BLOCK_ROWS):
                for number, rows in split(numbers, fragments, block).items():
                    fragment = fragments[number]
                    texts = across.carried(fragment, rows, self._made, link)
                    found[number].add_rows(texts)
                    self._count(number, link, found[number])
        else:
            found = split_lines(numbers, fragments, arriving.finished())
            self._keep(found, link)
            for number in numbers:
                found[number] = self._carried(number, found[number], link)
            self._measures.forget(COMING, link)
        note_warnings(self._cursor, link)
        for number in numbers:
            self._count(number, link, found[number])
        self.links[link.node.group] = link

    def by_fragment(self) -> dict[int, list[Lines]]:
        """Return what came of each fragment, in the order of the groups."""
        found: dict[int, list[Lines]] = {
            n: [] for n in range(len(self._made.fragments))
        }
        for number, group in sorted(self.lines):
            found[number].append(self.lines[number, group])
        return found

    def close(self) -> None:
        """Forget the rows."""
        for lines in list(self.lines.values()):
            lines.close()
        for arriving in list(self._arriving.values()):
            arriving.lines.close()

    def _forget_arriving(self, link: Link) -> None:
        before = self._arriving.pop(link.node.group, None)
        if before is not None:  # the group is asked again
            before.lines.close()

    def _carried(self, number: int, lines: Lines, link: Link) -> Lines:
        made = self._made
        carried = across.carried_lines(made.fragments[number], lines, made, link)
        self.lines[number, link.node.group] = carried
        return carried

    def _keep(self, found: dict[int, Lines], link: Link) -> None:
        for number, lines in found.items():
            before = self.lines.pop((number, link.node.group), None)
            if before is not None:  # the group is asked again
                before.close()
            self.lines[number, link.node.group] = lines

    def _count(self, number: int, link: Link, lines: Lines) -> None:
        self._measures.count(number, link, len(lines), lines.size)


class _Arriving:
    """Lines of all fragments of a group on their way. Not even too many are refused
    before the last has come, or they would stay on the line: they are dropped."""

    def __init__(self, measures: Measures, link: Link) -> None:
        self._measures = measures
        self._link = link
        self.lines = Lines()
        self._block: list[bytes] = []
        self._size = 0
        self._error: Exception | None = None
        measures.forget(COMING, link)

    def add(self, line: bytes) -> None:
        """Take a line."""
        if self._error is None:
            self._block.append(line)
            self._size += len(line)
            if self._size > _BLOCK_BYTES:
                self._flush()

    def finished(self) -> Lines:
        """Return all lines, as all have come. Raises NotMerged for too many."""
        self._flush()
        if self._error is not None:
            self.lines.close()
            raise self._error
        return self.lines

    def _flush(self) -> None:
        lines = self.lines
        try:
            lines.add(b"".join(self._block))
            self._measures.count(COMING, self._link, len(lines), lines.size)
        except (NotMerged, OSError) as exc:  # of a full disk
            self._error = self._error or exc
        self._block, self._size = [], 0
