"""What goes to the shards of a statement with groups or conditions, and that the answer
is that of one PostgreSQL, to types and names."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any

import pytest

import routedb
from tests.frontends.merged_world import World, postgresql_world

# Each shard answers with its groups: their rows are not moved.
GROUPED = (
    "SELECT sum(price * (1 - 0.1)) FROM items",
    "SELECT name, sum(price * owner), avg(owner + 1) FROM items GROUP BY 1 ORDER BY 1",
    "SELECT name, sum(owner) * 2, -max(id), count(*)::text, sum(id)::float / count(*) "
    "FROM items GROUP BY 1 ORDER BY 1",
    "SELECT name, sum(CASE WHEN seen < date '2024-01-05' THEN price ELSE 0 END) / "
    "sum(price) AS part, CASE WHEN count(*) > 2 THEN 1 ELSE min(id) END "
    "FROM items GROUP BY name ORDER BY name",
    "SELECT seen + 1, count(*) FROM items GROUP BY seen + 1 ORDER BY seen + 1",
    "SELECT date_trunc('month', seen::timestamp) AS month, sum(price) FROM items "
    "WHERE seen < date '2024-01-02' + interval '1 week' GROUP BY month",
    "SELECT extract(day FROM seen) AS day, sum(id) FROM items GROUP BY day ORDER BY 1",
    "SELECT extract(year FROM seen)::int AS year, round(sum(price), 1) FROM items "
    "GROUP BY 1",
    "SELECT nullif(sum(id), 0), coalesce(max(price), 0) FROM items "
    "WHERE name LIKE 'n%' GROUP BY name HAVING sum(id * 2) > 3 ORDER BY max(id)",
    "SELECT day, sum(cost) FROM (SELECT seen AS day, price * 2 AS cost FROM items "
    "JOIN places ON places.id = items.owner WHERE items.name <> 'n1') AS x "
    "GROUP BY day ORDER BY day",
    "SELECT count(*), sum(x.cost) FROM (SELECT id - owner AS cost FROM items) x",
    "SELECT name, count(*) FROM items WHERE seen > CURRENT_DATE - interval '99 years' "
    "AND EXISTS (SELECT 1 FROM places WHERE places.id = owner) GROUP BY 1 ORDER BY 1",
    "SELECT name AS id, sum(id) FROM items GROUP BY name ORDER BY 2, 1",
    "SELECT name, sum(-id) AS id FROM items GROUP BY name ORDER BY id, name",
)
# What is read of `items`, where its rows have to be moved.
READ = (
    "seen >= date '2024-01-03' AND seen < date '2024-01-03' + interval '2 days'",
    "seen BETWEEN date '2024-01-03' AND timestamp '2024-01-05 10:00'",
    "items.name LIKE 'n_' AND NOT items.name LIKE '%2'",
    "seen < CURRENT_DATE",
)
# Not pushed: what differs by a session's settings, sums in floats, a percent sign.
KEPT = (
    "SELECT name, sum(id::float) FROM items GROUP BY name",
    "SELECT owner % 2, sum(id) FROM items GROUP BY owner % 2",
    "SELECT sum(id) FROM items GROUP BY date_trunc('day', seen)",
    "SELECT max(id) FROM items GROUP BY seen::text",
)


@pytest.fixture(scope="module")
def world(postgresql):
    with ExitStack() as stack:
        yield postgresql_world(postgresql, stack)


def _ask(connection: Any, sql: str, *params: Any) -> tuple[list[Any], list[Any]]:
    cursor = connection.cursor()
    cursor.execute(sql, *params)
    return cursor.fetchall(), [column[:2] for column in cursor.description]


@pytest.mark.parametrize("sql", GROUPED)
def test_shards_group_their_rows(world: World, sql: str):
    cursor = world.routed.cursor()
    cursor.execute(sql)
    got = cursor.fetchall(), [column[:2] for column in cursor.description]
    expected = _ask(world.one, sql)
    if "ORDER BY" not in sql:
        got[0].sort(key=repr)
        expected[0].sort(key=repr)
    assert repr(got) == repr(expected)
    assert all(
        "sum(" in run.sql.lower() or "count(" in run.sql.lower()
        for run in cursor.route.fragments
    )


@pytest.mark.parametrize("condition", READ)
def test_conditions_go_to_where_rows_are_read(world: World, condition: str):
    joined = "SELECT items.id, src FROM items JOIN leads ON leads.id = items.id"
    sql = f"{joined} WHERE {condition}"
    cursor = world.routed.cursor()
    cursor.execute(sql)
    assert sorted(cursor.fetchall()) == sorted(_ask(world.one, sql)[0])
    sent = [run.sql for run in cursor.route.fragments if "FROM items" in run.sql]
    assert all(" WHERE " in each for each in sent), sent


AMONG = (
    "SELECT i.id, src FROM items i JOIN places p ON p.id = i.owner JOIN leads ON "
    "leads.id = i.id WHERE p.name = 'here' OR p.name = %s ORDER BY i.id",
    "SELECT name, (SELECT sum(price::float) FROM items i WHERE i.owner = p.id) "
    "FROM places p WHERE p.name = %s",
    "SELECT i.id FROM items i LEFT JOIN places p ON p.id = i.owner AND p.name = %s "
    "LEFT JOIN leads l ON l.id = i.id WHERE i.owner = p.id ORDER BY i.id",
)


def test_rows_have_a_partner_among_those_of_a_copy(world: World):
    for sql in AMONG:
        cursor = world.routed.cursor()
        cursor.execute(sql, ["here"])
        assert cursor.fetchall() == _ask(world.one, sql, ["here"])[0]
        sent = [run for run in cursor.route.fragments if "FROM items" in run.sql]
        assert all(" IN (SELECT " in run.sql for run in sent), sent
        assert sum(run.rows for run in sent) == 3
    sql = "SELECT i.id, p.name FROM items i LEFT JOIN places p ON p.id = i.owner "
    sql += "AND p.name = 'here' JOIN leads l ON l.id = i.id ORDER BY i.id"
    assert _ask(world.routed, sql) == _ask(world.one, sql)


def test_percent_signs_are_those_of_the_call(world: World):
    sql = (
        "SELECT items.id FROM items, leads WHERE items.name LIKE '%%1' "
        "AND leads.id = items.id AND leads.id < %s"
    )
    assert _ask(world.routed, sql, [9]) == _ask(world.one, sql, [9])
    sql = "SELECT name, sum(CASE WHEN name LIKE '%%1' THEN id END) FROM items "
    sql += "WHERE id < %s GROUP BY name ORDER BY name"
    assert _ask(world.routed, sql, [9]) == _ask(world.one, sql, [9])


GROUPED_BY_COLUMNS = re.compile(r'GROUP BY "\w+"(?:, "\w+")*\) AS ')


@pytest.mark.parametrize("sql", KEPT)
def test_rows_are_no_parts_of_groups_that_are_not_certain(world: World, sql: str):
    """They come one by one, or one for those whose columns have equal values."""
    cursor = world.routed.cursor()
    cursor.execute(sql)
    got, expected = sorted(map(repr, cursor.fetchall())), _ask(world.one, sql)[0]
    assert got == sorted(map(repr, expected))
    for run in cursor.route.fragments:
        assert run.sql.count("GROUP BY") == len(GROUPED_BY_COLUMNS.findall(run.sql))


MYSQL = (
    "SELECT Name, count(*), sum(price), min(seen), max(owner) FROM items GROUP BY name",
    "SELECT name AS n, COUNT( owner ) , sum(id) * 2 FROM items GROUP BY name "
    "HAVING sum(price) > 3 ORDER BY 2 DESC, name LIMIT 1, 2",
    "SELECT count(DISTINCT name), -sum(owner) FROM items WHERE seen > '2024-01-03'",
    "SELECT owner + 1, count(*) FROM items GROUP BY 1",
    "SELECT name, avg(id) FROM items GROUP BY name",
)


def test_shards_of_mysql_group_their_rows(my_world: World):
    for sql in MYSQL:
        cursor, one = my_world.routed.cursor(), my_world.one.cursor()
        cursor.execute(sql)
        one.execute(sql)
        assert sorted(map(repr, cursor.fetchall())) == sorted(map(repr, one.fetchall()))
        assert cursor.description == one.description, sql
        sent = [run.sql for run in cursor.route.fragments]
        is_kept = "avg" in sql or "+ 1" in sql
        assert all(("GROUP BY" in each) != is_kept for each in sent), sql


def test_what_mysql_does_not_read_is_its_error(my_world: World):
    for tail in ("ORDER BY 1 NULLS LAST", "HAVING sum(id) FILTER (WHERE id > 1) > 0"):
        with pytest.raises(routedb.ProgrammingError):
            my_world.routed.cursor().execute(
                f"SELECT name, sum(id) FROM items GROUP BY name {tail}"
            )
