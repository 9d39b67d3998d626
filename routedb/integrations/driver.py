"""A driver's module with another `connect`, for ORMs that take a module as argument.

The driver itself is not changed: the rest of the program goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from routedb.config.model import ClusterConfig
from routedb.frontends.connection import Connection
from routedb.runtime import Source, read_config, runtime_for

# What holds under an ORM and under patch() unless the configuration says otherwise. A
# program that was written for one database expects each of its connections to see what
# another of them has committed; and its pool decides which connection it gets.
DEFAULTS: Mapping[str, Any] = {"consistency": "process"}


def read(source: Source, keywords: Mapping[str, Any]) -> ClusterConfig:
    """Return the configuration for `source` and `keywords`, the arguments of
    `routedb.connect`, with `DEFAULTS`. Raises ConfigError."""
    return read_config(source, keywords, DEFAULTS)


def connect(
    source: Source = None,
    /,
    connection_factory: Any = None,
    cursor_factory: Any = None,
    *,
    autocommit: bool = False,
    after: str | None = None,
    **keywords: Any,
) -> Connection:
    """Open a connection as `routedb.connect` does, but with `DEFAULTS`: `source`,
    `connection_factory`, `cursor_factory`, `autocommit`, `after` and the `keywords` are
    the same. Raises what that raises."""
    runtime = runtime_for(source, keywords, DEFAULTS)
    return runtime.connect(autocommit, connection_factory, cursor_factory, after)


def with_connect(driver: Any, connect: Callable[..., Any]) -> ModuleType:
    """Return a module with the names of `driver`, except for its own `connect`."""
    made = ModuleType(driver.__name__, driver.__doc__)
    vars(made).update({**vars(driver), "connect": connect})
    return made
