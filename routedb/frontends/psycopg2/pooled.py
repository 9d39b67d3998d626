"""Connections that a pool lends again.

A virtual connection of this frontend is a link itself, so its object goes into the pool
with its C connection, which stays open, and is lent again, as new, when only the pool
references it (see engine/pool/refcount.py).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from psycopg2 import extensions as ext

from routedb import errors
from routedb.adapters.postgresql.psycopg2 import ADAPTER
from routedb.config.model import NodeConfig
from routedb.engine.pool.pool import Warm
from routedb.engine.shared.core import Core
from routedb.frontends.connection import Connection
from routedb.frontends.psycopg2.connection import PostgreSQLConnection
from routedb.frontends.psycopg2.identity import OpenArguments, Reservation, pool_kind
from routedb.frontends.psycopg2.inherited_connection import InheritedConnection


def reserve(core: Core, kind: type) -> Reservation | None:
    """Reserve a slot for a connection of `kind`, its class, in the pool of the default
    database's writer; None when there is no pool, or no writer is known yet.

    Raises PoolTimeout.
    """
    writer = core.topology.groups[core.default_group(None)].writer
    pool = None if writer is None else core.pools.of(writer)
    if pool is None:
        return None
    try:
        return Reservation(pool, pool.reserve(pool_kind(kind)))
    except errors.PoolTimeout as exc:
        raise ADAPTER.error_class(errors.PoolTimeout)(*exc.args) from None


def blank(kind: Any, arguments: OpenArguments) -> Any:
    """Return a connection of `kind` that is still to be initialized, with these
    `arguments`: the one in the slot that was reserved, without anything of its last
    user, or a new one."""
    reservation = arguments.reservation
    connection = None if reservation is None else reservation.slot.keeper
    if reservation is None or connection is None:
        connection = kind.__new__(kind)
    else:
        vars(connection).clear()
        reservation.slot.keeper = None
    connection.open_arguments = arguments
    return connection


def give_up(connection: PostgreSQLConnection) -> None:
    """Close a connection that could not be made, as far as it was."""
    connection.cancel_reservation()
    if "session" in vars(connection):
        Connection.close(connection)


def own_kind(core: Core, node: NodeConfig) -> Warm | None:
    """Return how to open an idle link to `node` that is a connection itself; None for
    nodes other than the default database's writer in `core`."""
    group = core.topology.groups[core.default_group(None)]
    if node.id != group.writer:
        return None
    return Warm(pool_kind(PostgreSQLConnection), partial(_open, core, node))


def _open(core: Core, node: NodeConfig) -> tuple[Any, Any]:
    connection: Any = PostgreSQLConnection.__new__(PostgreSQLConnection)

    def connect_inherited(dsn: str, *args: Any, **more: Any) -> InheritedConnection:
        ext.connection.__init__(connection, dsn, *args, **more)
        return InheritedConnection(connection)

    def connect(node: NodeConfig, timeout_s: float) -> Any:
        return ADAPTER.connect(node, timeout_s, connect_inherited)

    return core.open_raw(node, connect), connection
