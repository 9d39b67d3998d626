"""The demo's statements and their expected results: data, in the order they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from routedb.routing import Reason

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Step:
    """One statement and its expected result.

    `route` is the route's text, with [any] where any shard will do, "" for the control
    of a transaction, or the name of the error that refuses it. Of `rows`, `count` and
    `why` (the reason that decides) those that are given are checked.
    """

    sql: str
    route: str
    why: Reason | None = None
    params: tuple[Any, ...] | None = None
    using: str | None = None
    rows: Rows | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """The replica that answered last is taken away, or the first one comes back."""

    is_over: bool = False


WORK: tuple[Step, ...] = (
    # Plain reads go to a replica; a hint may ask for the writer.
    Step(
        "SELECT name, cents FROM products WHERE id = %s",
        "main replica",
        Reason.PLAIN_READ,
        params=(1,),
        rows=[("tea", 450)],
    ),
    Step(
        "SELECT count(*) FROM customers",
        "main replica",
        Reason.PLAIN_READ,
        rows=[(3,)],
    ),
    Step(
        "/* routedb: role=writer */ SELECT stock FROM products WHERE id = 1",
        "main writer",
        Reason.HINT_ROLE,
        rows=[(20,)],
    ),
    # A write, and from then on this connection reads what it wrote.
    Step(
        "INSERT INTO products VALUES (3, 'pot', 2500, 4)",
        "main writer",
        Reason.NOT_A_READ,
        count=1,
    ),
    Step(
        "SELECT name FROM products WHERE id = 3",
        "main writer",
        Reason.OWN_WRITES,
        rows=[("pot",)],
    ),
    Step(
        "/* routedb: consistency=eventual */ SELECT count(*) FROM products",
        "main replica",
        Reason.PLAIN_READ,
        rows=[(3,)],
    ),
    # Other databases: by the table's rule, or because the program says so.
    Step(
        "SELECT phone FROM crm_contacts WHERE customer_id = 7",
        "crm writer",
        Reason.TABLE,
        rows=[("044 555 02",)],
    ),
    Step(
        "INSERT INTO old_orders VALUES (3, 7, 300)",
        "archive writer",
        Reason.NOT_A_READ,
        count=1,
    ),
    Step(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
        "archive writer",
        Reason.USING_DATABASE,
        using="archive",
        rows=[(1,)],
    ),
    # Orders are on four shards, by customer_id modulo 4.
    Step(
        "INSERT INTO orders (id, customer_id, country, cents) VALUES "
        "(100, 4, 'FR', 450), (101, 5, 'CH', 900), (102, 6, 'FR', 900), "
        "(103, 7, 'CH', 1350), (104, 5, 'CH', 2500)",
        "orders[0,1,2,3] writer",
        Reason.SHARD_KEY,
        count=5,
    ),
    Step(
        "INSERT INTO items (order_id, customer_id, product, n) VALUES "
        "(101, 5, 'tea', 2), (103, 7, 'cup', 1)",
        "orders[1,3] writer",
        Reason.SHARD_KEY,
        count=2,
    ),
    Step(
        "SELECT id, cents FROM orders WHERE customer_id = %s ORDER BY id",
        "orders[1] writer",
        Reason.SHARD_KEY,
        params=(5,),
        rows=[(101, 900), (104, 2500)],
    ),
    Step(
        "SELECT sum(cents) FROM orders WHERE customer_id IN (3, 7)",
        "orders[3] writer",
        Reason.SHARD_KEY,
        rows=[(1350,)],
    ),
    Step(
        "UPDATE orders SET state = 'paid' WHERE customer_id = 6 AND id = 102",
        "orders[2] writer",
        Reason.SHARD_KEY,
        count=1,
    ),
    Step(
        "/* routedb: shard=2 */ SELECT id, state FROM orders",
        "orders[2] writer",
        Reason.HINT_SHARD,
        rows=[(102, "paid")],
    ),
    # Countries are on every shard: read on any, joined on each, written on all.
    Step(
        "SELECT name FROM countries WHERE code = 'CH'",
        "orders[any] writer",
        Reason.ANY_SHARD,
        rows=[("Switzerland",)],
    ),
    Step(
        "SELECT o.id, i.product, c.name FROM orders o "
        "JOIN items i ON i.order_id = o.id AND i.customer_id = o.customer_id "
        "JOIN countries c ON c.code = o.country WHERE o.customer_id = 7",
        "orders[3] writer",
        Reason.SHARD_KEY,
        rows=[(103, "cup", "Switzerland")],
    ),
    Step(
        "INSERT INTO countries VALUES ('IT', 'Italy')",
        "orders[0,1,2,3] writer",
        Reason.EVERY_SHARD,
        count=1,
    ),
    # A transaction stays on the node where it began.
    Step("BEGIN", ""),
    Step(
        "UPDATE products SET stock = stock - 1 WHERE id = 1",
        "main writer",
        Reason.NOT_A_READ,
        count=1,
    ),
    Step(
        "SELECT stock FROM products WHERE id = 1",
        "main writer",
        Reason.IN_TRANSACTION,
        rows=[(19,)],
    ),
    Step("UPDATE orders SET cents = 0 WHERE customer_id = 5", "CrossDatabaseError"),
    Step("COMMIT", ""),
    # Rows of several shards, or of several databases, are merged.
    Step(
        "SELECT count(*) FROM orders",
        "orders[0,1,2,3] writer",
        Reason.SINGLE_NODE,
        rows=[(5,)],
    ),
    Step(
        "SELECT c.name, p.phone FROM customers c "
        "JOIN crm_contacts p ON p.customer_id = c.id ORDER BY c.name",
        "crm writer",
        Reason.SINGLE_NODE,
        rows=[("Ada", "044 555 01"), ("Eve", "044 555 02")],
    ),
    # What cannot be exact is refused, by name, before anything runs.
    Step("UPDATE crm_contacts SET phone = NULL", "ReadOnlyError"),
    Step("DELETE FROM orders LIMIT 1", "ShardError"),
)

# Statements whose plans are shown: how rows of several groups are made one answer.
PLANS = (
    (
        "A count over four shards",
        "SELECT count(*) FROM orders",
    ),
    (
        "A join across two databases",
        "SELECT c.name, p.phone FROM customers c "
        "JOIN crm_contacts p ON p.customer_id = c.id ORDER BY c.name",
    ),
)

_READ = "/* routedb: consistency=eventual */ SELECT stock FROM products WHERE id = 1"

TROUBLE: tuple[Step | Outage, ...] = (
    Step(_READ, "main replica", Reason.PLAIN_READ, rows=[(19,)]),
    Outage(),
    Step(_READ, "main replica", Reason.PLAIN_READ, rows=[(19,)]),
    Step(
        "UPDATE products SET stock = stock - 1 WHERE id = 1",
        "main writer",
        Reason.NOT_A_READ,
        count=1,
    ),
    Step(_READ, "main replica", Reason.PLAIN_READ, rows=[(18,)]),
    Outage(),
    Step(_READ, "main writer", Reason.NO_REPLICA, rows=[(18,)]),
    Step(
        "SELECT id FROM orders WHERE customer_id = 6",
        "orders[2] writer",
        Reason.SHARD_KEY,
        rows=[(102,)],
    ),
    Outage(is_over=True),
    Step(_READ, "main replica", Reason.PLAIN_READ, rows=[(18,)]),
    Outage(is_over=True),
)
