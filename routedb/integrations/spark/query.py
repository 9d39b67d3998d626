"""A query in Spark's SQL over the tables of a configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from routedb.integrations.spark.columns import columns_of, is_named
from routedb.integrations.spark.finding import layout_of
from routedb.integrations.spark.request import Request
from routedb.integrations.spark.source import Command, ConfigSource, source_of
from routedb.integrations.spark.tables import frame, listed, register, view_name
from routedb.runtime import Source


def sql(
    spark: SparkSession,
    config: Source | Command | ConfigSource,
    text: str,
    **options: Any,
) -> DataFrame:
    """Return the DataFrame of `text`, a query in Spark's SQL, over tables of `config`.

    Makes a temporary view in `spark` of each table whose name is in the text, with the
    columns whose names are. `options` are those of `table`. Raises what `table` raises,
    and what Spark does.
    """
    register(spark)
    for name in listed(config, options):
        if not is_named(view_name(name), text):
            continue
        request = replace(Request(source_of(config), name), **options)
        columns = columns_of(text, layout_of(request))
        made = frame(spark, replace(request, columns=columns))
        made.createOrReplaceTempView(view_name(name))
    return spark.sql(text)
