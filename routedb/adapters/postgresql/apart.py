"""Links of psycopg2 past what a program, or a tracing tool, has put over it.

psycopg2 has one wait callback in a process and calls it for every synchronous
connection: a program's own would be called from the monitor's threads, for connections
that are not the program's. So the monitor's links are asynchronous, and waited for
here. Tools wrap `psycopg2.connect`, which is not called.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import psycopg2
import psycopg2.extensions as ext
from psycopg2 import _psycopg

from routedb.adapters import sockets
from routedb.adapters.base import Raw
from routedb.adapters.fork_gate import connecting
from routedb.adapters.postgresql.libpq import SHORTEST_TIMEOUT_S, addresses
from routedb.config.model import NodeConfig

_connect: Any = _psycopg._connect


def connect_apart(node: NodeConfig, timeout_s: float) -> Raw:
    """Open a link to `node` within `timeout_s` seconds. Raises what psycopg2 does."""
    options = dict(node.options)
    allowed = _parameter(node.dsn, "connect_timeout", options)
    if allowed > 0:  # libpq leaves it to the caller
        timeout_s = min(timeout_s, max(SHORTEST_TIMEOUT_S, allowed))
    try:
        with connecting:
            options.update(addresses({**ext.parse_dsn(node.dsn), **options}))
    except OSError as exc:
        raise psycopg2.OperationalError(
            f"could not translate the host's name to an address: {exc}"
        ) from None
    with connecting:
        raw = _connect(ext.make_dsn(node.dsn, **options), async_=1)
        try:
            finish(raw, time.monotonic() + timeout_s)
        except BaseException:
            with suppress(psycopg2.Error):
                raw.close()
            raise
    return raw


def _parameter(dsn: str, name: str, options: dict[str, Any]) -> int:
    """Return a number among libpq's parameters; 0 for none, as libpq has it."""
    found = options.get(name) or ext.parse_dsn(dsn).get(name) or 0
    return int(found)


def finish(raw: Raw, deadline: float | None = None) -> None:
    """Wait until an asynchronous link has done what was requested; without a
    deadline until another thread interrupts it."""
    while (state := raw.poll()) != ext.POLL_OK:
        left = None if deadline is None else deadline - time.monotonic()
        if not sockets.wait(raw.fileno(), state == ext.POLL_WRITE, left):
            raise psycopg2.OperationalError("timeout expired")
