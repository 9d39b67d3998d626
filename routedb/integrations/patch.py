"""`routedb.patch()`: programs whose code is not changed get routedb connections.

The driver's `connect` is rebound in its module, where programs and ORMs look it up at
each call. A reference that was taken before (`from psycopg2 import connect`) stays the
driver's own.

Tools that trace a driver do the same. One that came before sees routedb's links, one
that comes after the connections of the program, and neither both, or each statement
would be there twice: links are opened by what was replaced
(routedb/adapters/tracing.py).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from routedb import adapters, errors
from routedb.adapters.tracing import Opening
from routedb.config.model import ClusterConfig
from routedb.integrations.driver import connect, read
from routedb.routing import database_for
from routedb.runtime import Source

Connect = Callable[..., Any]

_ENGINES = {"psycopg2": "postgresql", "MySQLdb": "mysql"}

# Keywords for the behaviour of a connection: first those that `connect` takes, then
# those for the driver, which no other driver has. All others are about the server, the
# user and the network: the configuration has those, when there is one.
_BEHAVIOUR = {
    "psycopg2": ("connection_factory", "cursor_factory", "async", "async_"),
    "MySQLdb": ("autocommit",),
}
_DRIVER_ONLY = {
    "psycopg2": ("application_name", "client_encoding", "options"),
    "MySQLdb": ("charset", "collation", "use_unicode", "conv", "cursorclass")
    + ("client_flag", "sql_mode", "init_command", "binary_prefix"),
}

_MYSQL = "mysql://"  # a DSN without any parameter

# The arguments of MySQLdb.connect that may be given without a name, and old names.
_MYSQL_ORDER = ("host", "user", "password", "database", "port", "unix_socket")
_MYSQL_ALIASES = {"db": "database", "passwd": "password"}


class Patch:
    """What `patch` has done, to be undone: by `undo()`, or at the end of a `with`.

    `source` and `options` are those of `routedb.connect`, `drivers` the modules to
    patch, `engines` those of the configuration's nodes.
    """

    def __init__(
        self,
        source: Any,
        options: Mapping[str, Any],
        drivers: Iterable[ModuleType],
        engines: Collection[str],
    ) -> None:
        self.source = source
        self.options = dict(options)
        self.engines = engines  # of the configuration's nodes
        self._driver_patches = [_DriverPatch(module, self) for module in drivers]

    @property
    def drivers(self) -> tuple[str, ...]:
        """The names of the driver modules whose `connect` is replaced."""
        return tuple(
            driver_patch.module.__name__ for driver_patch in self._driver_patches
        )

    @property
    def is_active(self) -> bool:
        """Tell whether programs get routedb connections."""
        return _state.patch is self

    def undo(self) -> None:
        """Give the drivers their `connect` back. Connections that are open stay open.

        A wrapper that another tool has set over it meanwhile stays in place, and calls
        the driver. Undoing twice does nothing.
        """
        with _state.lock:
            if self.is_active:
                _state.patch = None
                for driver_patch in self._driver_patches:
                    driver_patch.uninstall()

    def install(self) -> None:
        """Put the replacements in their places. For `patch` alone."""
        for driver_patch in self._driver_patches:
            driver_patch.install()

    def __enter__(self) -> Patch:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()

    def __repr__(self) -> str:
        state = "active" if self.is_active else "undone"
        return f"<routedb patch of {', '.join(self.drivers)}, {state}>"


class _State:
    """The one patch of this process."""

    def __init__(self) -> None:
        self.patch: Patch | None = None
        self.lock = threading.RLock()


_state = _State()


def patch(
    source: Source = None, /, *, drivers: Iterable[str] | None = None, **options: Any
) -> Patch:
    """Rebind `psycopg2.connect` and `MySQLdb.connect` to routedb.

    `source` and `options` are those of `routedb.connect`. With a source, or with
    ROUTEDB_CONFIG set, the configuration takes the place of the address that the
    program passes; without one that address is a cluster of one node. Unless it says
    otherwise, connections read what others of this process have written.

    `drivers` names the modules to patch: by default the one of the configuration's
    default database, else all that are installed. Asynchronous and replication
    connections (psycopg2) are left to the driver, with the address that the program
    gives. Called again alike it changes nothing and returns the same object; otherwise
    it raises InterfaceError.
    Raises ConfigError, too.
    """
    if source is None:
        source = os.environ.get("ROUTEDB_CONFIG") or None
    config = None if source is None else read(source, options)
    modules = _modules(drivers, config)
    engines = {node.engine for node in config.nodes} if config is not None else set()
    made = Patch(source, options, modules, engines)
    with _state.lock:
        before = _state.patch
        if before is None:
            _state.patch = made
            made.install()
            return made
    asked = (made.source, made.options, made.drivers)
    if (before.source, before.options, before.drivers) != asked:
        raise errors.InterfaceError(
            f"{', '.join(before.drivers)} is patched already, otherwise: undo() first"
        )
    return before


class _DriverPatch:
    """One driver module: its own `connect`, under all its names, and ours."""

    def __init__(self, module: ModuleType, owner: Patch) -> None:
        self.module = module
        self._real: Connect = module.connect
        self._names: list[str] = []
        self._ours = _replacement(module.__name__, self._real, owner)
        adapter: Any = adapters.load(_ENGINES[module.__name__])
        self._opening: Opening = adapter.opening

    def install(self) -> None:
        # mysqlclient calls one function connect, Connect and Connection.
        self._names = [n for n, v in vars(self.module).items() if v is self._real]
        for name in self._names:
            setattr(self.module, name, self._ours)
        self._opening.below = self._real

    def uninstall(self) -> None:
        self._opening.below = None
        for name in self._names:
            if getattr(self.module, name) is self._ours:
                setattr(self.module, name, self._real)


def _replacement(driver: str, real: Connect, owner: Patch) -> Connect:
    """Return the function that stands in for the driver's `connect`."""
    address_of = _ADDRESSES[driver]
    kept = _BEHAVIOUR[driver]
    if owner.engines == {_ENGINES[driver]}:
        kept += _DRIVER_ONLY[driver]

    def connect_routed(*args: Any, **keywords: Any) -> Any:
        if not owner.is_active:
            return real(*args, **keywords)
        address, given = address_of(args, keywords)
        if _is_unsupported(given):
            return real(*args, **keywords)
        if owner.source is not None:
            address, given = owner.source, _kept_keywords(kept, address, given)
        return connect(address, **{**given, **owner.options})

    connect_routed.__name__ = connect_routed.__qualname__ = "connect"
    connect_routed.__doc__ = real.__doc__
    return connect_routed


def _kept_keywords(
    names: Iterable[str], address: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return those keywords of the program that the configuration does not override."""
    if address and not address.startswith(_MYSQL):
        parse_dsn = import_module("psycopg2.extensions").parse_dsn
        given = {**parse_dsn(address), **given}
    return {key: given[key] for key in names if given.get(key) is not None}


def _is_unsupported(given: Mapping[str, Any]) -> bool:
    """Tell whether the program opens what `routedb.connect` refuses: a connection that
    is asynchronous or for replication. It gets the driver's own."""
    if given.get("async") or given.get("async_"):
        return True
    factory = given.get("connection_factory")
    if not isinstance(factory, type):
        return False
    driver = import_module("psycopg2._psycopg")
    return issubclass(factory, driver.ReplicationConnection)


def _modules(
    drivers: Iterable[str] | None, config: ClusterConfig | None
) -> list[ModuleType]:
    """Import the drivers that are named, or those that are installed."""
    if drivers is not None:
        return [_module(name) for name in drivers]
    found: list[ModuleType] = []
    for name in _candidates(config):
        try:
            found.append(import_module(name))
        except ImportError:
            continue
    if not found:
        raise errors.InterfaceError(
            "there is nothing to patch: neither psycopg2 nor MySQLdb is installed"
        )
    return found


def _module(name: str) -> ModuleType:
    if name not in _ENGINES:
        raise errors.InterfaceError(
            f"patch: drivers are {', '.join(_ENGINES)}; found {name!r}"
        )
    try:
        return import_module(name)
    except ImportError as exc:
        raise errors.InterfaceError(f"patch: {name} cannot be imported: {exc}") from exc


def _candidates(config: ClusterConfig | None) -> Iterable[str]:
    """Return the names of the drivers to patch: with a configuration only its own, as a
    program that uses both must not get one's rows from the other."""
    if config is None:
        return _ENGINES
    engine = database_for(config, None).groups[0].nodes[0].engine
    return [name for name in _ENGINES if _ENGINES[name] == engine] or _ENGINES


def _postgresql_address(
    args: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the DSN that psycopg2 would give to libpq, and the rest."""
    named = dict(zip(("dsn", "connection_factory", "cursor_factory"), args))  # noqa: B905  (psycopg2 has three)
    given = {**named, **keywords}
    rest = {key: given.pop(key) for key in _BEHAVIOUR["psycopg2"] if key in given}
    make_dsn = import_module("psycopg2.extensions").make_dsn
    return make_dsn(given.pop("dsn", None), **given), rest


def _mysql_address(
    args: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return a DSN that names the driver only, and all arguments as keywords."""
    named = dict(zip(_MYSQL_ORDER, args))  # noqa: B905  (as many as are given)
    given = {_MYSQL_ALIASES.get(k, k): v for k, v in {**named, **keywords}.items()}
    return _MYSQL, given


_ADDRESSES = {"psycopg2": _postgresql_address, "MySQLdb": _mysql_address}
