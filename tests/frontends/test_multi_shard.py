"""A cursor after a statement that ran on several shards, on each frontend.

The rows are those of the user's cursor: converted and made as it was told, whichever
shard they come from; and what it tells of a statement is told of the whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg2.extras
import pytest
from MySQLdb import cursors as mysqldb
from psycopg2 import extensions as ext

import routedb

TABLE = "CREATE TABLE items (id integer, owner integer, price decimal(10, 2))"
NOTED = "CREATE TABLE noted (id integer, owner integer, at timestamp NULL)"
SEEN = "CREATE TABLE seen (id integer, at timestamp NULL)"
PLACES = "CREATE TABLE places (id integer PRIMARY KEY, name varchar(9))"
# Owner 1 is on the second shard, owner 2 on the first, whose answer comes first.
INSERT = (
    "INSERT INTO items (id, owner, price) VALUES (%s, 1, 1.5), (2, 2, 2.5), (3, 1, 3.5)"
)
RETURNING = INSERT + " RETURNING id, price"


@pytest.fixture
def pg_shards(postgresql, stack: ExitStack) -> Iterator[Any]:
    """A connection to two shards on PostgreSQL."""
    yield from _connected(_databases(postgresql, stack), stack)


@pytest.fixture
def my_shards(mariadb, stack: ExitStack) -> Iterator[Any]:
    """A connection to two shards on MariaDB."""
    yield from _connected(_databases(mariadb, stack), stack)


@pytest.fixture
def lite_shards(sqlite_dir: Path, stack: ExitStack) -> Iterator[Any]:
    """A connection to two shards in SQLite files."""
    paths = [sqlite_dir / f"shard{number}.db" for number in range(2)]
    for path in paths:
        with closing(sqlite3.connect(path)) as raw:
            raw.executescript(f"{TABLE}; {PLACES}; {NOTED}; {SEEN}")
    yield from _connected([f"sqlite:///{path}" for path in paths], stack)


@pytest.fixture(params=["pg_shards", "my_shards", "lite_shards"])
def connection(request: pytest.FixtureRequest) -> Any:
    """A connection to two shards of each engine."""
    return request.getfixturevalue(request.param)


def _databases(servers: Any, stack: ExitStack) -> list[str]:
    databases = [stack.enter_context(servers.database()) for _ in range(2)]
    for database in databases:
        database.execute(TABLE)
        database.execute(PLACES)
        database.execute(NOTED)
        database.execute(SEEN)
    return [database.writer_dsn for database in databases]


_clusters: dict[int, Any] = {}  # of the connections that are open


def _connected(dsns: list[str], stack: ExitStack) -> Iterator[Any]:
    rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
    source = {
        "databases": {"shop": {"shards": [[dsn] for dsn in dsns]}},
        "tables": {
            "items": rule,
            "noted": rule,
            **dict.fromkeys(
                ("places", "seen"), {"database": "shop", "reference": True}
            ),
        },
    }
    cluster = stack.enter_context(routedb.Cluster(source))
    with closing(cluster.connect(autocommit=False)) as connection:
        _clusters[id(connection)] = cluster
        yield connection


# -- rows are made by the user's cursor ------------------------------------------------


def test_psycopg2_casters_of_the_connection_convert_rows_of_each_shard(pg_shards):
    pg_shards.cursor().execute(INSERT, (0,))  # so links to both shards are open
    marked = ext.new_type((1700,), "MARKED", lambda text, _: f"{text!s} EUR")
    ext.register_type(marked, pg_shards)
    cursor = pg_shards.cursor()
    cursor.execute(RETURNING, (1,))
    assert cursor.fetchall() == [(1, "1.50 EUR"), (2, "2.50 EUR"), (3, "3.50 EUR")]


def test_psycopg2_casters_of_the_cursor_convert_rows_of_each_shard(pg_shards):
    cursor = pg_shards.cursor()
    ext.register_type(
        ext.new_type((23,), "NEG", lambda text, _: -int(text or 0)), cursor
    )
    cursor.execute(RETURNING, (1,))
    assert [row[0] for row in cursor] == [-1, -2, -3]


_MySQLdbCursor: Any = mysqldb.Cursor  # its stubs do not know what it is made of


class _Marking(_MySQLdbCursor):  # type: ignore[misc]
    """A cursor class of the user's that converts what MySQLdb has read."""

    _rows: Any

    def _post_get_result(self) -> None:
        super()._post_get_result()
        self._rows = tuple((row[0], f"{row[1]} EUR") for row in self._rows)


def test_mysqldb_cursor_classes_of_the_connection_make_rows_of_each_shard(my_shards):
    my_shards.cursorclass = _Marking
    cursor = my_shards.cursor()
    assert cursor.execute(RETURNING, (1,)) == 3
    assert cursor.fetchall() == ((1, "1.50 EUR"), (2, "2.50 EUR"), (3, "3.50 EUR"))


def test_sqlite3_factories_of_the_connection_make_rows_of_each_shard(lite_shards):
    lite_shards.text_factory = lambda raw: f"{raw.decode()} EUR"
    lite_shards.row_factory = _as_dict
    cursor = lite_shards.cursor()
    cursor.execute(INSERT + " RETURNING id, cast(price AS text) AS price", (1,))
    assert cursor.fetchall() == [
        {"id": 1, "price": "1.5 EUR"},
        {"id": 2, "price": "2.5 EUR"},
        {"id": 3, "price": "3.5 EUR"},
    ]


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        column[0]: value for column, value in zip(cursor.description, row, strict=True)
    }


@pytest.mark.parametrize(
    "kind",
    [
        psycopg2.extras.RealDictCursor,
        psycopg2.extras.DictCursor,
        psycopg2.extras.NamedTupleCursor,
    ],
)
def test_psycopg2_cursor_factories_make_rows_of_each_shard(pg_shards, kind):
    cursor = pg_shards.cursor(cursor_factory=kind)
    cursor.execute(RETURNING, (1,))
    rows: list[Any] = [cursor.fetchone(), *cursor]
    assert len(rows) == 3
    for number, row in enumerate(rows, 1):
        assert (getattr(row, "id", None) or row["id"]) == number


@pytest.mark.parametrize("kind", [mysqldb.DictCursor, mysqldb.SSDictCursor])
def test_mysqldb_dict_cursors_give_dicts_from_each_shard(my_shards, kind):
    cursor = my_shards.cursor(kind)
    cursor.execute(INSERT + " RETURNING id", (1,))
    assert cursor.fetchmany(2) == ({"id": 1}, {"id": 2})
    assert cursor.fetchall() == ({"id": 3},)
    cursor.execute("SELECT id FROM items WHERE owner = 2")  # nothing was left unread
    assert cursor.fetchall() == ({"id": 2},)


class _Renaming(sqlite3.Cursor):
    """A cursor class of the user's that makes its rows itself."""

    def fetchone(self) -> Any:
        row = super().fetchone()
        return None if row is None else ("row", *row)


def test_sqlite3_cursor_classes_make_rows_of_each_shard(lite_shards):
    cursor = lite_shards.cursor(_Renaming)
    cursor.row_factory = sqlite3.Row
    cursor.execute(RETURNING.replace("%s", "1"))
    assert cursor.fetchone() == ("row", 1, 1.5)
    assert [row["id"] for row in cursor.fetchall()] == [2, 3]


# -- what the cursor tells -------------------------------------------------------------


def test_what_is_told_of_a_statement_is_told_of_all_its_parts(connection):
    cursor = connection.cursor()
    cursor.execute(RETURNING, (1,))
    assert cursor.rowcount == 3
    assert [column[0] for column in cursor.description] == ["id", "price"]
    assert cursor.rownumber == 0
    cursor.fetchone()
    assert cursor.rownumber == 1
    assert len(cursor.fetchall()) == 2
    assert (cursor.rownumber, cursor.fetchone()) == (3, None)
    cursor.close()
    assert cursor.rowcount == 3


def test_psycopg2_tells_of_the_text_that_was_sent_last_and_of_all_rows(pg_shards):
    cursor = pg_shards.cursor()
    cursor.execute(INSERT, (1,))
    assert cursor.statusmessage == "INSERT 0 3"
    assert (
        cursor.query
        == b"INSERT INTO items (id, owner, price) VALUES (1, 1, 1.5), (3, 1, 3.5)"
    )
    assert (cursor.lastrowid, cursor.pgresult_ptr) == (0, None)
    assert cursor.description is None
    with pytest.raises(routedb.ProgrammingError):
        cursor.fetchone()


def test_the_columns_are_the_drivers(pg_shards):
    cursor = pg_shards.cursor()
    cursor.execute(RETURNING, (1,))
    assert cursor.description[1].type_code == 1700
    assert isinstance(cursor.description[1], ext.Column)


def test_mysqldb_tells_of_the_text_that_was_sent_last_and_of_all_rows(my_shards):
    cursor = my_shards.cursor()
    assert cursor.execute(INSERT, (1,)) == 3
    assert (
        cursor._executed
        == b"INSERT INTO items (id, owner, price) VALUES (1, 1, 1.5), (3, 1, 3.5)"
    )
    assert cursor.fetchall() == ()


def test_fetchmany_follows_the_cursors_arraysize(connection):
    cursor = connection.cursor()
    cursor.execute(RETURNING, (1,))
    cursor.arraysize = 2
    assert [len(cursor.fetchmany()), len(cursor.fetchmany())] == [2, 1]


@pytest.mark.parametrize("shards", ["pg_shards", "my_shards"])
def test_rows_can_be_scrolled(request, shards):
    cursor = request.getfixturevalue(shards).cursor()
    cursor.execute(RETURNING, (1,))
    cursor.scroll(2)
    assert cursor.fetchone()[0] == 3
    cursor.scroll(0, "absolute")
    assert cursor.fetchone()[0] == 1
    with pytest.raises((IndexError, psycopg2.ProgrammingError)) as outside:
        cursor.scroll(9)
    assert outside.type is not IndexError or shards == "my_shards"
    with pytest.raises(routedb.ProgrammingError, match="scroll mode"):
        cursor.scroll(0, "sideways")
    assert cursor.fetchone()[0] == 2


def test_a_part_that_fails_is_told_by_the_cursor(pg_shards):
    cursor: Any = pg_shards.cursor()
    with pytest.raises(psycopg2.errors.NumericValueOutOfRange) as failed:
        cursor.execute(INSERT.replace("3.5", "1e9"), (1,))
    shown: Any = failed.value.cursor
    assert shown is cursor
    assert (
        cursor.query
        == b"INSERT INTO items (id, owner, price) VALUES (1, 1, 1.5), (3, 1, 1e9)"
    )
    pg_shards.rollback()
    cursor.execute(RETURNING, (1,))
    assert len(cursor.fetchall()) == 3


# -- rows on any shard -----------------------------------------------------------------


@pytest.fixture(params=["pg_shards", "lite_shards"])
def returning(request: pytest.FixtureRequest) -> Any:
    """A connection to two shards whose engine has UPDATE … RETURNING."""
    return request.getfixturevalue(request.param)


def test_a_change_without_a_key_tells_the_sum(connection):
    cursor = connection.cursor()
    cursor.execute(INSERT, (1,))
    cursor.execute("UPDATE items SET price = price + 1 WHERE id >= %s", (2,))
    assert cursor.rowcount == 2
    cursor.execute("DELETE FROM items WHERE owner IN (1, 2) AND price > 3")
    assert cursor.rowcount == 2
    connection.commit()
    cursor.execute("SELECT id FROM items")
    assert [row[0] for row in cursor.fetchall()] == [1]


def test_rows_that_were_changed_come_from_each_shard(returning):
    cursor = returning.cursor()
    cursor.execute(INSERT, (1,))
    cursor.execute("UPDATE items SET price = 2 * price RETURNING id, price")
    assert sorted(cursor.fetchall()) == [(1, 3), (2, 5), (3, 7)]
    assert cursor.rowcount == 3


def test_psycopg2_makes_rows_that_were_changed_as_it_was_told(pg_shards):
    cursor = pg_shards.cursor(cursor_factory=psycopg2.extras.RealDictCursor)
    cursor.execute(INSERT, (1,))
    marked = ext.new_type((1700,), "MARKED", lambda text, _: f"{text!s} EUR")
    ext.register_type(marked, cursor)
    cursor.execute("DELETE FROM items RETURNING price")
    assert cursor.statusmessage == "DELETE 3"
    assert sorted(row["price"] for row in cursor) == [
        "1.50 EUR",
        "2.50 EUR",
        "3.50 EUR",
    ]


def test_a_change_in_autocommit_mode_is_done_on_all_shards_or_on_none(connection):
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(INSERT, (1,))
    cursor.execute("UPDATE items SET price = 7")
    assert cursor.rowcount == 3
    cursor.execute("SELECT sum(price) FROM items")
    assert cursor.fetchone()[0] == 21
    cursor.executemany("DELETE FROM items WHERE id = %s", [(1,), (2,), (5,)])
    assert cursor.rowcount == 2


def _times(connection: Any, table: str) -> list[Any]:
    """Return the times of the rows of each shard."""
    cursor = connection.cursor()
    found: list[Any] = []
    for shard in range(2):
        cursor.execute(f"/* routedb: shard={shard} */ SELECT at FROM {table}")
        found += (row[0] for row in cursor.fetchall())
    return found


TIMES = ["current_timestamp", "now()", "localtimestamp", "datetime('now')"]
_KNOWN_TIMES = {
    "pg_shards": TIMES[:3],
    "my_shards": [*TIMES[:3], "NOW(6)", "UTC_TIMESTAMP()"],
    "lite_shards": [TIMES[0], TIMES[3], "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"],
}


@pytest.mark.parametrize(
    ("shards", "time"),
    [(name, time) for name in _KNOWN_TIMES for time in _KNOWN_TIMES[name]],
)
def test_the_time_is_one_for_all_shards(request, shards, time):
    connection = request.getfixturevalue(shards)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.executemany(
        "INSERT INTO noted (id, owner) VALUES (%s, %s)", [(1, 1), (2, 2), (3, 1)]
    )
    cursor.execute(f"UPDATE noted SET at = {time} WHERE id > %s", (0,))
    cursor.execute(f"INSERT INTO seen (id, at) VALUES (%s, {time})", (1,))
    for table, count in (("noted", 3), ("seen", 2)):
        times = _times(connection, table)
        assert len(times) == count
        assert len(set(times)) == 1
        assert times[0] is not None
    cursor.executemany(f"UPDATE noted SET at = {time} WHERE id = %s", [(1,), (2,)])
    cursor.execute(
        f"INSERT INTO noted (id, owner, at) VALUES (%s, 1, {time}), (5, 2, {time})",
        (4,),
    )
    assert None not in _times(connection, "noted")


def test_what_a_row_that_was_written_says_of_the_time_is_refused(returning):
    with pytest.raises(routedb.ShardError, match="shows has the time"):
        returning.cursor().execute(
            "UPDATE noted SET id = 1 RETURNING current_timestamp"
        )
    with pytest.raises(routedb.ShardError, match="for all its rows"):
        returning.cursor().execute("UPDATE noted SET id = (SELECT random())")


def test_rows_of_all_shards_are_locked_in_the_transaction(request):
    for name in ("pg_shards", "my_shards"):
        connection = request.getfixturevalue(name)
        cursor = connection.cursor()
        cursor.execute(INSERT, (1,))
        connection.commit()
        cursor.execute("SELECT id, price FROM items WHERE id > %s FOR UPDATE", (1,))
        assert sorted(row[0] for row in cursor.fetchall()) == [2, 3]
        assert cursor.rowcount == 2
        with closing(_clusters[id(connection)].connect(autocommit=True)) as other:
            with pytest.raises(routedb.Error):
                other.cursor().execute("SELECT id FROM items FOR UPDATE NOWAIT")
            connection.commit()
            other.cursor().execute("SELECT id FROM items FOR UPDATE NOWAIT")


def test_upkeep_is_done_on_every_shard(connection):
    connection.autocommit = True
    cursor = connection.cursor()
    module = type(connection).__module__
    for sql in _UPKEEP[next(name for name in _UPKEEP if name in module)]:
        cursor.execute(sql)
        assert cursor.route.groups == (0, 1)


_UPKEEP = {
    "psycopg2": ["VACUUM items", "ANALYZE items", "VACUUM", "REINDEX TABLE places"],
    "mysqlclient": ["ANALYZE TABLE items", "OPTIMIZE TABLE places"],
    "sqlite3": ["ANALYZE items", "VACUUM", "REINDEX items"],
}


def test_a_table_is_locked_on_every_shard_inside_of_transactions_only(pg_shards):
    cursor = pg_shards.cursor()
    cursor.execute("LOCK TABLE items IN EXCLUSIVE MODE")
    assert cursor.route.groups == (0, 1)
    pg_shards.rollback()
    pg_shards.autocommit = True
    with pytest.raises(psycopg2.errors.NoActiveSqlTransaction):
        cursor.execute("LOCK TABLE items IN EXCLUSIVE MODE")


# -- the other ways to run over shards -------------------------------------------------


def test_executemany_counts_over_shards(connection):
    cursor = connection.cursor()
    cursor.executemany(
        "INSERT INTO items (id, owner, price) VALUES (%s, %s, 1)",
        [(1, 1), (2, 2), (3, 1)],
    )
    assert cursor.rowcount == 3
    connection.commit()
    for owner, rows in ((1, [1, 3]), (2, [2])):
        cursor.execute(f"SELECT id FROM items WHERE owner = {owner} ORDER BY id")
        assert [row[0] for row in cursor.fetchall()] == rows


def test_execute_values_returns_rows_in_their_order(pg_shards):
    cursor = pg_shards.cursor(cursor_factory=psycopg2.extras.RealDictCursor)
    rows = psycopg2.extras.execute_values(
        cursor,
        "INSERT INTO items (id, owner, price) VALUES %s RETURNING id",
        [(number, number, 1) for number in range(7)],
        page_size=4,
        fetch=True,
    )
    assert [row["id"] for row in rows] == list(range(7))


def test_execute_batch_sends_each_shard_its_statements_in_one_text(pg_shards):
    pg_shards.autocommit = True
    cursor = pg_shards.cursor()
    cursor.execute(INSERT, (1,))
    changes = [(7, 1, 1), (8, 2, 2), (9, 1, 3)]
    psycopg2.extras.execute_batch(
        cursor, "UPDATE items SET price = %s WHERE owner = %s AND id = %s", changes
    )
    assert (cursor.rowcount, cursor.statusmessage) == (1, "UPDATE 1")
    assert cursor.query.count(b"UPDATE") == 2  # those of the last one's shard
    cursor.execute("SELECT id, price FROM items")
    assert sorted(cursor.fetchall()) == [(1, 7), (2, 8), (3, 9)]


def test_execute_batch_of_changes_on_every_shard(pg_shards):
    cursor = pg_shards.cursor()
    cursor.execute(INSERT, (1,))
    pg_shards.commit()
    sql = "UPDATE items SET price = %s WHERE id = %s"
    psycopg2.extras.execute_batch(cursor, sql, [(7, 1), (8, 2), (5, 3), (9, 3)])
    assert cursor.rowcount == 1
    with pytest.raises(psycopg2.errors.NumericValueOutOfRange):
        psycopg2.extras.execute_batch(cursor, sql, [(1, 2), (2, 1), ("1e9", 3)])
    pg_shards.rollback()
    psycopg2.extras.execute_batch(cursor, sql, [(7, 1), (8, 2), (5, 3), (9, 3)])
    pg_shards.commit()
    with pytest.raises(routedb.ShardError, match="several statements"):
        cursor.execute("DELETE FROM items; SELECT 1")
    cursor.execute("SELECT id, price FROM items")
    assert sorted(cursor.fetchall()) == [(1, 7), (2, 8), (3, 9)]


def test_a_write_to_a_reference_table_gives_the_rows_of_one_shard(connection):
    cursor = connection.cursor()
    cursor.execute("INSERT INTO places VALUES (1, 'a'), (2, 'b') RETURNING name")
    assert cursor.rowcount == 2
    assert [tuple(row) for row in cursor.fetchall()] == [("a",), ("b",)]
    cursor.execute("SELECT count(*) FROM places")
    assert cursor.fetchone()[0] == 2


def test_the_cursor_goes_on_with_one_shard_after_several(connection):
    cursor = connection.cursor()
    for number in range(3):
        cursor.execute(RETURNING, (number,))
        assert cursor.fetchone()[0] == number
        cursor.execute("SELECT id FROM items WHERE owner = 2 ORDER BY id")
        assert len(cursor.fetchall()) == number + 1
    connection.commit()
