"""Which columns a text of Spark's may need."""

from __future__ import annotations

import pytest

from routedb.integrations.spark.columns import columns_of
from routedb.integrations.spark.layout import Layout
from routedb.integrations.spark.types import field_of
from routedb.planner import Column

NAMES = ("id", "cents", "state", "a b")
LAYOUT = Layout(
    "postgresql",
    (0,),
    '"orders"',
    tuple(field_of("postgresql", Column(name, "text")) for name in NAMES),
    ("id",),
    NAMES,
    False,
)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT sum(CENTS) FROM orders", ("cents",)),
        ("SELECT count(*) FROM orders", ("id",)),
        ("SELECT o.state, `a b` FROM orders o", ("state", "a b")),
        ("SELECT cents * 2 FROM orders", ("cents",)),
        ("SELECT 2 * (cents) FROM orders -- id", ("cents",)),
        ("SELECT * FROM orders", NAMES),
        ("SELECT cents, o.* FROM orders o", NAMES),
        ("SELECT DISTINCT * FROM orders", NAMES),
        ("SELECT /*+ BROADCAST(o) */ * FROM orders o", NAMES),
        ("SELECT cents FROM orders NATURAL JOIN items", NAMES),
        ("FROM orders", NAMES),
        ("TABLE orders", NAMES),
        ("FROM orders |> SELECT cents", NAMES),
    ],
)
def test_columns_that_are_not_named_are_not_read(text, columns):
    assert columns_of(text, LAYOUT) == columns
