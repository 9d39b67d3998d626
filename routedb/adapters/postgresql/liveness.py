"""Whether a psycopg2 connection can still be used, without a round trip."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import psycopg2
from psycopg2 import extensions as ext

from routedb.adapters import sockets
from routedb.adapters.base import Raw
from routedb.adapters.postgresql.libpq import FAREWELLS, UNASKED


def is_alive(raw: Raw) -> bool:
    """Tell whether an idle connection can still be used; what has arrived on its socket
    may be just a NOTIFY."""
    if raw.closed:
        return False
    descriptor = raw.fileno()
    if not sockets.has_input(descriptor):
        return True
    first = sockets.peek(descriptor)
    # Any other message is the answer to a statement of another thread, which a poll
    # would consume.
    if first is None or first[:1] not in UNASKED or is_busy(raw):
        return True
    if first in FAREWELLS:  # still unread: the server has ended
        return sockets.peek(descriptor) != first
    try:
        raw.poll()
    except psycopg2.Error:
        return False
    # A farewell is read by one poll, the end of the line by the next.
    return not raw.closed and not sockets.has_input(descriptor)


def watch(raw: Raw) -> Callable[[Raw], bool]:
    """Return a cheaper `is_alive` for `raw`; where that says False, `is_alive`
    knows."""
    look = getattr(type(raw), "is_quiet", _is_quiet)  # the identity handle has its own
    return partial(look, sockets.watch(raw.fileno()))


def _is_quiet(has_input: Callable[[], object], raw: Raw) -> bool:
    try:
        return not (raw.closed or has_input())
    except (psycopg2.Error, RuntimeError):  # another thread is looking
        return False


def is_busy(raw: Raw) -> bool:
    """Tell whether a statement of another thread is under way: libpq keeps that one was
    sent and not answered yet."""
    return bool(raw.get_transaction_status() == ext.TRANSACTION_STATUS_ACTIVE)
