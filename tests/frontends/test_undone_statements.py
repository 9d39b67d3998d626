"""A statement for several shards that fails on one: all of it is undone, and what the
transaction did before is kept, or refused, as in one database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

import MySQLdb
import psycopg2
import pytest

import routedb

SHARDS = 4
TABLES = (
    "CREATE TABLE items (id integer, owner integer, note varchar(9), UNIQUE (id))",
    "CREATE TABLE places (id integer PRIMARY KEY, name varchar(9))",
    "CREATE TABLE visits (place integer, FOREIGN KEY (place) REFERENCES places (id))",
)
FILLED = (
    "DELETE FROM items",
    "DELETE FROM visits",
    "DELETE FROM places",
    "INSERT INTO places VALUES (1, 'here'), (2, 'there')",
)
THERE = "INSERT INTO items (id, owner, note) VALUES ({0}, {0}, 'there')"


class Pair(NamedTuple):
    """A connection over four shards, the driver's to one database, and the driver's to
    each shard."""

    routed: Any
    one: Any
    shards: list[Any]


@pytest.fixture(scope="module", params=["postgresql", "mariadb", "sqlite"])
def databases(request: pytest.FixtureRequest) -> Iterator[tuple[Any, list[Any]]]:
    """A cluster of four shards on each engine, and the driver's connections to one
    database and to the shards."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            folder = request.getfixturevalue("tmp_path_factory").mktemp("undone")
            dsns = [f"sqlite:///{folder}/{n}.db" for n in range(SHARDS + 1)]
        else:
            server = request.getfixturevalue(request.param)
            made = [stack.enter_context(server.database()) for _ in range(SHARDS + 1)]
            dsns = [database.writer_dsn for database in made]
        raws = [stack.enter_context(closing(_connect(dsn))) for dsn in dsns]
        for raw in raws:
            for sql in TABLES:
                raw.cursor().execute(sql)
            raw.commit()
        rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
        everywhere = {"database": "shop", "reference": True}
        source = {
            "databases": {"shop": {"shards": [[dsn] for dsn in dsns[1:]]}},
            "tables": {"items": rule, "places": everywhere, "visits": everywhere},
        }
        yield stack.enter_context(closing(routedb.Cluster(source))), raws


@pytest.fixture
def pair(databases: tuple[Any, list[Any]]) -> Iterator[Pair]:
    """A connection over the shards, autocommit off, and the others."""
    cluster, raws = databases
    for raw in raws:
        for sql in FILLED:
            raw.cursor().execute(sql)
        raw.commit()
    with closing(cluster.connect(autocommit=False)) as routed:
        yield Pair(routed, raws[0], raws[1:])
    for raw in raws:
        raw.rollback()


def _connect(dsn: str) -> Any:
    if dsn.startswith("sqlite"):
        return sqlite3.connect(dsn.removeprefix("sqlite:///"))
    if dsn.startswith("postgresql"):
        return psycopg2.connect(dsn)
    with closing(routedb.connect(dsn)) as found:
        return MySQLdb.connect(**found.session.core.nodes[0].options)


def _play(connection: Any, script: tuple[str, ...]) -> list[Any]:
    """Run a script; return what comes of each statement."""
    told: list[Any] = []
    for sql in script:
        cursor = connection.cursor()
        try:
            cursor.execute(sql)
        except Exception as exc:
            told.append(type(exc).__name__)  # routedb's classes have the driver's
        else:
            rows = cursor.fetchall() if cursor.description else ()
            told.append([tuple(row) for row in rows])
    connection.commit()
    return told


def _stored(connections: list[Any], table: str = "items") -> list[list[Any]]:
    found = []
    for connection in connections:
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        found.append([tuple(row) for row in cursor.fetchall()])
        connection.rollback()
    return found


BEFORE = "INSERT INTO items (id, owner, note) VALUES (20, 0, 'b'), (21, 1, 'b')"
AFTER = "INSERT INTO items (id, owner, note) VALUES (30, 2, 'a'), (31, 3, 'a')"
FAILS = (
    "INSERT INTO items (id, owner, note) "
    "VALUES (4, 4, 'x'), (5, 5, 'x'), (6, 6, 'x'), (7, 7, 'x')"
)
READ = "SELECT note FROM items WHERE owner = 21"
SCRIPTS = {
    "alone": (FAILS,),
    "between others": (BEFORE, FAILS, AFTER, READ),
    "first": (FAILS, AFTER),
    "twice": (BEFORE, FAILS, FAILS, AFTER),
    "to a savepoint": (BEFORE, "SAVEPOINT a", FAILS, "ROLLBACK TO SAVEPOINT a", AFTER),
    "to the outer one": (
        "SAVEPOINT a", BEFORE, "SAVEPOINT b", AFTER, FAILS,
        "ROLLBACK TO SAVEPOINT b", "RELEASE SAVEPOINT b", FAILS,
        "ROLLBACK TO SAVEPOINT a", AFTER, READ,
    ),
    "past it": (BEFORE, "SAVEPOINT a", AFTER, FAILS, READ),
    "by one shard, then others": (
        BEFORE, THERE.format(5), "SAVEPOINT late", THERE.format(4), READ,
        "SELECT note FROM items WHERE owner = 6", FAILS, AFTER,
    ),
}  # fmt: skip


@pytest.mark.parametrize("at", [5, 6])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_an_insert_leaves_what_one_database_would(pair, script, at):
    for connection in (pair.routed, pair.one):
        connection.cursor().execute(THERE.format(at))
        connection.commit()
    assert _play(pair.routed, script) == _play(pair.one, script)
    whole = sorted(sum(_stored(pair.shards), []))
    assert [whole] == _stored([pair.one])


@pytest.mark.parametrize("begins", [True, False])
def test_in_autocommit_mode(pair, begins):
    pair.shards[2].cursor().execute(THERE.format(6))
    pair.shards[2].commit()
    pair.routed.autocommit = True
    cursor = pair.routed.cursor()
    if begins:
        cursor.execute("BEGIN")
        cursor.execute("SAVEPOINT a")
        cursor.execute(BEFORE)
        cursor.execute("SAVEPOINT b")
    with pytest.raises(routedb.IntegrityError):
        cursor.execute(FAILS)
    if begins:
        cursor.execute("ROLLBACK TO SAVEPOINT b")
        cursor.execute("COMMIT")
    before = [[(20, 0, "b")], [(21, 1, "b")]] if begins else [[], []]
    assert _stored(pair.shards) == [*before, [(6, 6, "there")], []]


REFERENCE = [
    "INSERT INTO places VALUES (8, 'new'), (9, 'new')",
    "UPDATE places SET id = 9 WHERE id = 1",
    "DELETE FROM places WHERE id < 3",
]


@pytest.mark.parametrize("sql", REFERENCE, ids=lambda sql: sql.split()[0])
@pytest.mark.parametrize("at", [1, 2])
def test_copies_stay_the_same(pair, sql, at):
    other = pair.shards[at]
    for text in ("places VALUES (9, 'odd')", "visits VALUES (2)"):
        other.cursor().execute(f"INSERT INTO {text}")
    other.commit()
    before = _stored(pair.shards, "places")
    cursor = pair.routed.cursor()
    if isinstance(pair.one, sqlite3.Connection):
        cursor.execute("PRAGMA foreign_keys = 1")
    cursor.execute("SAVEPOINT a")
    with pytest.raises(routedb.IntegrityError):
        cursor.execute(sql)
    if isinstance(pair.one, psycopg2.extensions.connection):
        cursor.execute("ROLLBACK TO SAVEPOINT a")
    cursor.execute("UPDATE places SET name = 'seen' WHERE id = 2")
    pair.routed.commit()
    for rows in before:
        rows[1] = (2, "seen")
    assert _stored(pair.shards, "places") == before


@pytest.mark.parametrize("at", [4, 5, 6])
@pytest.mark.parametrize(
    "keys", [[(n, n) for n in (4, 5, 6, 7)], [(n, n) for n in (4, 5, 6, 4)]]
)
def test_executemany_is_undone_as_a_whole(pair, at, keys):
    for connection in pair.shards:
        connection.rollback()
    pair.shards[at % SHARDS].cursor().execute(THERE.format(at))
    pair.shards[at % SHARDS].commit()
    before = _stored(pair.shards)
    cursor = pair.routed.cursor()
    cursor.execute("SAVEPOINT a")
    with pytest.raises(routedb.IntegrityError):
        cursor.executemany("INSERT INTO items (id, owner) VALUES (%s, %s)", keys)
    if isinstance(pair.one, psycopg2.extensions.connection):
        cursor.execute("ROLLBACK TO SAVEPOINT a")
    cursor.execute(AFTER)
    pair.routed.commit()
    before[2].append((30, 2, "a"))
    before[3].append((31, 3, "a"))
    assert _stored(pair.shards) == before
