"""What the cursor shows of a read over several groups: result, names, route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routedb.engine.links.link import Link
from routedb.engine.run.outcome import succeeded
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import answers
from routedb.merge.fragments import GroupReads
from routedb.merge.measures import Measures
from routedb.merge.refused import NamedByRows, NotMerged
from routedb.planner import Remainder
from routedb.routing import Reason, Route
from routedb.routing.plan import ParsedText
from routedb.session import TxEvent


def show(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    asked: Sequence[GroupReads],
    link: Link,
    result: Any,
    measures: Measures,
    how: str = "",
) -> None:
    """Let `cursor` show `result`, the answer to `text` of what was `asked`, last on
    `link`, in `session`; `measures` know the fragments, and `how` is told too."""
    cursor.link, cursor.raw = link, result
    show_route(session, cursor, text, asked, measures, how)
    if session.transaction.is_bound:
        session.transaction.apply(TxEvent.READ)
    succeeded(session, cursor, text.plan)


def show_route(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    asked: Sequence[GroupReads],
    measures: Measures,
    how: str = "",
) -> None:
    """Let `cursor` show, of what was `asked` for `text` in `session`, the database and
    the groups that were asked last, in the role of the last one, and what `measures`
    know of the fragments, and `how` they are merged; count the statement there."""
    assert cursor.route is not None  # that of the last group
    last = asked[-1].database
    numbers = tuple(reads.number for reads in asked if reads.database is last)
    names = sorted({reads.database.name for reads in asked})
    why = f"rows of {len(asked)} groups of {', '.join(names)} are merged{how}"
    reasons = ((Reason.SEVERAL_GROUPS, why), cursor.route.reasons[-1])
    runs = measures.runs(session.core)
    role = cursor.route.role
    route = Route(last.name, numbers, role, reasons, runs, measures.origin)
    cursor.route = text.plan.counted(route)
    cursor.route.hits[0] += 1


def show_names(cursor: VirtualCursor, remainder: Remainder) -> None:
    """Let `cursor` call the columns of `remainder` what they are called where the text
    runs as it is written. Raises NotMerged where that cannot be told, NamedByRows where
    it could be without the rows in the text."""
    raw, link = cursor.raw, cursor.link
    assert raw is not None  # it has just run
    assert link is not None
    if raw.description is None:  # a named cursor's, until it fetches
        return
    names = [column[0] for column in raw.description]
    wanted = [remainder.original(name) for name in names]
    if any("JSON_TABLE" in name for name in wanted):
        raise NamedByRows("a column is called after its text, which has a subquery")
    if names == wanted:
        return
    part = answers.part_of(cursor, link, raw)
    if part.own or (part.rows and isinstance(part.rows[0], dict)):
        raise NotMerged("a column is called after its text, in rows by name")
    described = [
        (name, *column[1:])
        for name, column in zip(wanted, part.description, strict=True)
    ]
    cursor.raw = answers.shown(cursor, tuple(described), part.rows, part)
    cursor.bind_fetch(cursor.raw)
