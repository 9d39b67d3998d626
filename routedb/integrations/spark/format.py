"""The data source `routedb`, as Spark calls it for each DataFrame.

Spark makes this object in a new Python process of the driver's machine, for the sake of
its options alone, and only then asks for the rest in others. So all that a reader or a
writer needs is imported when one is made: it takes longer than anything else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pyspark.sql.datasource import DataSource

if TYPE_CHECKING:
    from routedb.integrations.spark.reading import TableReader
    from routedb.integrations.spark.request import Request
    from routedb.integrations.spark.writing import TableWriter


class RoutedbSource(DataSource):
    """`spark.read.format("routedb")`, with the options of `Request`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self.options = dict(options)

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "routedb"

    def schema(self) -> str:
        """Return the columns of the table, asked of its catalogs. Raises what
        `layout_of` raises."""
        from routedb.integrations.spark.finding import layout_of  # noqa: PLC0415

        return layout_of(self._request()).ddl

    def reader(self, schema: Any) -> TableReader:
        """Return a reader of the columns in `schema`; raises as `layout_of` does."""
        from routedb.integrations.spark import reading  # noqa: PLC0415

        request = self._request()
        kind = reading.FilteringReader if request.push_filters else reading.TableReader
        return kind(request, [field.name for field in schema.fields])

    def writer(self, schema: Any, overwrite: bool) -> TableWriter:
        """Return a writer of rows of `schema`, which are appended. Raises ConfigError
        for `overwrite`, and what `TableWriter` raises."""
        from routedb.config.mask import config_error  # noqa: PLC0415
        from routedb.integrations.spark.writing import TableWriter  # noqa: PLC0415

        if overwrite:
            raise config_error('spark: rows are appended: .mode("append")')
        given = [(f.name, f.dataType.simpleString()) for f in schema.fields]
        request = self._request()
        return TableWriter(request, request.load_id or uuid4().hex, given)

    def _request(self) -> Request:
        from routedb.integrations.spark.request import Request  # noqa: PLC0415

        return Request.of_options(self.options)
