"""A transaction's BEGIN in one message with its first statement.

psycopg2 sends BEGIN by itself, and waits for the answer, before the first statement. In
autocommit mode it sends what it is given, so BEGIN and the statement can be one text:
the server answers it once (PostgreSQL manual, "Multiple Statements in a Simple Query"),
and psycopg2 shows the result of the last one. The connection is in autocommit mode
until the transaction has ended, by a text again.

An error that points into the text would point behind the BEGIN. Such a statement has
not been executed, so it is sent once more, alone, as psycopg2 does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg2
from psycopg2 import extensions as ext

from routedb.adapters.postgresql.transactions import begin_text
from routedb.sql.statement import TxMode

# Tells our BEGIN from one that a program has written.
_MARK = "/* routedb */;"


class Joining(Protocol):
    """What is needed of a link: see `routedb.engine.links.link`."""

    raw: Any
    is_text_begun: bool
    pending_begin: TxMode | None
    joined_from: Any

    def join(self) -> None:
        """Take note that a transaction begins with its first statement."""

    def part(self) -> None:
        """Be as before `join`, without a transaction."""

    def rollback(self) -> None:
        """Roll back, and be as before `join`."""


def execute(
    link: Joining, run: Callable[..., None], cursor: Any, query: Any, vars: Any = None
) -> None:  # noqa: A002
    """Run `query` with `vars` on `cursor` of `link` by `run`, psycopg2's own execute.
    When a transaction is to begin with it, that goes in the same message.

    Raises what `run` raises.
    """
    mode, raw = link.pending_begin, link.raw
    if cursor.name is not None:
        link.pending_begin = None
        with begun_by_psycopg2(link):
            run(cursor, query, vars)
    elif mode is None or raw.status != ext.STATUS_READY:
        run(cursor, query, vars)
    elif not _run_joined(link, run, cursor, _joined(mode, cursor, query), vars):
        if is_idle(raw):  # not even the BEGIN was executed
            link.part()
        else:
            link.rollback()
        link.is_text_begun = False
        run(cursor, query, vars)


def _run_joined(
    link: Joining, run: Callable[..., None], cursor: Any, text: Any, vars: Any
) -> bool:  # noqa: A002
    """Run `text`; False when its error must be that of the statement alone."""
    try:
        link.join()
        link.raw.autocommit = True
        run(cursor, text, vars)
        return True
    except psycopg2.Error as exc:
        if not _points_into_the_text(link.raw, exc):
            raise
        return False
    except Exception:  # wrong arguments: nothing was sent
        if is_idle(link.raw):
            link.part()
            link.is_text_begun = False
        raise
    finally:  # not before: a statement of another thread begins it just as well
        link.pending_begin = None


@contextmanager
def begun_by_psycopg2(link: Joining) -> Iterator[None]:
    """Within the block psycopg2 may do what it does in transactions only that it has
    begun itself: it begins this one again, and the server's warning of that is
    removed."""
    raw = link.raw
    if link.joined_from is None or not raw.autocommit:
        yield
        return
    raw.autocommit = False
    before = len(raw.notices)
    yield
    raw.poll()  # takes in what has arrived beside answers
    del raw.notices[before : before + 1]


def _points_into_the_text(raw: Any, exc: psycopg2.Error) -> bool:
    if raw.closed:
        return False
    return is_idle(raw) or exc.diag.statement_position is not None


def is_idle(raw: Any) -> bool:
    """Tell whether no transaction is open on `raw`, as its last answer has it."""
    return bool(raw.get_transaction_status() == ext.TRANSACTION_STATUS_IDLE)


def _joined(mode: TxMode, cursor: Any, query: Any) -> Any:
    begin = begin_text(mode) + _MARK
    if isinstance(query, str):
        return begin + query
    if isinstance(query, bytes | bytearray | memoryview):
        return begin.encode("ascii") + bytes(query)
    return begin + query.as_string(cursor)


def alone(sent: bytes | None) -> bytes | None:
    """Return what was `sent` without a BEGIN of ours."""
    if sent is None or not sent.startswith(b"BEGIN"):
        return sent
    _, mark, rest = sent.partition(_MARK.encode("ascii"))
    return rest if mark else sent
