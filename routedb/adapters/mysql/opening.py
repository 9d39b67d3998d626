"""Opening a connection of mysqlclient within a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import MySQLdb

from routedb.adapters import sockets
from routedb.adapters.base import AUTOCOMMIT, Raw
from routedb.adapters.bounded_connect import BoundedConnect
from routedb.adapters.fork_gate import connecting
from routedb.adapters.mysql.faults import LOST
from routedb.config.model import NodeConfig


def open_connection(
    connect: Callable[..., Raw],
    node: NodeConfig,
    timeout_s: float,
    close: Callable[[Raw], None],
) -> Raw:
    """Open a connection to `node` by `connect`, the driver's function or class, in
    autocommit mode, in utf8mb4 unless the options say else, within about twice
    `timeout_s` seconds; `close` closes one that comes later.

    Raises what the driver raises.
    """
    options = dict(node.options)
    options.setdefault("connect_timeout", max(1, math.ceil(timeout_s)))
    if "read_default_file" not in options:
        options.setdefault("charset", "utf8mb4")
    options["autocommit"] = True
    raw = _within(connect, options, close)
    # mysqlclient refuses every call on a connection that another thread uses, also
    # these, which `interrupt` and `cancel` need just then.
    raw.descriptor = raw.fileno()
    raw.number = raw.thread_id()
    raw.socket = sockets.identity(raw.descriptor)
    raw.mode = AUTOCOMMIT  # what set_mode has set
    raw.lexical_mode = None  # it was not asked for yet
    raw.branch = None  # begun by XA START
    return raw


def _within(
    connect: Callable[..., Raw], options: dict[str, Any], close: Callable[[Raw], None]
) -> Raw:
    """Connect in a thread: mysqlclient has a timeout for the handshake, but not for the
    statements that it sends then (SET NAMES, SET autocommit), and their socket is not
    accessible, so that a thread which waits there could not be ended."""

    def open_one() -> Raw:
        with connecting:
            return connect(**options)

    opening = BoundedConnect(open_one, close)
    bound_s = 2 * int(options["connect_timeout"])
    try:
        return opening.wait(bound_s)
    except TimeoutError:
        raise MySQLdb.OperationalError(
            LOST, f"Lost connection while connecting: no answer for {bound_s} s"
        ) from None
