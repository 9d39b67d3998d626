"""Classes of connections and cursors for a factory of the user's.

A factory is a subclass of psycopg2's class that calls its parent through `super()`. So
the class that is both stands above ours, which stands above psycopg2's: the factory's
methods call ours, and ours route.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from psycopg2 import extensions as ext

from routedb import errors
from routedb.engine.shared.error_texts import joined_class
from routedb.frontends.psycopg2.cursor import PostgreSQLCursor


@lru_cache(maxsize=256)
def cursor_class(factory: Any) -> type[PostgreSQLCursor]:
    """Return the class of virtual cursors for a `cursor_factory`.

    Raises NotSupportedError for one that is no class.
    """
    if factory in (ext.cursor, PostgreSQLCursor):
        return PostgreSQLCursor
    check_factory(factory, ext.cursor, "cursor_factory")
    if issubclass(factory, PostgreSQLCursor):
        return cast("type[PostgreSQLCursor]", factory)
    names = {"__module__": factory.__module__, "is_plain": False}
    made: type[PostgreSQLCursor]
    made = type(factory.__name__, (factory, PostgreSQLCursor), names)
    return made


def check_factory(factory: Any, base: type, what: str) -> None:
    """See that `factory`, given as the argument `what`, is a subclass of `base`.

    Raises NotSupportedError for what is not, which is psycopg2's TypeError, too.
    """
    if not (isinstance(factory, type) and issubclass(factory, base)):
        kind = errors.NotSupportedError
        raise joined_class(TypeError, kind, kind)(
            f"{what} must be a subclass of psycopg2.extensions.{base.__name__}, found "
            f"{factory!r}: what a function makes cannot be routed"
        )
