"""Rows that are worked out in temporary tables, on links of routedb's own."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Any

import psycopg2
import pytest

import routedb
from routedb.merge.lines import Lines
from tests.frontends.merged_world import World, postgresql_world

SAID = "in temporary tables"
STATEMENTS = (
    "SELECT a.id, b.id FROM items a JOIN items b ON a.owner > b.owner "
    "ORDER BY a.id, b.id",
    "SELECT a.name, l.src, count(*) FROM items a "
    "LEFT JOIN leads l ON l.owner = a.owner GROUP BY a.name, l.src ORDER BY 1, 2",
    "SELECT id, price, seen FROM items WHERE price > "
    "(SELECT avg(price) FROM items) ORDER BY id",
    "SELECT id, (SELECT max(b.price) FROM items b WHERE b.id <> a.id) AS top "
    "FROM items a ORDER BY id",
    "SELECT name, row_number() OVER (ORDER BY name, id) FROM items ORDER BY 2",
)


@pytest.fixture(params=["pg_world", "my_world"])
def servers_world(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.fixture
def tables(servers_world: World, stack: ExitStack) -> World:
    """Rows on servers, each rest of a statement in tables."""
    using = servers_world.routed.using(merge={"tables_above": 0})
    stack.enter_context(using)
    return servers_world


@pytest.fixture
def pg_tables(pg_world: World, stack: ExitStack) -> World:
    """The same on PostgreSQL."""
    stack.enter_context(pg_world.routed.using(merge={"tables_above": 0}))
    return pg_world


def _used_tables(cursor: Any) -> bool:
    return any(SAID in said for _, said in cursor.route.reasons)


def _answer(connection: Any, sql: str, params: Any = None) -> Any:
    cursor = connection.cursor()
    cursor.execute(sql, params)
    return cursor.fetchall(), [column[:2] for column in cursor.description]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_answer_is_that_of_one_database(tables: World, sql):
    cursor = tables.routed.cursor()
    cursor.execute(sql)
    got = cursor.fetchall(), [column[:2] for column in cursor.description]
    assert got == _answer(tables.one, sql)
    assert _used_tables(cursor)
    assert cursor.rowcount == len(got[0])


def test_few_rows_stay_in_the_text(servers_world: World):
    cursor = servers_world.routed.cursor()
    cursor.execute(STATEMENTS[0])
    assert not _used_tables(cursor)


def test_texts_arrive_as_they_are(tables: World):
    odd = ["", "\\N", "a\tb", "\\", "\n\r", "'", "\\'", "%s"]
    cursor = tables.routed.cursor()
    for number, text in enumerate(odd):
        cursor.execute(
            "INSERT INTO items (id, owner, name) VALUES (%s, %s, %s)",
            (100 + number, number % 5, text),
        )
    cursor.execute(
        "SELECT a.id, a.name FROM items a JOIN items b ON b.id = a.id "
        "WHERE a.id >= 100 ORDER BY a.id"
    )
    assert _used_tables(cursor)
    assert [row[1] for row in cursor.fetchall()] == odd


def test_a_link_of_our_own_is_used_again_and_left_at_rest(pg_tables: World):
    cursor = pg_tables.routed.cursor()
    pools = pg_tables.routed.session.core.pools
    for _ in range(3):
        cursor.execute(STATEMENTS[0])
    scratch = pools.scratch(pg_tables.routed.session.core.config.nodes[0])
    assert scratch.open == 1
    with pytest.raises(psycopg2.errors.DivisionByZero):
        cursor.execute("SELECT 1 / (a.id - b.id) FROM items a JOIN items b USING (id)")
    assert scratch.open == 0
    cursor.execute(STATEMENTS[0])
    cursor.execute(
        "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
    )
    assert cursor.fetchall() == [(0,)]


def test_a_pool_of_one_does_not_wait_for_itself(postgresql, stack: ExitStack):
    world = postgresql_world(postgresql, stack, pool={"max": 1, "wait_timeout": "1s"})
    with world.routed.using(merge={"tables_above": 0}):
        assert _answer(world.routed, STATEMENTS[0]) == _answer(world.one, STATEMENTS[0])


def test_a_transaction_sees_its_writes_and_fails_as_one(pg_tables: World):
    routed = pg_tables.routed
    routed.autocommit = False
    cursor = routed.cursor()
    cursor.execute("UPDATE items SET name = 'new' WHERE owner = 2 AND id = 2")
    cursor.execute("SAVEPOINT s")
    cursor.execute("SELECT count(*) FROM items a JOIN items b ON a.name < b.name")
    seen = cursor.fetchall()
    assert _used_tables(cursor)
    with pytest.raises(psycopg2.errors.DivisionByZero):
        cursor.execute("SELECT 1 / (a.id - b.id) FROM items a JOIN items b USING (id)")
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        cursor.execute("SELECT name FROM items WHERE owner = 2")
    cursor.execute("ROLLBACK TO s")
    cursor.execute("SELECT count(*) FROM items a JOIN items b ON a.name < b.name")
    assert cursor.fetchall() == seen
    routed.commit()
    pg_tables.one.cursor().execute("UPDATE items SET name = 'new' WHERE id = 2")
    sql = "SELECT count(*) FROM items a JOIN items b ON a.name < b.name"
    assert _answer(routed, sql)[0] == _answer(pg_tables.one, sql)[0] == seen


def test_the_session_s_settings_hold(pg_tables: World):
    routed, one = pg_tables.routed, pg_tables.one
    sql = (
        "SELECT a.id, a.seen::timestamptz::text, current_setting('my.word') "
        "FROM items a JOIN items b ON b.id = a.id ORDER BY 1"
    )
    for connection in (routed, one):
        cursor = connection.cursor()
        cursor.execute("SET TIME ZONE 'Asia/Tokyo'; SET my.word = 'x'")
    assert _answer(routed, sql)[0] == _answer(one, sql)[0]
    routed.autocommit = False
    for connection in (routed, one):
        connection.cursor().execute("SET LOCAL TimeZone = 'America/Lima'")
    assert _answer(routed, sql)[0] == _answer(one, sql)[0]
    assert _answer(routed, sql)[0][0][1].endswith("-05")


def test_mysql_s_settings_hold(my_world: World):
    sql = "SELECT a.id || b.id FROM items a JOIN items b ON b.id = a.id ORDER BY a.id"
    with my_world.routed.using(merge={"tables_above": 0}):
        for connection in (my_world.routed, my_world.one):
            connection.cursor().execute("SET sql_mode = 'PIPES_AS_CONCAT'")
        assert _answer(my_world.routed, sql)[0] == _answer(my_world.one, sql)[0]


@pytest.mark.parametrize("is_open", [False, True])
def test_columns_may_depend_on_a_primary_key(pg_world: World, is_open):
    pg_world.routed.autocommit = not is_open
    sql = (
        "SELECT a.id, a.name, count(*) FROM items a JOIN items b ON b.owner > a.owner "
        "GROUP BY a.id ORDER BY a.id"
    )
    assert _answer(pg_world.routed, sql) == _answer(pg_world.one, sql)


def test_named_cursors_fetch_from_them(pg_tables: World):
    routed = pg_tables.routed
    routed.autocommit = False
    with routed.cursor("reader") as cursor:
        cursor.execute(STATEMENTS[0])
        assert [*cursor.fetchmany(2), *cursor] == _answer(routed, STATEMENTS[0])[0]
        with pytest.raises(psycopg2.ProgrammingError, match="more than once"):
            cursor.execute(STATEMENTS[0])


def test_without_the_right_the_text_takes_what_it_can(pg_tables: World):
    routed, one = pg_tables.routed, pg_tables.one
    cursor, its = routed.cursor(), one.cursor()
    one.autocommit = True
    role = "without_tables"
    its.execute(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role}")
    core = routed.session.core
    for node in core.config.nodes:
        with closing(psycopg2.connect(node.dsn, **node.options)) as raw:
            raw.autocommit = True
            own = raw.cursor()
            own.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
            own.execute("SELECT quote_ident(current_database())")
            ((name,),) = own.fetchall()
            own.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    cursor.execute(f"SET ROLE {role}")
    cursor.execute(STATEMENTS[0])
    assert not _used_tables(cursor)
    assert cursor.fetchall() == _answer(one, STATEMENTS[0])[0]
    cursor.execute("RESET ROLE")
    cursor.execute(
        "INSERT INTO items (id, owner) SELECT i, 1 FROM generate_series(100, 50100) i "
        "/* routedb: shard=1 */"
    )
    cursor.execute(f"SET ROLE {role}")
    with pytest.raises(routedb.ShardError, match=f"GRANT TEMPORARY ON .* TO {role}"):
        cursor.execute(STATEMENTS[4])
    cursor.execute("RESET ROLE")
    cursor.execute(STATEMENTS[4])
    assert _used_tables(cursor)
    assert len(cursor.fetchall()) == 12 + 50_001
    its.execute(f"DROP OWNED BY {role}")


def test_lines_keep_rows_in_memory_and_in_a_file():
    rows = [(str(number), None, "x\t\n\\" * 9) for number in range(40_000)]
    lines = Lines()
    lines.add_rows(rows[:7])
    assert list(lines) == rows[:7]
    lines.add_rows(rows[7:])
    assert lines.size > 2**20
    assert list(lines) == rows
    assert sum(block.count(b"\n") for block in lines.blocks()) == len(lines) == 40_000
    lines.close()
