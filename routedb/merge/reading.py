"""A cursor of nobody's, for rows that are to be written again as they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from routedb.adapters.base import RawCursor, ResultSet
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import Control, NoRawCursor, VirtualCursor
from routedb.merge.answers import sqlite_texts
from routedb.merge.refused import NotMerged
from routedb.planner import GroupsPlan
from routedb.routing import Route
from routedb.sql.statement import Table

# The database and the table whose rows are locked as they are read, None for each.
Locks = tuple[()] | tuple[str, Table | None]


class Reader(NoRawCursor):
    """A virtual cursor whose values are exact: see `Adapter.exact_cursor`. It belongs
    to `session`, and is shown to no program."""

    row_factory: object = None
    itersize = 5_000  # rows of each group at a time, under a name
    withhold = False

    def __init__(self, session: Session, name: str | None = None) -> None:
        """With a `name` it is a named cursor where rows of groups follow one
        another."""
        self.session = session
        self.name = name
        self.arraysize = 1
        self.raw: ResultSet | None = None
        self.fetching_from: ResultSet | None = None
        self.raw_cursors: dict[Link, RawCursor] = {}
        self.route: Route | None = None
        self.link: Link | None = None
        self.control: Control | None = None
        self.is_observed = True
        self.warnings: list[int] = []  # how many MySQL had, from each group
        self.locks: Locks = ()

    def open_raw_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link` and keep it in `raw_cursors`."""
        raw = self.raw_cursors[link] = self.make_raw_cursor(link)
        return raw

    def make_raw_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link`. Raises NotMerged where the values of that are
        the program's."""
        engine = link.adapter.engine
        if engine == "sqlite" and (why := sqlite_texts(link)):
            raise NotMerged(why)
        if engine == "mysql":
            if "conv" in link.node.options:
                raise NotMerged("values are made by a converter of the program's")
            if link.raw.character_set_name() != "utf8mb4":
                raise NotMerged(f"the link to {link.node.name} is not in utf8mb4")
        return link.adapter.exact_cursor(link.raw)

    make_part_cursor = make_raw_cursor

    def bind_fetch(self, raw: ResultSet) -> None:
        """Fetch from `raw` from now on."""
        self.fetching_from = raw

    def unbind_fetch(self) -> None:
        """There is nothing to fetch."""
        self.fetching_from = None

    def buffer_results(self) -> None:
        """They are."""

    def close(self) -> None:
        """Close what was opened."""
        if self.raw is not None and self.name is not None:
            self.raw.close()
        for raw in self.raw_cursors.values():
            with suppress(Exception):  # the driver's own classes
                raw.close()
        self.raw_cursors = {}


def note_warnings(cursor: VirtualCursor, link: Link) -> None:
    """Have a `cursor` of nobody's count what the server of `link` warned of in the
    statement that has been read there."""
    if isinstance(cursor, Reader) and link.adapter.engine == "mysql":
        cursor.warnings.append(link.raw.warning_count())


def locking(made: GroupsPlan, locks: Locks) -> GroupsPlan:
    """Return the plan `made` with the fragments that read the table of `locks` locking
    its rows."""
    if not locks:
        return made
    database, table = locks
    name = "" if table is None else f"`{table.name.replace('`', '``')}` AS "
    mark = f" FROM {name}"
    fragments = tuple(
        replace(each, is_locking=each.database == database and mark in each.text.sql)
        for each in made.fragments
    )
    return replace(made, fragments=fragments)
