"""`routedb sql --engine spark`: queries in Spark's SQL, by Spark's semantics."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import click

from routedb import errors
from routedb.cli.result_formats import Result
from routedb.cli.startup import config_source
from routedb.cli.streams import FAILED
from routedb.config.mask import mask

ROUTE = "Spark's types and semantics"


def start_spark(name: str) -> Any:
    """Start Spark for a program called `name`, or find the one that is there: on this
    machine, unless the environment names another (SPARK_REMOTE, MASTER). Its workers
    run this Python."""
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415  (of an extra)
    except ImportError:
        click.echo(
            "Spark is not installed: pip install 'routedb-driver[spark]'", err=True
        )
        sys.exit(FAILED)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder: Any = SparkSession.builder.appName(name)
    if "SPARK_REMOTE" not in os.environ:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.master(os.environ.get("MASTER", "local[*]"))
        for key in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
            builder = builder.config(key, "false")
        builder = builder.config("spark.log.level", "ERROR")
    return builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()


class SparkRunner:
    """Runs queries over the tables of the configuration `source`."""

    def __init__(self, source: str) -> None:
        self._source = config_source(source)
        self._spark = start_spark("routedb sql")

    def run(self, statement: str) -> Result:
        """Run one query; fetch its rows. Raises OperationalError for Spark's errors,
        and what reading the catalogs raises."""
        from pyspark.errors import PySparkException  # noqa: PLC0415

        from routedb.integrations.spark import sql  # noqa: PLC0415

        began = time.perf_counter()
        try:
            frame = sql(self._spark, self._source, statement)
            rows = [tuple(row) for row in frame.collect()]
        except PySparkException as exc:
            raise errors.OperationalError(_said(str(exc))) from exc
        return Result(
            sql=statement,
            columns=tuple(frame.columns),
            rows=rows,
            rowcount=len(rows),
            node="Spark",
            route=ROUTE,
            seconds=time.perf_counter() - began,
        )

    def close(self) -> None:
        """Stop Spark."""
        self._spark.stop()


def _said(text: str) -> str:
    """Return what of an error of Spark's is for the user: an error of routedb's in a
    task, else its first line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("routedb.errors.")]
    return mask((ours or lines or [text])[0])
