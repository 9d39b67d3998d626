"""Tables of a configuration in Spark: `pip install "routedb-driver[spark]"`.

    from routedb.integrations.spark import table
    orders = table(spark, "routedb.toml", "orders")

From a call to rows: `tables` asks the catalogs (`layout`, `places`, `types`) and makes
a DataFrame of the data source in `format`. Spark asks its reader (`reading`) to do
filters (`filters`) and for partitions (`ranges`); executors read those (`sessions`,
`slots`, `batches`).
The guide is docs/spark.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routedb.integrations.spark.format import RoutedbSource
    from routedb.integrations.spark.query import sql
    from routedb.integrations.spark.source import Command
    from routedb.integrations.spark.tables import register, register_tables, table

__all__ = ["Command", "RoutedbSource", "register", "register_tables", "sql", "table"]

_HOMES = {
    "Command": "source",
    "RoutedbSource": "format",
    "register": "tables",
    "register_tables": "tables",
    "sql": "query",
    "table": "tables",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: most modules here need no pyspark."""
    from importlib import import_module  # noqa: PLC0415

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
