"""Replaces the driver's `connect` in the process of a foreign suite.

Python imports this module at its start when its folder is on PYTHONPATH. SUITES_SWAP
names the driver whose `connect` becomes routedb's; empty, the drivers stay as they are.
routedb looks `connect` up in the driver at each call, so its own calls go on to the
real one. SUITES_NODES holds the ports of a writer and its replicas: with replicas, each
connection to the writer becomes one to all of them, with the options in SUITES_OPTIONS.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import recorder  # type: ignore[import-not-found]  # on PYTHONPATH only there
import roles  # type: ignore[import-not-found]

PORTS = [port for port in os.environ.get("SUITES_NODES", "").split(",") if port]
OPTIONS: dict[str, Any] = json.loads(os.environ.get("SUITES_OPTIONS", "{}"))


def swap_psycopg2(module: Any) -> None:
    real = module.connect

    def connect(
        dsn: Any = None,
        connection_factory: Any = None,
        cursor_factory: Any = None,
        **kw: Any,
    ) -> Any:
        import routedb  # noqa: PLC0415  # after the swap, when it is needed

        if _is_beyond(module, connection_factory, kw):
            return real(dsn, connection_factory, cursor_factory, **kw)
        if len(PORTS) > 1:
            whole = module.extensions.make_dsn(dsn, **kw)
            parts = module.extensions.parse_dsn(whole)
            if parts.get("port") == PORTS[0]:
                make = functools.partial(module.extensions.make_dsn, whole)
                dsn, kw = [make(port=port) for port in PORTS], dict(OPTIONS)
        return routedb.connect(dsn, connection_factory, cursor_factory, **kw)

    _swap(module, "connect", connect)


def _is_beyond(module: Any, factory: Any, kw: dict[str, Any]) -> bool:
    """Tell whether routedb refuses what is asked for. Such connections are left to the
    driver, as `routedb.patch()` leaves them."""
    replication = module._psycopg.ReplicationConnection
    is_replication = isinstance(factory, type) and issubclass(factory, replication)
    return bool(kw.get("async") or kw.get("async_")) or is_replication


def swap_mysqldb(module: Any) -> None:
    def connect(*args: Any, **kw: Any) -> Any:
        import routedb  # noqa: PLC0415  # after the swap, when it is needed

        kw.update(zip(("host", "user", "passwd", "db"), args, strict=False))
        # A DSN is what says that it is MySQL; the keywords are the driver's own.
        places = ["mysql://"]
        if len(PORTS) > 1:
            host, _ = kw.pop("host", "127.0.0.1"), kw.pop("port", None)
            places = [f"mysql://{host}:{port}" for port in PORTS]
        return routedb.connect(places, **kw, **OPTIONS)

    for name in ("connect", "Connect", "Connection"):
        _swap(module, name, connect)


def _swap(module: Any, name: str, ours: Callable[..., Any]) -> None:
    real = getattr(module, name)

    @functools.wraps(real)
    def connect(*args: Any, **kw: Any) -> Any:
        return (real if _is_inside() else ours)(*args, **kw)

    setattr(module, name, connect)


def _is_inside() -> bool:
    """Tell whether routedb calls, be it through something that a test put between."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] == "routedb":
            return True
        frame = frame.f_back
    return False


SWAPS = {"psycopg2": swap_psycopg2, "MySQLdb": swap_mysqldb}

if "SUITES_SWAP" in os.environ:
    swapped = os.environ["SUITES_SWAP"]
    if swapped:
        SWAPS[swapped](importlib.import_module(swapped))
        roles.begin(swapped)
    recorder.watch_unittest()
