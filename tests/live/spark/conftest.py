"""Worlds that Spark's tests read, and the session they share.

Starting Spark takes longer than any of them, so there is one session for all.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.support.servers import PostgreSQLCluster

SHARDS = 4
PATIENCE = [
    pytest.mark.long,  # pyspark and pyarrow are there in `make test-long`
    pytest.mark.timeout(1800),  # each query of Spark's starts several interpreters
    # What Spark's Python reads of its Java it leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture
def spark(running_spark: Any) -> Iterator[Any]:
    """The session of all tests. What one has left is collected while it is known whose
    it is."""
    yield running_spark
    gc.collect()


@pytest.fixture(scope="session")
def running_spark() -> Iterator[Any]:
    """A real Spark on this machine, with two threads that run tasks."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  (`make .venv/spark.stamp`)

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    session = (
        SparkSession.builder.master("local[2,3]")  # a task has three tries
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    """Write a configuration into a file; its path."""

    def write(text: str) -> str:
        path = tmp_path / "routedb.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def shards(postgresql: PostgreSQLCluster) -> Iterator[list[str]]:
    """The DSNs of four new databases on one server."""
    names = [postgresql.create_database() for _ in range(SHARDS)]
    yield [postgresql.writer.dsn(name) for name in names]
    for name in names:
        postgresql.drop_database(name)


def run_on(dsn: str, *texts: str) -> None:
    """Run some texts in the database that `dsn` leads to."""
    with ExitStack() as stack:
        raw = stack.enter_context(closing(psycopg2.connect(dsn)))
        raw.autocommit = True
        cursor = stack.enter_context(raw.cursor())
        for text in texts:
            cursor.execute(text)


def rows_on(dsn: str, text: str) -> list[tuple[Any, ...]]:
    """Return the rows of a text in the database that `dsn` leads to."""
    with closing(psycopg2.connect(dsn)) as raw, raw.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()
