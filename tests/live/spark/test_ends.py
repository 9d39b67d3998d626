"""Whether all rows of a partition have come: without pyspark, on every machine."""

from __future__ import annotations

import io
from typing import Any

import pytest

import routedb
from routedb.integrations.spark.ends import check_end


def main(infile: Any) -> None:
    """Do as the loop of Spark's worker: what it reads rows from has its name."""
    infile.read(4)
    check_end()


def test_what_follows_the_rows_is_left_for_spark():
    line = io.BufferedReader(io.BytesIO(b"rows-end"))
    main(line)
    assert line.read() == b"-end"


def test_rows_that_nothing_follows_have_broken_off():
    line = io.BufferedReader(io.BytesIO(b"rows"))
    with pytest.raises(routedb.OperationalError, match="broke off"):
        main(line)


def test_a_process_that_is_no_worker_of_spark_s_is_refused():
    with pytest.raises(routedb.NotSupportedError, match="does not tell"):
        check_end()
