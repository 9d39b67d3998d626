"""What the ways of writing rows of several groups to one have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from routedb.adapters.base import ResultSet
from routedb.engine.links.link import Link
from routedb.engine.run.attempt import Attempt, run_on
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.outcome import succeeded
from routedb.engine.run.recovery import judge
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import bringing
from routedb.merge.reading import Reader, note_warnings
from routedb.merge.refused import NotMerged
from routedb.routing import Reason, Route
from routedb.routing.plan import ParsedText
from routedb.topology.snapshot import Role

Read = Callable[[Reader, ParsedText, Any], None]


class Found:
    """What the query of a `reader` gives: how its columns are described, which link it
    was that knows their types, and the rows, which come as they are asked for."""

    def __init__(self, reader: Reader) -> None:
        assert reader.raw is not None  # it has just run
        assert reader.link is not None
        self._raw: Any = reader.raw
        self.description: Sequence[Any] = reader.raw.description
        self.link: Link = reader.link
        self.route = reader.route
        self.warnings = sum(reader.warnings)

    @cached_property
    def rows(self) -> Sequence[Sequence[Any]]:
        """All of them."""
        found: Sequence[Sequence[Any]] = self._raw.fetchall()
        return found

    def blocks(self, size: int) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield the rows, `size` of them at a time."""
        if self.link.adapter.engine == "postgresql":
            while block := self._raw.fetchmany(size):
                yield block
        else:  # all have come, and their types are told by their values
            for start in range(0, len(self.rows), size):
                yield self.rows[start : start + size]


def read_rows(session: Session, text: ParsedText, params: Any, read: Read) -> Found:
    """Have `read` read a query for `session`, the `text` with `params`, from writers:
    what a replica has not replayed must not be missing."""
    with reading_rows(session, text, params, read, name=None) as found:
        assert found.rows is not None  # they are kept
    return found


@contextmanager
def reading_rows(
    session: Session,
    text: ParsedText,
    params: Any,
    read: Read,
    name: str | None = "routedb_rows",
) -> Iterator[Found]:
    """Give what `read` reads for `session` by a query, the `text` with `params`, as
    `read_rows` does. Where its rows may come as they are asked for, they do, by cursors
    of this `name`."""
    may_name = text.plan.dialect == "postgresql" and not session.is_atomic
    reader = Reader(session, name if may_name else None)
    before = session.override(None, Role.WRITER, None)
    try:
        read(reader, text, params)
        assert reader.link is not None  # it has just run
        if reader.link in session.transaction.branches.values():
            note_warnings(reader, reader.link)
        found = Found(reader)
    except BaseException:
        reader.close()
        raise
    finally:
        session.restore_overrides(before)
    try:
        yield found
    finally:
        reader.close()


def run_around(
    session: Session,
    cursor: VirtualCursor,
    attempt: Attempt,
    link: Link,
    sql: str,
    values: Any,
    loaded: bringing.Rows | None,
) -> None:
    """Run `sql` with its `values` on `link`, for `attempt`, and let `cursor` show what
    comes; what was `loaded` for it is taken away. Raises what the driver raises."""
    merged = MergedResult(cursor.arraysize)

    def take(raw: ResultSet) -> None:
        merged.add(raw)
        merged.rowcount = raw.rowcount  # which may be -1: it is the only part

    run_part(session, cursor, attempt, link, sql, values, loaded, take)
    merged.finish()
    cursor.raw = merged


def run_part(
    session: Session,
    cursor: VirtualCursor,
    attempt: Attempt,
    link: Link,
    sql: str,
    values: Any,
    loaded: bringing.Rows | None,
    take: Callable[[ResultSet], None],
) -> None:
    """Run `sql` with its `values` on `link`, for `attempt`, and have `take` take what
    comes, while `cursor`, whose own raw cursor it is, shows it; what was `loaded` for
    it is taken away. Raises what the driver raises."""
    raw = cursor.make_raw_cursor(link)
    cursor.link, cursor.raw, cursor.route = link, raw, attempt.route

    def call(raw: Any) -> None:
        raw.execute(sql) if values is None else raw.execute(sql, values)
        take(raw)

    try:
        run_on(session, link, call, raw)
    except Exception as exc:
        judge_error(attempt, link, exc)
        raise
    finally:
        raw.close()
        if loaded is not None and link in session.transaction.branches.values():
            bringing.unload(link, loaded)


def judge_error(attempt: Attempt, link: Link, exc: Exception) -> None:
    """Have `exc`, the driver's on `link`, noted for `attempt`, and raised as what it
    amounts to."""
    if not isinstance(exc, NotMerged):
        judge(attempt, link, exc)


def show_written(
    session: Session,
    cursor: VirtualCursor,
    outer: ParsedText,
    text: ParsedText,
    attempt: Attempt,
    found: Found | None,
) -> None:
    """Let `cursor` show `text`, which ran by an `attempt` as `outer`, with the reads of
    what was `found`."""
    group = session.core.groups[attempt.group]
    why = "rows of several groups are written to one"
    read = None if found is None else found.route
    runs = () if read is None else read.fragments
    reasons = ((Reason.SEVERAL_GROUPS, why), attempt.route.reasons[-1])
    route = Route(group.database, attempt.route.groups, Role.WRITER, reasons, runs)
    cursor.route = text.plan.counted(route)
    cursor.route.hits[0] += 1
    succeeded(session, cursor, outer.plan)


def show_dealt(
    session: Session,
    cursor: VirtualCursor,
    outer: ParsedText,
    text: ParsedText,
    attempts: Sequence[Attempt],
    merged: MergedResult,
    why: str,
    read: Route | None = None,
) -> None:
    """Let `cursor` show `text`, which ran by `attempts` as `outer` on several groups:
    what was `merged` of them, for the reason `why`, and what was `read` for it."""
    groups = session.core.groups
    numbers = tuple(groups[each.group].shard or 0 for each in attempts)
    name = groups[attempts[0].group].database
    reasons = ((Reason.SEVERAL_GROUPS, why), attempts[0].route.reasons[-1])
    runs = () if read is None else read.fragments
    route = Route(name, numbers, Role.WRITER, reasons, runs)
    cursor.raw, cursor.route = merged, text.plan.counted(route)
    cursor.route.hits[0] += 1
    succeeded(session, cursor, outer.plan)
