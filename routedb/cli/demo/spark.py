"""`routedb demo --spark`: the shop's tables in a Spark on this machine."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

import routedb
from routedb.cli.demo.shop import Shop
from routedb.cli.spark import start_spark

_ORDERS = 20_000
_QUERY = """
SELECT n.name, count(*) AS orders, sum(o.cents) AS cents
FROM orders o JOIN countries n ON n.code = o.country
WHERE o.cents > 500 AND o.state = 'new' GROUP BY n.name ORDER BY n.name
"""


def run(shop: Shop) -> bool:
    """Fill the orders of `shop`, and count them in Spark and here; tell whether both
    say the same. Needs the extra `spark`, and java."""
    shop.build()
    expected = _fill(shop)
    spark = start_spark("routedb demo")
    try:
        return _count(spark, shop, expected)
    finally:
        spark.stop()


def _fill(shop: Shop) -> dict[str, tuple[int, int]]:
    """Write orders; return how many of each country the query counts, and of what."""
    names = {"CH": "Switzerland", "FR": "France"}
    found = dict.fromkeys(names.values(), (0, 0))
    rows = [(n, n % 997, ("CH", "FR")[n % 3 == 0], n % 1000) for n in range(_ORDERS)]
    for _, _, country, cents in rows:
        if cents > 500:  # noqa: PLR2004  (the query's)
            count, total = found[names[country]]
            found[names[country]] = count + 1, total + cents
    with closing(routedb.connect(shop.config)) as connection:
        cursor = connection.cursor()
        text = "INSERT INTO orders (id, customer_id, country, cents) VALUES"
        for start in range(0, len(rows), 1000):
            some = rows[start : start + 1000]
            marks = ", ".join(["(%s, %s, %s, %s)"] * len(some))
            cursor.execute(f"{text} {marks}", [v for row in some for v in row])
        connection.commit()
    return found


def _count(spark: Any, shop: Shop, expected: dict[str, tuple[int, int]]) -> bool:
    from routedb.integrations.spark import register_tables, table  # noqa: PLC0415

    made = register_tables(spark, shop.config)
    click.echo(f"Views in Spark: {', '.join(made)}")
    orders = table(spark, shop.config, "orders", partition_rows=2000)
    click.echo(f"orders: {orders.rdd.getNumPartitions()} partitions of four shards")
    click.echo(_QUERY.strip())
    frame = spark.sql(_QUERY)
    frame.show()
    found = {name: (count, total) for name, count, total in frame.collect()}
    is_same = found == expected and orders.count() == _ORDERS
    click.echo("Spark counts what was written." if is_same else f"expected {expected}")
    return is_same
