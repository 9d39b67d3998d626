"""Changes of chance on shards and beside them, against one database with all rows.

INSERT … SELECT, UPDATE, DELETE and SELECT … FOR UPDATE. The shards, the database beside
them and the one with all rows are of one engine. What is not refused has to change the
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
    "leads": "id integer, owner integer, src varchar(40)",
}
UNIQUE = "CREATE UNIQUE INDEX one_item ON items (customer_id, id)"
PLACES = SHARDS + 1  # the last of them has `leads`
_KEYS, _IDS = range(7), range(4)
_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)


class Report(NamedTuple):
    """What a campaign found. `several` wrote to more than one shard, `failed` were
    refused by the servers."""

    statements: int
    several: int
    failed: int
    refused: Counter[str]
    wrong: list[tuple[str, Any, Any]]  # with what was told and changed, and expected


def configuration(dsns: Sequence[str]) -> dict[str, Any]:
    """Return the configuration of shards at all but the last of `dsns`."""
    key = {"database": "shop", "shard_key": "customer_id", "key_type": "integer"}
    rule = {**key, "function": "modulo"}
    return {
        "databases": {
            "shop": {"shards": [[dsn] for dsn in dsns[:SHARDS]]},
            "crm": {"nodes": [dsns[SHARDS]]},
        },
        "default": "shop",
        "tables": {
            "orders": rule,
            "items": rule,
            "countries": {"database": "shop", "reference": True},
            "leads": "crm",
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
    several = failed = 0
    for _ in range(count):
        sql = _statement(rng, engine)
        got, groups = _changed(routed, sql)
        if isinstance(got, Exception):
            said = str(got)
            refused[said.partition("either: ")[2] or said.partition(":")[0][:60]] += 1
            continue
        several += groups > 1
        failed += isinstance(got, str)
        expected, _ = _changed(one, sql)
        if got != expected:
            wrong.append((sql, got, expected))
    return Report(count, several, failed, refused, wrong)


def _changed(connection: Any, sql: str) -> tuple[Any, int]:
    """Run a statement, which is rolled back. Return what it told and left, the refusal,
    or the name of the server's error; and on how many groups it ran."""
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
        route = getattr(cursor, "route", None)
        found: Any = (_told(cursor), _contents(connection))
        return found, 0 if route is None else len(route.groups)
    except _REFUSALS as exc:
        return exc, 0
    except Exception as exc:
        driver = (each for each in type(exc).__mro__ if each.__module__ != "routedb")
        return next(each.__name__ for each in driver if "Error" in each.__name__), 0
    finally:
        connection.rollback()


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
        cursor.execute(
            "INSERT INTO leads (id, owner, src) VALUES "
            "(0, 1, 'l0'), (1, 4, 'l1'), (2, 5, NULL), (3, NULL, 'l3'), (1, 2, 'l4')"
        )
        connection.commit()


def _told(cursor: Any) -> tuple[int, Counter[Any]]:
    rows = cursor.fetchall() if cursor.description else ()
    return max(cursor.rowcount, len(rows)), Counter(tuple(row) for row in rows)


def _contents(connection: Any) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for table in TABLES:
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {table}")
        found.update((table, *row) for row in cursor.fetchall())
    return found


def _statement(rng: random.Random, engine: str) -> str:
    kind = rng.choice(
        ["update", "update", "delete", "delete", "from", "from", "lock"]
        + ["insert", "insert"]
    )
    where = _condition(rng, "orders")
    back = ""
    if engine != "mysql" and rng.random() < 0.4:
        back = " RETURNING orders.id, customer_id"
    if kind == "lock" and engine != "sqlite":
        return f"SELECT id, note FROM orders WHERE {where} FOR UPDATE"
    if kind == "insert":
        return _inserted(rng, engine)
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
            "note = (SELECT max(src) FROM leads)",
            "note = (SELECT max(src) FROM leads WHERE owner = orders.customer_id)",
            "note = (SELECT src FROM leads WHERE id = orders.id)",
            f"customer_id = {rng.choice(_KEYS)}",
        ]
    )


def _inserted(rng: random.Random, engine: str) -> str:
    """Return an INSERT … SELECT; two rows of one key meet in `items` alone."""
    key = rng.choice(["l.owner", "l.owner + 1", "l.id", "i.customer_id", "l.src"])
    query = rng.choice(
        [
            f"SELECT l.id + 10, {key}, l.src FROM leads l"
            + (" JOIN items i ON i.id = l.id" if key[0] == "i" else ""),
            "SELECT i.id, i.customer_id + 1, i.note FROM items i "
            f"WHERE {_condition(rng, 'i').replace('items i', 'items j')}",
            "SELECT max(id), customer_id, 'lit' FROM items GROUP BY customer_id",
            "SELECT o.id, i.customer_id, c.name FROM orders o JOIN items i "
            "ON i.id = o.id LEFT JOIN countries c ON c.id = o.id",
            "SELECT o.id, o.customer_id, o.note FROM orders o",
            "SELECT 50, count(*), min(note) FROM items",
            "SELECT id + 20, customer_id, note FROM items "
            "ORDER BY customer_id DESC, id LIMIT 5",
            f"SELECT id + 30, {rng.choice(_KEYS)}, src FROM leads",
        ]
    )
    table, names = rng.choice(
        [
            *[("orders", "(id, customer_id, note)"), ("orders", "")] * 2,
            *[("items", "(id, customer_id, note)")] * 2,
            ("leads", "(id, owner, src)"),
        ]
    )
    if rng.random() < 0.1:
        return "INSERT INTO countries (id, name) SELECT id, src FROM leads"
    if table != "items" or rng.random() < 0.3:
        back = f" RETURNING id, {'owner' if table == 'leads' else 'customer_id'}"
        return f"INSERT INTO {table} {names} {query}" + rng.choice(
            ["", back if engine != "mysql" else ""]
        )
    if engine == "mysql":
        if rng.random() < 0.5:
            return f"INSERT IGNORE INTO {table} {names} {query}"
        return (
            f"INSERT INTO {table} {names} {query} ON DUPLICATE KEY UPDATE "
            "note = concat(VALUES(note), '!')"
        )
    if engine == "sqlite":  # it tells ON CONFLICT from the ON of a join
        query = f"SELECT * FROM ({query}) AS q WHERE true"
    action = rng.choice(
        ["NOTHING", "UPDATE SET note = excluded.note || '!'",
         "UPDATE SET note = items.note, customer_id = excluded.customer_id"]
    )  # fmt: skip
    back = rng.choice(["", " RETURNING id, customer_id, note"])
    return (
        f"INSERT INTO {table} {names} {query} ON CONFLICT (customer_id, id) "
        f"DO {action}{back}"
    )


def _joined(rng: random.Random, engine: str, where: str) -> str:
    source, join, note = rng.choice(
        [
            ("items i", "i.customer_id = orders.customer_id", "'j'"),
            ("items i", "i.customer_id = orders.customer_id AND i.id = orders.id",
             "i.note"),
            ("items i", "i.id = orders.id", "'j'"),
            ("items i", "i.customer_id = orders.customer_id AND i.id < "
             f"{rng.choice(_IDS)}", "'j'"),
            ("leads l", "l.owner = orders.customer_id", "l.src"),
            ("leads l", "l.owner = orders.customer_id AND l.id <> orders.id", "l.src"),
            ("leads l", "l.id < orders.id", "'k'"),
            ("(SELECT owner, max(src) AS src FROM leads GROUP BY owner) q",
             "q.owner = orders.customer_id", "q.src"),
            ("(SELECT id, count(*) AS n FROM items GROUP BY id) q",
             "q.id = orders.id", "q.n"),
        ]
    )  # fmt: skip
    if engine == "mysql":
        if rng.random() < 0.5:
            return f"DELETE orders FROM orders JOIN {source} ON {join} WHERE {where}"
        return (
            f"UPDATE orders JOIN {source} ON {join} SET orders.note = {note} "
            f"WHERE {where}"
        )
    if engine == "postgresql" and rng.random() < 0.5:
        return f"DELETE FROM orders USING {source} WHERE {join} AND {where}"
    return f"UPDATE orders SET note = {note} FROM {source} WHERE {join} AND {where}"


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
        f"{id_} IN (SELECT l.id FROM leads l WHERE l.owner < {rng.choice(_KEYS)})",
        f"{key} IN (SELECT l.owner FROM leads l)",
        f"{key} NOT IN (SELECT l.owner FROM leads l WHERE l.owner IS NOT NULL)",
        f"EXISTS (SELECT 1 FROM leads l WHERE l.owner = {key} AND l.id = {id_})",
        f"{key} > (SELECT max(l.id) FROM leads l)",
    ]
    made = rng.choice(atoms)
    while rng.random() < 0.4:
        made = f"({made} {rng.choice(['AND', 'OR'])} {rng.choice(atoms)})"
    return f"NOT ({made})" if rng.random() < 0.1 else made
