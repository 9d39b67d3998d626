"""The PostgreSQL frontend: connections and cursors that are psycopg2's own.

C code in psycopg2 checks real types, and ORMs call it on connect, so what
`routedb.connect` returns for a cluster whose default database is PostgreSQL is a real,
open `psycopg2.extensions.connection` (docs/architecture.rst, Frontends). Its own C
connection is the *identity handle*: the link to the writer at the time of connecting,
used by the engine like any other link, and kept for quoting and type registration after
its server died.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routedb import errors
from routedb.adapters.base import TxMode
from routedb.adapters.postgresql import psycopg2
from routedb.engine.shared.core import Core
from routedb.frontends.connection import Connection
from routedb.frontends.psycopg2.connection import (
    PostgreSQLConnection,
    connection_class,
)
from routedb.frontends.psycopg2.cursor import PostgreSQLCursor
from routedb.frontends.psycopg2.guarded_types import guard_types
from routedb.frontends.psycopg2.identity import IdentityState, OpenArguments
from routedb.frontends.psycopg2.pooled import blank, give_up, own_kind, reserve

__all__ = ["PostgreSQLConnection", "PostgreSQLCursor", "open_connection", "own_kind"]

_MOST_TRIES = 3
guard_types()


def open_connection(
    core: Core,
    mode: TxMode,
    on_close: Callable[[Connection], None],
    on_open: Callable[[Connection], None],
    factory: Any = None,
    cursor_factory: Any = None,
) -> PostgreSQLConnection:
    """Open a virtual connection, an instance of the user's `factory` too, whose cursors
    are of `cursor_factory` unless that is None.

    `core` is what the connections of a runtime share, `mode` how transactions run.
    `on_open` and `on_close` are called with the connection when it was made and when it
    is closed. Raises OperationalError when no node answers.

    An object can become a psycopg2 connection once only. When its node has just failed,
    another object is made, for a node that is up.
    """
    kind = connection_class(factory)
    for _ in range(_MOST_TRIES):
        made = _open(core, mode, on_close, on_open, kind, cursor_factory)
        if made is not None:
            return made
    raise psycopg2.ADAPTER.error_class(errors.OperationalError)(
        "the nodes of the default database die while they are connected to"
    )


def _open(
    core: Core,
    mode: TxMode,
    on_close: Callable[[Connection], None],
    on_open: Callable[[Connection], None],
    kind: Any,
    cursor_factory: Any,
) -> PostgreSQLConnection | None:
    """Open a connection of the class `kind`; None when its node has just failed."""
    made: PostgreSQLConnection | None = None
    reservation = None
    try:
        reservation = reserve(core, kind)
        arguments = OpenArguments(
            core,
            psycopg2.ADAPTER,
            mode,
            on_close,
            on_open,
            reservation,
            cursor_factory,
        )
        made = blank(kind, arguments)
        made.__init__(core.config.nodes[0].dsn)  # type: ignore[misc]
        made.cancel_reservation()
        if made.given_cursors is not None:  # it overrides what a factory has set
            made.cursor_factory = made.given_cursors
        # One that is still new was not opened by the factory.
        if made.identity is not IdentityState.SPOILED:
            return made
        made.close()
    except BaseException:
        if made is not None:
            give_up(made)
        elif reservation is not None:
            reservation.pool.cancel(reservation.slot)
        raise
    return None
