"""Large objects: psycopg2's, on the link that has the transaction.

What they raise is routedb's error, too, so that `retry_is_safe` and the cause can be
told as of any other statement.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import psycopg2
from psycopg2 import extensions as ext

from routedb.adapters.postgresql.psycopg2 import ADAPTER
from routedb.frontends.psycopg2.factories import check_factory

_CALLS = (
    *("read", "write", "seek", "tell", "truncate"),
    *("export", "unlink", "close", "__init__"),
)


class VirtualLargeObject(ext.lobject):
    """A large object whose calls raise routedb's errors. (Its `__init__` is psycopg2's
    as well: that of the class itself is guarded, see `guarded_types`.)"""


def _translated(name: str) -> Callable[..., Any]:
    """Return the method `name` of psycopg2's class, with its errors made ours too."""
    method: Any = getattr(ext.lobject, name)

    @wraps(method)
    def call(self: Any, *args: Any, **more: Any) -> Any:
        try:
            return method(self, *args, **more)
        except psycopg2.Error as exc:
            raise ADAPTER.adopt(exc)  # noqa: B904  (the same exception)

    return call


for _name in _CALLS:
    setattr(VirtualLargeObject, _name, _translated(_name))


@lru_cache(maxsize=64)
def large_object_class(factory: Any) -> Any:
    """Return the class of large objects for a `lobject_factory`, or None. Raises
    NotSupportedError for one that is no class."""
    if factory in (None, ext.lobject, VirtualLargeObject):
        return VirtualLargeObject
    check_factory(factory, ext.lobject, "lobject_factory")
    if issubclass(factory, VirtualLargeObject):
        return factory
    names = {"__module__": factory.__module__}
    return type(factory.__name__, (factory, VirtualLargeObject), names)
