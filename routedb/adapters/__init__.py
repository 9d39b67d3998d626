"""The drivers: one file each, in the package of what is known of their server.

`base` has the protocol. In come a node's configuration, texts and a raw connection; out
go raw connections, answers of probes, and what kind of fault an exception is. An
adapter knows nothing of our links. A driver is imported when its first node is opened.
"""

from __future__ import annotations

from importlib import import_module

from routedb import errors
from routedb.adapters.base import Adapter

# engine -> module here, the driver's module, and the extra that installs it
_DRIVERS = {
    "postgresql": ("postgresql.psycopg2", "psycopg2", "postgresql"),
    "mysql": ("mysql.mysqlclient", "MySQLdb", "mysql"),
    "sqlite": ("sqlite.sqlite3", "sqlite3", ""),
    "fake": ("fake", "", ""),
}
# `routedb` on the public package index is somebody else's: never that name.
_INSTALL = 'in a checkout of routedb: pip install ".[{extra}]"'
_loaded: dict[str, Adapter] = {}


def load(engine: str) -> Adapter:
    """Return the adapter of an engine, the same object each time.

    Raises InterfaceError, which says what to install, when its driver is missing.
    """
    adapter = _loaded.get(engine)
    if adapter is None:
        adapter = _loaded.setdefault(engine, _import(engine))
    return adapter


def _import(engine: str) -> Adapter:
    name, driver, extra = _DRIVERS[engine]
    try:
        module = import_module(f"routedb.adapters.{name}")
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] != driver:
            raise
        raise errors.InterfaceError(
            f"the driver for {engine} is not installed: no module {exc.name}; "
            f"install it {_INSTALL.format(extra=extra)}"
        ) from exc
    adapter: Adapter = module.ADAPTER
    return adapter
