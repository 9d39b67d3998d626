"""UPDATE, DELETE and SELECT … FOR UPDATE of chance on shards, against one database.

The shards and the one database are of one engine. What is not refused has to change the
same rows, and to tell the same of it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import routedb

SHARDS = 3
TABLES = {
    "orders": "id integer, customer_id integer, note varchar(40)",
    "items": "id integer, customer_id integer, note varchar(40)",
    "countries": "id integer, name varchar(40)",
}
_KEYS, _IDS = range(7), range(4)
_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)


class Report(NamedTuple):
    """What a campaign found. `several` ran on more than one shard."""

    statements: int
    several: int
    refused: Counter[str]
    wrong: list[tuple[str, Any, Any]]  # with what was told and changed, and expected


def configuration(dsns: Sequence[str]) -> dict[str, Any]:
    """Return the configuration of shards at `dsns`."""
    key = {"database": "shop", "shard_key": "customer_id", "key_type": "integer"}
    rule = {**key, "function": "modulo"}
    return {
        "databases": {"shop": {"shards": [[dsn] for dsn in dsns]}},
        "tables": {
            "orders": rule,
            "items": rule,
            "countries": {"database": "shop", "reference": True},
        },
    }


def campaign(
    routed: Any, one: Any, engine: str, seed: int, count: int, scale: int = 1
) -> Report:
    """Compare `count` statements made by `seed` on the connections `routed`, and `one`
    to a database of `engine` with all rows. Each is rolled back."""
    rng = random.Random(seed)
    _fill(routed, one, scale)
    refused: Counter[str] = Counter()
    wrong = []
    several = 0
    for _ in range(count):
        sql = _statement(rng, engine)
        cursor = routed.cursor()
        try:
            cursor.execute(sql)
        except _REFUSALS as exc:
            refused[str(exc).partition(":")[0][:60]] += 1
            routed.rollback()
            continue
        several += len(cursor.route.groups) > 1
        got = (_told(cursor), _contents(routed))
        plain = one.cursor()
        plain.execute(sql)
        expected = (_told(plain), _contents(one))
        if got != expected:
            wrong.append((sql, got, expected))
        routed.rollback()
        one.rollback()
    return Report(count, several, refused, wrong)


def _fill(routed: Any, one: Any, scale: int) -> None:
    for connection in (routed, one):
        cursor = connection.cursor()
        for table in ("orders", "items"):
            rows = [
                f"({id_}, {key}, '{table[0]}{key}{id_}')"
                for key in _KEYS
                for id_ in range(len(_IDS) * scale)
                if (key, table) not in ((3, "items"), (5, "orders"))
            ]
            values = ", ".join(rows)
            cursor.execute(
                f"INSERT INTO {table} (id, customer_id, note) VALUES {values}"
            )
        cursor.execute("INSERT INTO countries (id, name) VALUES (0, 'a'), (1, 'b')")
        connection.commit()


def _told(cursor: Any) -> tuple[int, Counter[Any]]:
    rows = cursor.fetchall() if cursor.description else ()
    return max(cursor.rowcount, len(rows)), Counter(tuple(row) for row in rows)


def _contents(connection: Any) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for table in ("orders", "items", "countries"):
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {table}")
        found.update((table, *row) for row in cursor.fetchall())
    return found


def _statement(rng: random.Random, engine: str) -> str:
    kind = rng.choice(["update", "update", "delete", "delete", "from", "lock"])
    where = _condition(rng, "orders")
    back = ""
    if engine != "mysql" and rng.random() < 0.4:
        back = " RETURNING orders.id, customer_id"
    if kind == "lock" and engine != "sqlite":
        return f"SELECT id, note FROM orders WHERE {where} FOR UPDATE"
    if kind == "from":
        return _joined(rng, engine, where)
    if kind == "delete":
        return f"DELETE FROM orders WHERE {where}{back.replace('orders.', '')}"
    return f"UPDATE orders SET {_set(rng)} WHERE {where}{back.replace('orders.', '')}"


def _set(rng: random.Random) -> str:
    return rng.choice(
        [
            "note = 'x'",
            "note = upper(note), id = id + 1",
            "customer_id = customer_id, note = 'same'",
            "note = (SELECT max(name) FROM countries)",
            "note = (SELECT max(i.note) FROM items i "
            "WHERE i.customer_id = orders.customer_id)",
            "note = (SELECT max(note) FROM items)",
            f"customer_id = {rng.choice(_KEYS)}",
        ]
    )


def _joined(rng: random.Random, engine: str, where: str) -> str:
    join = rng.choice(
        [
            "i.customer_id = orders.customer_id",
            "i.customer_id = orders.customer_id AND i.id = orders.id",
            "i.id = orders.id",
            f"i.customer_id = orders.customer_id AND i.id < {rng.choice(_IDS)}",
        ]
    )
    if engine == "mysql":
        if rng.random() < 0.5:
            return f"DELETE orders FROM orders JOIN items i ON {join} WHERE {where}"
        return (
            f"UPDATE orders JOIN items i ON {join} SET orders.note = 'j' WHERE {where}"
        )
    if engine == "postgresql" and rng.random() < 0.5:
        return f"DELETE FROM orders USING items i WHERE {join} AND {where}"
    return f"UPDATE orders SET note = 'j' FROM items i WHERE {join} AND {where}"


def _condition(rng: random.Random, table: str) -> str:
    key, id_ = f"{table}.customer_id", f"{table}.id"
    keys = ", ".join(str(rng.choice(_KEYS)) for _ in range(rng.randint(1, 3)))
    inner = f"i.customer_id = {key}"
    pinned = f"i.customer_id = {rng.choice(_KEYS)}"
    atoms = [
        f"{key} IN ({keys})",
        f"{key} = {rng.choice(_KEYS)}",
        f"{key} > {rng.choice(_KEYS)}",
        f"{id_} = {rng.choice(_IDS)}",
        f"{id_} <> {rng.choice(_IDS)}",
        f"EXISTS (SELECT 1 FROM items i WHERE {inner} AND i.id = {id_})",
        f"NOT EXISTS (SELECT 1 FROM items i WHERE {inner})",
        f"{id_} IN (SELECT c.id FROM countries c)",
        f"{id_} IN (SELECT i.id FROM items i WHERE {inner})",
        f"{id_} IN (SELECT i.id FROM items i WHERE {pinned})",
        f"{id_} IN (SELECT i.id FROM items i)",
    ]
    made = rng.choice(atoms)
    while rng.random() < 0.4:
        made = f"({made} {rng.choice(['AND', 'OR'])} {rng.choice(atoms)})"
    return f"NOT ({made})" if rng.random() < 0.1 else made
