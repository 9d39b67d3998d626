"""A statement that somebody asks for: run as it would be, timed, and told.

The hot path comes here only while `core.observers` is set. What is told is taken from
the cursor afterwards, which shows where the statement went; nothing of how it runs is
different.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from routedb.config.mask import mask
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.events import NodeLabel, StatementRan
from routedb.routing import Route
from routedb.sql import Statement
from routedb.topology.snapshot import Role

_LONGEST_VERB = 40  # with the blanks before it
_NO_ROUTE: tuple[Route | None, Link | None] = (None, None)


def call(
    cursor: VirtualCursor, query: Any, run: Callable[[], Any], batch: int | None = None
) -> None:
    """Run a statement and tell of it. Raises what `run` raises.

    `query` is its text, `run` runs it on the cursor; `batch` is the number of sets of
    parameters that it does so for.
    """
    session, observers = cursor.session, cursor.session.core.observers
    shown, retries = (cursor.route, cursor.link), session.retries
    cursor.route, cursor.link = _NO_ROUTE
    cursor.is_observed = True
    error = None
    started_at, began = time.time(), time.perf_counter()
    try:
        run()
    except BaseException as exc:
        error = exc
        raise
    finally:
        duration_s = time.perf_counter() - began
        cursor.is_observed = False
        route, link = cursor.route, cursor.link
        if (route, link) == _NO_ROUTE:  # it went nowhere, and the cursor shows the last
            cursor.route, cursor.link = shown
        if observers is not None:
            statement = _statement(session, query)
            observers.tell_statement(
                StatementRan(
                    _label(session, link),
                    _role(session, route, link),
                    "" if route is None else route.reason,
                    _verb(statement, query),
                    _tables(statement),
                    started_at,
                    duration_s,
                    session.retries - retries,
                    _rows(cursor, error),
                    error,
                    batch,
                    _text(query) if observers.wants_texts else None,
                )
            )
        del error  # which refers to this frame: see `let_go`


def _statement(session: Session, query: Any) -> Statement | None:
    """Return what is known of the text; None for those that are not kept."""
    try:
        text = session.known_texts.get(query)
    except TypeError:  # a text that cannot be hashed
        return None
    return None if text is None else text.plan.statement


def _label(session: Session, link: Link | None) -> NodeLabel | None:
    return None if link is None else session.core.label(link.node)


def _role(session: Session, route: Route | None, link: Link | None) -> str:
    """Return the route's role; of a statement that failed before it had one, its
    node's."""
    if route is not None:
        return route.role.value
    if link is None:
        return ""
    is_writer = session.core.topology.groups[link.node.group].writer == link.id
    return Role.WRITER.value if is_writer else Role.REPLICA.value


def _verb(statement: Statement | None, query: object) -> str:
    if statement is not None:
        return statement.verb
    if not isinstance(query, str):
        return ""
    words = query[:_LONGEST_VERB].split(None, 1)
    return words[0].upper() if words and words[0].isalpha() else ""


def _tables(statement: Statement | None) -> tuple[str, ...]:
    if statement is None:
        return ()
    return tuple(
        f"{table.schema}.{table.name}" if table.schema else table.name
        for table in statement.tables
    )


def _rows(cursor: VirtualCursor, error: BaseException | None) -> int:
    return -1 if error is not None or cursor.raw is None else int(cursor.raw.rowcount)


def _text(query: object) -> str:
    if isinstance(query, str):
        return mask(query)
    if isinstance(query, bytes | bytearray):
        return mask(bytes(query).decode("utf-8", "replace"))
    return repr(query)
