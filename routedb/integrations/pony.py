"""Pony providers whose connections are routedb's.

    db.bind(PostgreSQL, "routedb.toml", max_lag="1s")

They are Pony's own except for the module that connects. Pony imports the driver with
its provider, so each of these is made at its first use.

There is none for SQLite: Pony opens the file itself and keeps functions in it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from routedb.integrations.driver import connect, with_connect

_PROVIDERS = {"PostgreSQL": "postgres", "MySQL": "mysql"}


class Routed:
    """The part of a provider that connects.

    `bind` takes after it what `routedb.connect()` takes.
    """

    dbapi_module: Any

    def get_pool(self, *args: Any, **options: Any) -> Any:
        """Return Pony's own pool, with its arguments, over routedb's connections."""
        own: Any = super().get_pool(*args, **options)  # type: ignore[misc]
        return type(own)(self.dbapi_module, *own.args, **own.kwargs)


def __getattr__(name: str) -> Any:
    if name not in _PROVIDERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = import_module(f"pony.orm.dbproviders.{_PROVIDERS[name]}").provider_cls
    module = with_connect(found.dbapi_module, connect)
    made = type(name, (Routed, found), {"dbapi_module": module, "__module__": __name__})
    globals()[name] = made
    return made
