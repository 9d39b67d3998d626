"""Columns that a table rule fills in INSERTs which leave them out, on each frontend."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

import routedb
from routedb.ids import parts

TABLES = (
    "CREATE TABLE orders (id {} PRIMARY KEY, owner integer, note varchar(40))",
    "CREATE TABLE entries (owner integer, id bigint, note varchar(40), "
    "PRIMARY KEY (owner, id))",
    "CREATE TABLE plain (id {} PRIMARY KEY, note varchar(40) DEFAULT 'd')",
)


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def connection(request, tmp_path, stack) -> Any:
    """`orders` sharded by the column that is filled, `entries` by another, and `plain`
    in the default database."""
    if request.param == "sqlite":
        dsns = [f"sqlite:///{tmp_path}/filled{number}.db" for number in range(3)]
    else:
        servers = request.getfixturevalue(request.param)
        databases = [stack.enter_context(servers.database()) for _ in range(3)]
        dsns = [each.writer_dsn for each in databases]
    source = {
        "default": "main",
        "id_node": 5,
        "databases": {
            "main": {"nodes": [dsns[0]]},
            "shop": {"shards": [[dsns[1]], [dsns[2]]]},
        },
        "tables": {
            "orders": {"database": "shop", "shard_key": "id", "id": "id"},
            "entries": {"database": "shop", "shard_key": "owner", "id": "id"},
            "plain": {"database": "main", "id": "id"},
        },
    }
    cluster = stack.enter_context(closing(routedb.Cluster(source)))
    opened = stack.enter_context(closing(cluster.connect(autocommit=True)))
    for ddl in TABLES:
        big = "INTEGER" if request.param == "sqlite" else "bigint"
        opened.cursor().execute(ddl.format(big))
    return opened


def _rows(connection: Any, sql: str) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return [tuple(row) for row in cursor.fetchall()]


INSERTS: list[tuple[str, Any, int]] = [
    ("INSERT INTO {} (owner, note) VALUES (1, 'a')", None, 1),
    ("INSERT INTO {} (owner, note) VALUES (%s, %s), (2, '(,)'), (%s, '%%')",
     (1, "x", 3), 3),
    ("INSERT INTO {} (note, owner) VALUES (%(note)s, %(owner)s)",
     {"note": "n", "owner": 7}, 1),
    ("insert into {}(owner) values (4)", None, 1),
    ("INSERT INTO {} (id, owner) VALUES (NULL, 5), (NULL, 6)", None, 2),
]  # fmt: skip


@pytest.mark.parametrize("table", ["orders", "entries"])
def test_rows_get_keys(connection, table):
    cursor = connection.cursor()
    seen: set[int] = set()
    for sql, params, count in INSERTS:
        args = () if params is None else (params,)
        cursor.execute(sql.format(table), *args)
        assert cursor.rowcount == count
        ids = {row[0] for row in _rows(connection, f"SELECT id FROM {table}")}
        assert len(ids - seen) == count
        assert all(parts(each).node == 5 for each in ids)
        seen |= ids
    cursor.execute(f"INSERT INTO {table} (id, owner) VALUES (77, 1)")
    assert 77 in {row[0] for row in _rows(connection, f"SELECT id FROM {table}")}
    for id_ in seen:
        found = _rows(connection, f"SELECT count(*) FROM {table} WHERE id = {id_}")
        assert found == [(1,)]


def test_sets_of_parameters(connection):
    for table in ("orders", "entries"):
        cursor = connection.cursor()
        cursor.executemany(
            f"INSERT INTO {table} (owner, note) VALUES (%s, %s)",
            [(n, f"n{n}") for n in range(6)],
        )
        assert cursor.rowcount == 6
        rows = _rows(connection, f"SELECT id, owner, note FROM {table}")
        assert sorted(row[1:] for row in rows) == [(n, f"n{n}") for n in range(6)]
        assert len({row[0] for row in rows}) == 6
    connection.cursor().executemany(
        "INSERT INTO plain (note) VALUES (%(note)s)", [{"note": "a"}, {"note": "b"}]
    )
    assert len(_rows(connection, "SELECT id FROM plain")) == 2


def test_nothing_but_defaults(connection):
    words = "() VALUES ()" if _engine(connection) == "mysql" else "DEFAULT VALUES"
    connection.cursor().execute(f"INSERT INTO plain {words}")
    ((id_, note),) = _rows(connection, "SELECT id, note FROM plain")
    assert (parts(id_).node, note) == (5, "d")


def test_the_key_is_returned(connection):
    cursor = connection.cursor()
    cursor.execute("INSERT INTO orders (owner) VALUES (1), (2) RETURNING id, owner")
    rows = [tuple(row) for row in cursor.fetchall()]
    assert sorted(rows) == sorted(_rows(connection, "SELECT id, owner FROM orders"))


def test_lastrowid_tells_it(connection):
    for table in ("orders", "plain"):
        cursor = connection.cursor()
        cursor.execute(f"INSERT INTO {table} (note) VALUES ('x')")
        ((id_,),) = _rows(connection, f"SELECT id FROM {table}")
        wanted = 0 if _engine(connection) == "postgresql" else id_
        assert cursor.lastrowid == wanted


def _engine(connection: Any) -> str:
    name: str = connection.session.frontend.dialect
    return name


SELECTED = [
    "INSERT INTO orders (owner) SELECT 1",
    "INSERT INTO entries (note, owner) SELECT q.a, 4 FROM (SELECT 'x' AS a) q",
    "INSERT INTO entries (owner, note) SELECT owner, note FROM entries",
    "INSERT INTO plain (note) SELECT note FROM entries",
]


def test_rows_of_a_query_get_keys(connection):
    cursor = connection.cursor()
    cursor.execute("INSERT INTO entries (owner, note) VALUES (1, 'a'), (2, 'b')")
    for sql in SELECTED:
        table = sql.split()[2]
        before = _rows(connection, f"SELECT id FROM {table}")
        cursor.execute(sql)
        after = _rows(connection, f"SELECT id FROM {table}")
        assert len(after) == len(before) + cursor.rowcount
        assert cursor.rowcount
        assert all(parts(id_).node == 5 for (id_,) in after)
        assert len(set(after)) == len(after)
    for id_, owner in _rows(connection, "SELECT id, owner FROM orders"):
        found = _rows(connection, f"SELECT owner FROM orders WHERE id = {id_}")
        assert found == [(owner,)]


def test_a_number_is_borrowed_where_none_is_configured(tmp_path):
    source = {
        "default": "shop",
        "databases": {
            "shop": {"shards": [[f"sqlite:///{tmp_path}/{n}.db"] for n in range(2)]}
        },
        "tables": {"orders": {"database": "shop", "shard_key": "id", "id": "id"}},
    }
    with routedb.Cluster(source) as cluster, closing(cluster.connect()) as opened:
        opened.cursor().execute(TABLES[0].format("INTEGER"))
        opened.commit()
        opened.cursor().execute("INSERT INTO orders (owner) VALUES (1)")
        opened.commit()
        ((id_,),) = _rows(opened, "SELECT id FROM orders")
        assert parts(id_).node == 0


@pytest.mark.parametrize("value", [-1, 1024])
def test_a_number_that_is_none(value):
    with pytest.raises(routedb.ConfigError, match="id_node"):
        routedb.Cluster({"databases": {"main": {"nodes": ["sqlite://"]}},
                         "id_node": value})  # fmt: skip
