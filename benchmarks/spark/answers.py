"""The 22 queries of TPC-H in Spark, against PostgreSQL's answers."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from benchmarks.spark import Setting
from benchmarks.timing import Row
from benchmarks.tpch.queries import queries
from routedb.integrations.spark import sql


def answers(spark: Any, setting: Setting) -> list[Row]:
    """Run each query once, and compare its rows, in their order."""
    wrong, began = [], time.perf_counter()
    texts = queries()
    for number, text in texts.items():
        cursor = setting.one.cursor()
        cursor.execute(text)
        expected = [tuple(row) for row in cursor.fetchall()]
        found = [tuple(row) for row in sql(spark, setting.config, text).collect()]
        fault = _difference(found, expected)
        print(f"TPC-H {number:2} {fault or 'right'}, {len(found)} rows", flush=True)
        if fault:
            wrong.append(number)
    seconds = time.perf_counter() - began
    note = f"{len(texts) - len(wrong)} of {len(texts)} right in {seconds:.0f} s"
    return [Row("TPC-H answers that differ in Spark", len(wrong), "", 0.5, note)]


def _difference(found: list[Any], expected: list[Any]) -> str:
    """Say what differs from PostgreSQL's rows, in Spark's types; "" is nothing."""
    if len(found) != len(expected):
        return f"WRONG {len(found)} rows, not {len(expected)}"
    for place, (mine, its) in enumerate(zip(found, expected, strict=True)):
        if len(mine) != len(its) or not all(map(_is_same, mine, its)):
            return f"WRONG row {place}: {mine}, not {its}"
    return ""


def _is_same(mine: Any, its: Any) -> bool:
    """Tell whether two values are one: a mean has six places in Spark, and a char(n) no
    blanks at its end."""
    if isinstance(mine, Decimal) and its is not None:
        places = Decimal(1).scaleb(int(mine.as_tuple().exponent))
        return abs(mine - Decimal(its)) <= places / 2
    if isinstance(mine, float) and its is not None:
        return abs(mine - float(its)) <= 1e-9 * max(1.0, abs(mine))
    if isinstance(mine, str) and isinstance(its, str):
        return mine in (its, its.rstrip())
    return bool(mine == its)
