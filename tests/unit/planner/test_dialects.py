"""What plans look like where no server is asked: PostgreSQL's and MySQL's dialects."""

from __future__ import annotations

import re

import pytest

from routedb.config.model import ShardFunction
from routedb.planner import (
    Catalog,
    Cluster,
    Column,
    Copied,
    Merge,
    Place,
    Placement,
    Refusal,
    Sharded,
    TableInfo,
    Whole,
    plan,
)
from routedb.planner.moments import find_moments
from routedb.sql import Table

ORDERS, PARTS, LEADS = Table(None, "orders"), Table(None, "parts"), Table(None, "leads")
HASH = ShardFunction("hash", "integer")
COLUMNS = {
    "postgresql": (
        Column("id", "bigint"),
        Column("cust", "integer"),
        Column("price", "numeric(10,2)"),
        Column("note", "text", "C"),
        Column("title", "text"),
        Column("size", "double precision"),
        Column("Odd Name", "integer"),
    ),
    "mysql": (
        Column("id", "bigint(20)"),
        Column("cust", "int(11)"),
        Column("note", "varchar(20)", "utf8mb4_bin"),
    ),
}


def planned(sql, dialect="postgresql", other=None):
    info = TableInfo(COLUMNS[dialect], ("id",))
    catalog = Catalog({"shop": {ORDERS: info, PARTS: info}, "crm": {LEADS: info}})
    places = {"shop": Place(dialect, 4), "crm": Place(other or dialect)}
    tables: dict[Table, Placement] = {
        ORDERS: Sharded("shop", "cust", HASH),
        PARTS: Copied("shop"),
        LEADS: Whole("crm"),
    }
    return plan(sql, dialect, catalog, Cluster(places, tables))


STREAMED = [
    ("SELECT id FROM orders ORDER BY id", False, False),
    ("SELECT id FROM orders ORDER BY id DESC", True, True),
    ("SELECT id FROM orders ORDER BY id DESC NULLS LAST", True, False),
    ("SELECT id FROM orders ORDER BY id NULLS FIRST", False, True),
    ("SELECT note FROM orders ORDER BY note", False, False),
    ("SELECT * FROM public.orders o ORDER BY o.cust", False, False),
]


@pytest.mark.parametrize(("sql", "is_descending", "nulls_first"), STREAMED)
def test_nulls_are_where_postgresql_has_them(sql, is_descending, nulls_first):
    made = planned(sql)
    assert made.merge is Merge.STREAM
    assert made.fragments[0].text.sql == sql
    (term,) = made.order
    assert (term.is_descending, term.nulls_first) == (is_descending, nulls_first)


def test_nulls_are_first_in_mysql():
    made = planned("SELECT id FROM orders ORDER BY id", "mysql")
    assert made.order[0].nulls_first


LOADED = [
    # Python orders these otherwise, or might.
    "SELECT title FROM orders ORDER BY title",
    "SELECT size FROM orders ORDER BY size",
    "SELECT price FROM orders ORDER BY price",
    # Another value on each shard.
    "SELECT id, current_user FROM orders",
    "SELECT user FROM orders",
    "SELECT id, note::date FROM orders",
    # Sets of rows of all shards.
    "SELECT DISTINCT ON (note) id FROM orders ORDER BY note, id",
    "SELECT id FROM orders ORDER BY id FETCH FIRST 2 ROWS WITH TIES",
    "SELECT note, count(*) FROM orders GROUP BY ROLLUP (note, cust)",
    "SELECT note, cust, count(*) FROM orders GROUP BY CUBE (note, cust)",
    "SELECT cust, count(*) FROM orders GROUP BY GROUPING SETS ((cust), ())",
    "SELECT id, count(*) OVER w FROM orders WINDOW w AS (PARTITION BY cust)",
    "SELECT sum(size), stddev(id) FROM orders",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FROM orders",
    "SELECT array_agg(id ORDER BY id) FROM orders",
    "SELECT o.id, x.n FROM orders o, LATERAL (SELECT count(*) n FROM parts) x",
    "SELECT id FROM orders WHERE price = ANY (SELECT price FROM leads)",
    "SELECT id FROM orders WHERE id > ALL (SELECT id FROM orders)",
    "SELECT o.id FROM orders o NATURAL JOIN parts p",
    "SELECT o.id FROM (orders o JOIN parts p ON o.id = p.id) JOIN leads l ON l.id = 1",
]


@pytest.mark.parametrize("sql", LOADED)
def test_what_is_not_certain_runs_over_loaded_rows(sql):
    made = planned(sql)
    assert not isinstance(made, Refusal), made
    assert made.merge is Merge.WORK
    assert made.remainder.relations
    assert made.remainder.text.sql.replace("routedb_r0_ AS ", "").startswith(sql[:16])
    assert made.kept


def test_the_text_is_the_users_own_but_for_names_of_tables():
    sql = 'SELECT o.id::text, l."Odd Name" -- why\nFROM public.orders o, leads l\n'
    where = "WHERE o.id = l.id AND l.note ~* %s AND o.note <> l.note || 'a%%b' AND "
    made = planned(f"{sql}{where}o.note <> 'a%%b'")
    text = made.remainder.text
    assert text.sql == (
        'SELECT o.id::text, l."Odd Name" -- why\nFROM routedb_r0_ o, routedb_r1_ l\n'
        f"{where}o.note <> 'a%%b'"
    )
    assert text.bind(["x"]) == ("x",)
    assert made.fragments[0].text.sql == (
        'SELECT "id", "note" FROM public.orders AS o WHERE o.note <> \'a%%b\''
    )


def test_sums_of_parts_are_of_the_type_of_the_whole():
    made = planned("SELECT note, sum(cust), count(*) n, avg(id) FROM orders GROUP BY 1")
    assert made.fragments[0].text.sql.startswith("SELECT")
    made = planned(
        "SELECT note, sum(cust), count(*) n, avg(id) FROM orders GROUP BY note"
    )
    assert [column.type for column in made.remainder.relations[0].columns] == [
        *("text", "bigint", "bigint", "numeric", "bigint")
    ]
    assert made.remainder.text.sql == (
        'SELECT routedb_c0 AS "note", CAST(SUM(routedb_c1) AS BIGINT) AS "sum", '
        "COALESCE(CAST(SUM(routedb_c2) AS BIGINT), 0) AS n, CAST(SUM(routedb_c3) AS "
        'DECIMAL) / NULLIF(SUM(routedb_c4), 0) AS "avg" FROM routedb_r0_ GROUP BY '
        "routedb_c0"
    )


def test_a_whole_row_and_a_star_need_all_columns():
    for sql in (
        "SELECT o FROM orders o, leads",
        "SELECT row_to_json(o) FROM orders o, leads",
        "SELECT o.* FROM orders o, leads",
        "SELECT 1 FROM orders o (a, b, c), leads",
    ):
        made = planned(sql)
        assert len(made.fragments[0].columns) == len(COLUMNS["postgresql"]), sql
        assert len(made.fragments[1].columns) == 1, sql


def test_group_by_a_key_needs_tables_that_have_it():
    made = planned("SELECT l.*, count(*) FROM leads l, orders GROUP BY l.id")
    assert made.remainder.needs_tables
    assert made.remainder.relations[0].primary_key == ("id",)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ("id", ()),
        ("now(), NOW(), current_timestamp(3)", ()),  # said as values: see moments
        ("'now()', \"now\"", ()),
        ("current_user, pg_catalog.now()", ("current_user", "now")),
    ],
)
def test_what_is_the_sessions_is_told(shown, words):
    made = planned(f"SELECT {shown} FROM orders o, leads l")
    assert made.remainder.session_words == words


@pytest.mark.parametrize("call", ["random()", "clock_timestamp()", "gen_random_uuid()"])
def test_what_is_another_at_each_call_is_refused(call):
    made = planned(f"SELECT id, {call} AS x FROM orders")
    assert isinstance(made, Refusal)
    assert made.construct == "volatile function"


@pytest.mark.parametrize(
    ("dialect", "sql", "marked"),
    [
        ("postgresql", "SELECT now()", "SELECT CAST('*' AS timestamptz) AS \"now\""),
        (
            "postgresql",
            "SELECT a - now() FROM t WHERE x.current_date < CURRENT_TIMESTAMP (3)",
            "SELECT a - CAST('*' AS timestamptz) FROM t "
            "WHERE x.current_date < CAST('*' AS timestamptz(3))",
        ),
        ("postgresql", "SELECT \"now\"(), 'now()' -- now()", None),
        ("mysql", "SELECT NOW( 3 )", "SELECT CAST('*' AS DATETIME(3)) AS `NOW( 3 )`"),
        ("mysql", "SELECT a FROM t WHERE now < CURDATE()", "CAST('*' AS DATE)"),
        ("mysql", "SELECT a FROM t WHERE curdate < 1 AND t.now > 2", None),
        ("sqlite", "SELECT date('now') AS d", "SELECT date('*') AS d"),
        ("sqlite", "SELECT date() AS d", "SELECT date('*') AS d"),
        ("sqlite", "SELECT strftime('%Y', 'NOW') AS d", "strftime('%Y', '*') AS d"),
        ("sqlite", "SELECT a FROM t WHERE a = 'now' AND date('2024') < b", None),
    ],
)
def test_times_are_marks_in_the_text(dialect, sql, marked):
    timed = find_moments(sql, dialect)
    if marked is None:
        assert timed.source == sql
        assert timed.moments == ()
    else:
        assert re.sub(r"routedb_moment_\d+_", "*", timed.source).endswith(marked)
        assert {each.mark for each in timed.moments} == set(
            re.findall(r"routedb_moment_\d+_", timed.source)
        )


def test_mysql_writes_names_its_own_way():
    made = planned("SELECT `id` FROM orders o, leads l WHERE l.`note` = 'x'", "mysql")
    assert made.fragments[1].text.sql == (
        "SELECT `id`, `note` FROM leads AS l WHERE l.`note` = 'x'"
    )
    assert "routedb_r1_ l" in made.remainder.text.sql


def test_a_shared_key_narrows_the_other_load():
    made = planned("SELECT 1 FROM leads l JOIN orders o ON o.cust = l.cust")
    leads, orders = made.fragments
    (side,) = orders.sideways
    assert (side.column, side.source) == ("o.cust", 0)
    assert leads.columns[side.source_column].name == "cust"
    narrow = orders.narrowed(side, ["1", "'b'"])
    assert narrow.text.sql.endswith("FROM orders AS o WHERE o.cust IN (1, 'b')")
    assert narrow.shown is not None
    assert narrow.shown.endswith("WHERE o.cust IN (/* keys: 2 */)")
