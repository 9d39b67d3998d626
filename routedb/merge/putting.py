"""What the ways of writing rows of several groups to one have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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


class Found(NamedTuple):
    """What the query has given: the columns and the rows, and which link it was that
    knows their types."""

    description: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    link: Link
    route: Route | None
    warnings: int


def read_rows(session: Session, text: ParsedText, params: Any, read: Read) -> Found:
    """Have `read` read a query for `session`, the `text` with `params`, from writers:
    what a replica has not replayed must not be missing."""
    reader = Reader(session)
    before = session.override(None, Role.WRITER, None)
    try:
        read(reader, text, params)
        assert reader.raw is not None  # it has just run
        assert reader.link is not None
        rows = reader.raw.fetchall()
        found = (reader.raw.description, rows, reader.link, reader.route)
        if reader.link in session.transaction.branches.values():
            note_warnings(reader, reader.link)
        return Found(*found, sum(reader.warnings))
    finally:
        session.restore_overrides(before)
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
    raw = cursor.make_raw_cursor(link)
    cursor.link, cursor.raw, cursor.route = link, raw, attempt.route

    def call(raw: Any) -> None:
        raw.execute(sql) if values is None else raw.execute(sql, values)
        merged.add(raw)
        merged.rowcount = raw.rowcount  # which may be -1: it is the only part

    try:
        run_on(session, link, call, raw)
    except Exception as exc:
        judge_error(attempt, link, exc)
        raise
    finally:
        raw.close()
        if loaded is not None and link in session.transaction.branches.values():
            bringing.unload(link, loaded)
    merged.finish()
    cursor.raw = merged


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
