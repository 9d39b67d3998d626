"""The parts of Spark's benchmark by their names, and the session they run in."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from benchmarks.spark import Setting
from benchmarks.spark.answers import answers
from benchmarks.spark.reading import JDBC, reading
from benchmarks.spark.writing import writing
from benchmarks.timing import Row

RUN: Mapping[str, Callable[[Any, Setting], list[Row]]] = {
    "reading": reading,
    "answers": answers,
    "writing": writing,
}


@contextmanager
def session() -> Iterator[Any]:
    """Start Spark on this machine, with two tasks at a time; a task has three tries."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  (of an extra)

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    # Workers find routedb compiled, as they do where it is installed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    builder: Any = SparkSession.builder.master("local[2,3]")
    for key in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(key, "false")
    builder = builder.config("spark.sql.shuffle.partitions", "4")
    builder = builder.config("spark.driver.extraClassPath", str(JDBC))
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    try:
        yield spark
    finally:
        spark.stop()
