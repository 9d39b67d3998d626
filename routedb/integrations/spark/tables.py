"""Tables of a configuration as DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from routedb import errors
from routedb.integrations.spark.finding import layout_of
from routedb.integrations.spark.format import RoutedbSource
from routedb.integrations.spark.places import placed, tables_of
from routedb.integrations.spark.request import CONNECTIONS, PARTITION_ROWS, Request
from routedb.integrations.spark.source import Command, ConfigSource, source_of
from routedb.integrations.spark.told import told
from routedb.runtime import Source

PUSHDOWN = "spark.sql.python.filterPushdown.enabled"


def register(spark: SparkSession) -> None:
    """Let `spark` know the format `routedb`."""
    spark.dataSource.register(RoutedbSource)


def table(
    spark: SparkSession,
    config: Source | Command | ConfigSource,
    name: str,
    columns: Iterable[str] = (),
    *,
    where: str = "",
    partition_rows: int = PARTITION_ROWS,
    partition_key: str | None = None,
    max_connections_per_node: int = CONNECTIONS,
    push_filters: bool = False,
) -> DataFrame:
    """Return the table called `name` of `config` as a DataFrame of `spark`.

    `config` is what `routedb.connect` takes, or a `Command` that prints it; a mapping
    or a DSN must have no secret in it. `columns`: these only are read. `where`: only
    rows that meet this condition, in SQL of the table's engine, by its meaning. A
    partition reads ranges of at most `partition_rows` rows of the key: of the column
    `partition_key`, and the primary key behind it. A node is read over at most
    `max_connections_per_node` connections at the same time. `push_filters`: servers do
    the filters of the one scan that this DataFrame is for; a second one would get them,
    too.

    Raises ConfigError, UnknownTableError, ProgrammingError for a table or a column that
    is not there, ShardError where shards differ, and what the driver raises.
    """
    request = Request(
        source_of(config),
        name,
        tuple(columns),
        partition_rows,
        partition_key,
        max_connections_per_node,
        push_filters=push_filters,
        where=where,
    )
    register(spark)
    if push_filters:
        spark.conf.set(PUSHDOWN, "true")
    return frame(spark, request)


def frame(spark: SparkSession, request: Request) -> DataFrame:
    """Return the DataFrame of `request`; `spark` knows the format. Raises what `table`
    raises."""
    try:
        layout = layout_of(request)
    except errors.ConfigError:
        raise
    except errors.Error as exc:
        raise told(exc, request.table) from exc
    reader = spark.read.format("routedb").schema(layout.ddl)
    return reader.options(**request.options).load()


def register_tables(
    spark: SparkSession,
    config: Source | Command | ConfigSource,
    tables: Sequence[str] = (),
    **options: Any,
) -> list[str]:
    """Make a temporary view in `spark` of each of these `tables`, by default of all
    that have a place in `config`; return their names. `options` are those of `table`.

    A view is called as its table; a schema's name is left out. Raises what `table`
    raises.
    """
    register(spark)
    names = list(tables) or listed(config, options)
    for name in names:
        request = Request(source_of(config), name)
        made = frame(spark, replace(request, **options))
        made.createOrReplaceTempView(view_name(name))
    return names


def listed(
    config: Source | Command | ConfigSource, options: dict[str, Any]
) -> list[str]:
    """Return the names of all tables of `config`, by `options` of `table`."""
    bound = options.get("max_connections_per_node", CONNECTIONS)
    return tables_of(placed(source_of(config).load(), bound), bound)


def view_name(name: str) -> str:
    """Return what the view of the table called `name` is called."""
    return name.rpartition(".")[2].strip('"`')
