"""UPDATE of the shard key, where rows change shards by it: PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg2
import pytest

import routedb
from tests.support.servers import PostgreSQLCluster

TABLE = """
    CREATE TABLE items (
        owner bigint NOT NULL,
        id int GENERATED ALWAYS AS IDENTITY,
        name varchar(5) DEFAULT 'new' CHECK (name <> 'bad'),
        price numeric(6, 2),
        twice numeric GENERATED ALWAYS AS (price * 2) STORED,
        tags text[],
        PRIMARY KEY (owner, id)
    )
"""
INSERT = "INSERT INTO items (owner, id, name, price, tags) OVERRIDING SYSTEM VALUE "
ROWS = f"""{INSERT} VALUES (2, 0, 'abc', 2.5, ARRAY['a', NULL]),
    (1, 1, 'b', 1.5, '{{}}'), (2, 2, 'c', 2.5, NULL), (1, 3, 'ad', NULL, ARRAY['x'])"""
ALL = "SELECT owner, id, name, price, twice, tags FROM items ORDER BY owner, id"
MOVES = [
    ("UPDATE items SET owner = owner + 1", None),
    ("UPDATE items SET owner = 7 WHERE owner = 2", None),
    ("UPDATE items SET owner = %s, name = %s WHERE owner = %s", (5, "x", 2)),
    ("UPDATE items SET owner = %s WHERE owner = %s", ("5", 2)),
    ("UPDATE items SET owner = %(a)s, price = price / 3 WHERE owner = 2", {"a": 9}),
    ("UPDATE items i SET owner = i.owner + 1 WHERE i.price > 1 RETURNING *", None),
    ("UPDATE items AS i SET owner = 3, tags = i.tags || 'z' WHERE id = 0 "
     "RETURNING i.name || %s, i.owner, twice", ("!",)),
    ("UPDATE items SET owner = 5, name = NULL WHERE owner = 2 AND name LIKE 'a%'",
     None),
    ("UPDATE items SET owner = owner + 1 WHERE owner = 99 RETURNING owner", None),
    ("UPDATE items SET owner = 5, name = 'longer' WHERE owner = 2", None),
    ("UPDATE items SET owner = 5, name = 'bad' WHERE owner = 2", None),
    ("UPDATE items SET owner = owner + 1, price = 10000", None),
    ("UPDATE items SET owner = owner + 1, price = 1 / (id - id)", None),
]  # fmt: skip
REFUSED = [
    ("UPDATE items SET owner = owner + 1, twice = 1", "twice"),
    ("UPDATE items SET owner = owner + 1, id = 1 WHERE owner = 99", "GENERATED ALWAYS"),
    ("UPDATE items SET owner = owner + 1 FROM (SELECT 1) AS q", "other tables"),
    ("UPDATE items SET (owner, name) = (5, 'a') WHERE owner = 2", "another shard"),
    ("UPDATE items SET owner = NULL WHERE owner = 2", "NULL"),
    ("UPDATE items SET owner = owner * 1.5", "type"),
]
# What would see a deletion, and on which of the tables it is made.
SEEN = {
    "triggers": "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RETURN NULL; END'; "
    "CREATE TRIGGER t AFTER DELETE ON items_{0} EXECUTE FUNCTION seen()",
    "policies": "ALTER TABLE items_{0} ENABLE ROW LEVEL SECURITY",
    "rules": "CREATE RULE r AS ON DELETE TO items_{0} DO ALSO NOTHING",
    "foreign keys": "CREATE TABLE parts (owner bigint REFERENCES items_{0})",
}


class Two:
    """The table on two shards, and whole in one database that judges."""

    def __init__(self, servers: PostgreSQLCluster, stack: ExitStack) -> None:
        databases = [stack.enter_context(servers.database()) for _ in range(3)]
        self.shards = databases[:2]
        rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
        source = {
            "default": "shop",
            "databases": {"shop": {"shards": [[e.writer_dsn] for e in self.shards]}},
            "tables": {"items*": rule},
        }
        routed, judge = (
            routedb.connect(source),
            psycopg2.connect(databases[2].writer_dsn),
        )
        self.routed: Any = stack.enter_context(closing(routed))
        self.judge: Any = stack.enter_context(closing(judge))
        self.both(TABLE)
        self.both(ROWS)
        for each in (self.routed, self.judge):
            each.commit()

    def both(self, sql: str, params: Any = None) -> list[Any]:
        """Run a text on both; return what each says of it."""
        return [_said(each, sql, params) for each in (self.routed, self.judge)]

    def undo(self) -> None:
        """Roll back."""
        for each in (self.routed, self.judge):
            each.rollback()


def _said(connection: Any, sql: str, params: Any = None) -> Any:
    cursor = connection.cursor()
    try:
        cursor.execute(sql, params)
    except psycopg2.Error as exc:
        return exc.pgcode, exc.diag.constraint_name, exc.diag.column_name
    rows = cursor.fetchall() if cursor.description else []
    names = [column[:2] for column in cursor.description or ()]
    return cursor.statusmessage, cursor.rowcount, names, sorted(map(repr, rows))


@pytest.fixture(scope="module")
def made(postgresql: PostgreSQLCluster) -> Iterator[Two]:
    with ExitStack() as stack:
        yield Two(postgresql, stack)


@pytest.fixture
def two(made: Two) -> Iterator[Two]:
    yield made
    made.undo()


@pytest.mark.parametrize(("sql", "params"), MOVES)
def test_rows_change_shards_as_they_would_change_in_one_database(two, sql, params):
    ours, theirs = two.both(sql, params)
    assert ours == theirs
    if len(ours) == len(("code", "constraint", "column")):
        return
    rows, same = two.both(ALL)
    assert rows == same
    for shard in range(2):
        asked = f"/* routedb: shard={shard} */ SELECT count(*) FROM items WHERE owner"
        assert _said(two.routed, f"{asked} % 2 <> {shard}")[-1] == ["(0,)"]


def test_it_is_committed_and_undone_as_a_whole(two):
    two.routed.autocommit = True
    before = _said(two.routed, ALL)
    two.routed.cursor().execute("UPDATE items SET owner = owner + 1")
    failed = _said(
        two.routed, "UPDATE items SET owner = owner - 1, price = 1 / (id - 3)"
    )
    assert failed[0] == "22012"
    assert _said(two.routed, "SELECT count(*) FROM items WHERE owner > 1")[-1] == [
        "(4,)"
    ]
    two.routed.cursor().execute("UPDATE items SET owner = owner - 1")
    assert _said(two.routed, ALL) == before
    two.routed.autocommit = False


def test_a_savepoint_brings_the_rows_back(two):
    cursor = two.routed.cursor()
    cursor.execute("SAVEPOINT s")
    before = _said(two.routed, ALL)
    cursor.execute("UPDATE items SET owner = owner + 1 WHERE owner = 2")
    cursor.execute("ROLLBACK TO s")
    assert _said(two.routed, ALL) == before


@pytest.mark.parametrize("seen", SEEN)
def test_who_would_see_a_deletion_has_it_refused(two, seen):
    name = f"items_{list(SEEN).index(seen)}"
    for database in two.shards:
        database.execute(f"CREATE TABLE {name} (owner bigint PRIMARY KEY)")
        database.execute(SEEN[seen].format(list(SEEN).index(seen)))
    cursor = two.routed.cursor()
    cursor.execute(f"INSERT INTO {name} VALUES (1)")
    with pytest.raises(routedb.ShardError, match=seen):
        cursor.execute(f"UPDATE {name} SET owner = owner + 1")


@pytest.mark.parametrize(("sql", "why"), REFUSED)
def test_what_has_no_certain_shard_is_refused(two, sql, why):
    with pytest.raises(routedb.ShardError, match=why):
        two.routed.cursor().execute(sql)


def test_it_is_explained(two):
    shown = two.routed.explain("UPDATE items SET owner = owner + 1 WHERE price > 1")
    assert shown.groups == (0, 1)
    assert "deleted, and inserted where it belongs" in shown.plan.title
    assert dict(shown.plan.facts)["deleted by"].startswith("DELETE FROM items")
    with pytest.raises(routedb.ShardError, match="other tables"):
        two.routed.explain(
            "UPDATE items SET owner = owner + 1 FROM (SELECT 1) AS q (a)"
        )
