"""COPY … TO STDOUT of rows of several groups, into the program's file.

Where the groups' rows only follow one another, each group copies its own into the file,
one group after the other: nothing is kept, and the texts are the servers'. Else the
query is read as any other, and its rows, cast to their types, are copied by a server
that was asked, in blocks.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.shared.workers import Workers
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import bringing, postgresql_load
from routedb.merge.fragments import GroupReads, reads_of
from routedb.merge.measures import Measures
from routedb.merge.putting import Found, Read, read_rows
from routedb.merge.refused import NotMerged
from routedb.merge.running import Running, Way
from routedb.merge.showing import show
from routedb.planner import (
    Bound,
    Cluster,
    CopiedOut,
    Fragment,
    GroupsPlan,
    Merge,
    Refusal,
    Sharded,
    Spread,
    take_copy,
)
from routedb.routing.plan import ParsedText

# Does the COPY of a text, or of the table, on a raw cursor: into a file.
Copy = Callable[[Any, str | bytes, Any], object]
Planned = Callable[[ParsedText], tuple[GroupsPlan, Measures]]


class Sink:
    """The program's `file`, of bytes, and whether anything has been written to it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.has_rows = False

    def write(self, data: Any) -> Any:
        """Write `data`, as it comes."""
        self.has_rows = True
        return self._file.write(data)


class TextSink(Sink, io.TextIOBase):
    """The same of text, by which psycopg2 tells what it is to write."""


def sink_of(file: Any) -> Sink:
    """Return what stands for the program's `file`."""
    return TextSink(file) if isinstance(file, io.TextIOBase) else Sink(file)


class _PartCursor:
    """The raw cursor `raw` with `copy` in the place of executing."""

    def __init__(self, raw: RawCursor, copy: Callable[[Any, str], None]) -> None:
        self._raw = raw
        self._copy = copy

    def execute(self, sql: str, params: Any = None) -> None:
        """Copy what `sql` gives, which has no `params`."""
        self._copy(self._raw, sql)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


def parts_of(text: ParsedText, refusal: errors.Error) -> CopiedOut:
    """Return the parts of a COPY to the client, the `text`. Raises NotMerged where they
    are not understood, and `refusal` for another statement."""
    statement = text.plan.statement
    is_plain = text.plan.is_read and statement.hints is None and statement.parts == 1
    if not is_plain or text.plan.dialect != "postgresql":
        raise refusal
    parts = take_copy(text.source)
    if isinstance(parts, Refusal):
        raise NotMerged(parts.reason)
    if parts is None:
        raise refusal
    return parts


def table_plan(cluster: Cluster, text: ParsedText, refusal: errors.Error) -> GroupsPlan:
    """Return the plan by which every shard copies its rows of the table of `text`,
    where `cluster` says that it is dealt over shards. Raises `refusal`."""
    places = list(cluster.tables.values())
    if len(places) != 1 or not isinstance(places[0], Sharded):
        raise refusal
    fragment = Fragment(places[0].database, Bound(text.source), Spread.EVERY)
    return GroupsPlan(text.plan.dialect, (fragment,), Merge.STREAM)


class Copying:
    """A COPY under way in `session`, of these `parts`: `copy` does it, into `sink`, and
    `cursor` shows what comes of it."""

    def __init__(
        self,
        session: Session,
        cursor: VirtualCursor,
        parts: CopiedOut,
        copy: Copy,
        sink: Sink,
    ) -> None:
        self._session = session
        self._cursor = cursor
        self._parts = parts
        self._copy = copy
        self._sink = sink
        self._opened: list[int] = []  # the groups whose turn it was

    def table(
        self, text: ParsedText, made: GroupsPlan, measures: Measures, workers: Workers
    ) -> None:
        """Copy the rows of the table of `text` by the plan `made`, of which `measures`
        are told; `workers` are not needed. Raises NotMerged, and what servers say."""
        if self._parts.is_binary:
            raise NotMerged("a binary file of several groups has several beginnings")
        if self._session.is_atomic:
            raise NotMerged("COPY of a table reads its shards at different moments")
        self._in_parts(text, made, measures, workers)

    def query(
        self, inner: ParsedText, plan: Planned, read: Read, workers: Workers
    ) -> None:
        """Copy what the query `inner` gives: `plan` has its plan, and what is told of
        it, `read` has a cursor read it; `workers` are not needed. Raises NotMerged, and
        what servers say."""
        made, measures = plan(inner)
        if self._is_in_parts(made):
            self._in_parts(inner, made, measures, workers)
            return

        def work() -> None:
            found = read_rows(self._session, inner, None, read)
            self._copy_rows(self._link_for(found), found)

        multi_shard.in_transaction(self._session, work)

    def _is_in_parts(self, made: GroupsPlan) -> bool:
        """Tell whether the groups' rows follow one another, in a format that can."""
        is_plain = not made.order and made.limit is None and made.offset is None
        is_stream = (
            made.merge is Merge.STREAM and is_plain and not self._parts.is_binary
        )
        return made.merge is Merge.ONE or (is_stream and not self._session.is_atomic)

    # -- each group its own ------------------------------------------------------------

    def _in_parts(
        self, text: ParsedText, made: GroupsPlan, measures: Measures, workers: Workers
    ) -> None:
        session, cursor = self._session, self._cursor
        asked = reads_of(session, made, None)
        merged = MergedResult(cursor.arraysize)

        def take(reads: GroupReads, link: Link, raw: RawCursor) -> None:
            merged.add(raw)

        way = Way(self._open_raw, take, takes_at_once=False, at_once=False)
        running = Running(session, cursor, text.plan, made, None, way, measures)
        link = running.run(asked, workers)
        merged.finish()
        show(session, cursor, text, asked, link, merged, measures)

    def _open_raw(self, link: Link) -> RawCursor:
        self._opened.append(link.node.group)
        raw: Any = _PartCursor(self._cursor.make_part_cursor(link), self._copy_part)
        return raw  # type: ignore[no-any-return]

    def _copy_part(self, raw: Any, sql: str) -> None:
        if self._sink.has_rows and self._opened.count(self._opened[-1]) > 1:
            raise errors.OperationalError(
                "a node failed when rows of it were in the file already: nothing can "
                "take them back"
            )
        parts = self._parts
        options = parts.options if len(set(self._opened)) == 1 else parts.later
        head = parts.head if parts.query is None else f"COPY ({sql}\n) TO STDOUT"
        self._copy(raw, f"{head}{options}", self._sink)

    # -- rows that were put together ---------------------------------------------------

    def _link_for(self, found: Found) -> Link:
        """Return a link of the transaction's that knows the types of what was found."""
        branches = self._session.transaction.branches
        oids = [column[1] for column in found.description]
        link = branches.get(found.link.node.group)
        if link is None and any(oid >= postgresql_load.FIRST_OWN for oid in oids):
            raise NotMerged("it has a type of the user's, of a database not asked")
        for each in (link, *branches.values()):
            if each is not None and each.adapter.engine == "postgresql":
                return each
        raise NotMerged("no server of PostgreSQL's takes part")

    def _copy_rows(self, link: Link, found: Found) -> None:
        cursor, size = self._cursor, bringing.BLOCK
        if self._parts.is_binary and len(found.rows) > size:
            raise NotMerged(f"more than {size} rows in a binary file")
        types = postgresql_load.types_of(link.run, [c[1] for c in found.description])
        names = [str(column[0]).replace('"', '""') for column in found.description]
        listed = ", ".join(f'c{n} AS "{name}"' for n, name in enumerate(names))
        before = f"SELECT {listed} FROM (".replace("%", "%%")
        merged = MergedResult(cursor.arraysize)
        for start in range(0, max(len(found.rows), 1), size):
            sql, values = postgresql_load.inline(
                types, found.rows[start : start + size]
            )
            query = f"{before}{sql}) AS routedb_n"
            self._copy_block(link, query, values, start == 0, merged)
        merged.finish()
        cursor.link, cursor.raw, cursor.route = link, merged, found.route
        cursor.unbind_fetch()

    def _copy_block(
        self, link: Link, query: str, values: Any, is_first: bool, merged: MergedResult
    ) -> None:
        options = self._parts.options if is_first else self._parts.later
        if not options.isascii():
            raise NotMerged("a letter beyond ASCII in the options of COPY")
        raw: Any = self._cursor.make_part_cursor(link)
        try:
            made = b"COPY (" + raw.mogrify(query, values) + b") TO STDOUT"
            self._copy(raw, made + options.encode(), self._sink)
            merged.add(raw)
        except Exception as exc:
            link.classify_error(exc)
            raise
        finally:
            with suppress(Exception):  # the driver's own classes
                raw.close()
