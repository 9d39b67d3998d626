"""Errors that say which table and which node they are about."""

from __future__ import annotations

from typing import Any

from routedb import errors
from routedb.config.mask import mask


def told(exc: errors.Error, table: str) -> errors.Error:
    """Return an error of `exc`'s class of PEP 249 that says the table and the node, and
    has both as attributes."""
    node = getattr(exc, "node", "")
    where = f"table {table}, node {node}" if node else f"table {table}"
    kinds = (each for each in type(exc).__mro__ if each.__module__ == "routedb.errors")
    made: Any = next(kinds)(f"{where}: {mask(str(exc)).strip()}")
    made.table, made.node = table, node
    return made  # type: ignore[no-any-return]
