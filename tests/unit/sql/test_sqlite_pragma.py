"""PRAGMA in every spelling, and what SQLite itself makes of it."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing

import pytest

from routedb.sql import classify

from .seen import seen

READ, SET, WRITE = "plain read", "session; session set", "write"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("PRAGMA cache_size", READ),
        ("PRAGMA main.cache_size", READ),
        ("PRAGMA cache_size=-1", SET),
        ("PRAGMA cache_size=+5", SET),
        ("PRAGMA cache_size =- 1", SET),
        ("PRAGMA cache_size(-1)", SET),
        ("PRAGMA temp.cache_size=-5", SET),
        ("PRAGMA 'cache_size'=5", SET),
        ('PRAGMA"cache_size"=-5', SET),
        ("PRAGMA [main].[cache_size]=-5", SET),
        ("PRAGMA 'main'.`cache_size`(-5)", SET),
        ("PRAGMA main . cache_size = -2", SET),
        ("PRAGMA/**/cache_size/* */=/**/-2", SET),
        ("PRAGMA cache_size=--x\n-2", SET),
        ("PRAGMA writable_schema=-1", SET),
        ("PRAGMA shrink_memory", SET),
        ("PRAGMA nosuch", READ),
        ("PRAGMA nosuch=-1", SET),
        ("PRAGMA user_version", READ),
        ("PRAGMA user_version=-1", WRITE),
        ("PRAGMA USER_VERSION=+1", WRITE),
        ('PRAGMA "User_Version"(-1)', WRITE),
        ("PRAGMA 'main'.'user_version'=-5", WRITE),
        ("PRAGMA 'user_version'='5'", WRITE),
        ("PRAGMA application_id=-0x10", WRITE),
        ('PRAGMA "main"."journal_mode"=DELETE', WRITE),
        ("PRAGMA 'wal_checkpoint'", WRITE),
        ("PRAGMA main.[optimize]", WRITE),
        ("SELECT 1; PRAGMA user_version=-1", WRITE),
        ("PRAGMA table_info=t", "plain read: t"),
        ("PRAGMA 'main'.'table_info'('t')", "plain read: main.t"),
        ("PRAGMA quick_check([T])", "plain read: t"),
        ("PRAGMA integrity_check(100)", READ),
        ("PRAGMA integrity_check=-100", READ),
        ("PRAGMA index_info(i)", READ),
        ("PRAGMA user_version 5", "unknown"),
        ("PRAGMA a.b.c = 1", "unknown"),
        ("PRAGMA main.", "unknown"),
        ("PRAGMA'user_version'=5", "unknown"),
        ("PRAGMA = 5", "unknown"),
        ("PRAGMA ?", "unknown"),
        ("PRAGMA", READ),  # a syntax error on every node
    ],
)
def test_pragma(sql, expected):
    assert seen(sql, "sqlite") == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM pragma_optimize", WRITE),
        ("SELECT * FROM pragma_optimize(-1)", WRITE),
        ('SELECT * FROM "pragma_optimize"', WRITE),
        ("SELECT * FROM [Pragma_Optimize] AS o", WRITE),
        ("SELECT * FROM main.pragma_optimize", WRITE),
        ("SELECT * FROM t JOIN pragma_optimize o", "write: t"),
        ("SELECT x IN pragma_optimize FROM t", "write: t"),
        ("SELECT (SELECT 1 FROM t, pragma_optimize)", "write: t"),
        ("INSERT INTO t SELECT * FROM pragma_optimize", "write: +t"),
        ("SELECT * FROM pragma_table_list AS l, t", "plain read: t"),
        ("SELECT * FROM pragma_cache_size", READ),
        ("SELECT * FROM pragma_table_info('t')", READ),
        ("SELECT * FROM pragma_mine", "plain read: pragma_mine"),
        ("WITH pragma_optimize AS (SELECT 1) SELECT * FROM pragma_optimize", READ),
    ],
)
def test_a_pragma_may_stand_for_a_table(sql, expected):
    assert seen(sql, "sqlite") == expected


def test_sqlites_optimize_writes_as_a_table_too():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("CREATE TABLE t (x)")
        database.execute("CREATE INDEX i ON t (x)")
        database.execute("INSERT INTO t VALUES (1)")
        database.execute("ANALYZE")
        database.execute(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 9999)"
            " INSERT INTO t SELECT x FROM n"
        )
        database.execute("SELECT * FROM t WHERE x = 1").fetchall()
        database.execute("SELECT * FROM pragma_optimize").fetchall()
        [(found,)] = database.execute("SELECT stat FROM sqlite_stat1")
    assert found.startswith("10000 ")


def test_each_attached_database_has_settings_of_its_own():
    forms = ("cache_size", "main.cache_size", '"MAIN"."Cache_Size"', "aux.cache_size")
    found = [classify(f"PRAGMA {form} = 1", "sqlite").settings for form in forms]
    assert found == [("cache_size",)] * 3 + [("aux.cache_size",)]


QUOTES = ("{}", '"{}"', "[{}]", "`{}`", "'{}'")
SCHEMAS = ("", "main.", '"main".', "[main] . ", "`main`.", "'main'.")
VALUES = (
    "=5",
    "=-5",
    "=+5",
    " = - 5",
    "(5)",
    "(-5)",
    "(+5)",
    "='5'",
    '="5"',
    "=/**/-5",
)


@pytest.mark.parametrize("name", ["user_version", "cache_size", "application_id"])
def test_what_sqlite_takes_for_a_change_is_no_read(name):
    changed = 0
    with closing(sqlite3.connect(":memory:")) as database:
        for schema, quote, value in itertools.product(SCHEMAS, QUOTES, VALUES):
            database.execute(f"PRAGMA {name} = 77")
            sql = f"PRAGMA {schema}{quote.format(name)}{value}"
            database.execute(sql)
            is_changed = database.execute(f"PRAGMA {name}").fetchone() != (77,)
            changed += is_changed
            assert classify(sql, "sqlite").read_only is not is_changed, sql
    assert changed == len(SCHEMAS) * len(QUOTES) * len(VALUES)


# Operators, which no text calls as functions.
NOT_CALLED = {"->", "->>"}
# What acts, or is not the same on another link: not a plain read.
NOT_PLAIN = {
    *("last_insert_rowid", "changes", "total_changes", "load_extension"),
    *("fts3_tokenizer", "fts5", "optimize", "sqlite_log", "pragma_optimize"),
}


def test_every_built_in_function_is_known():
    with closing(sqlite3.connect(":memory:")) as database:
        rows = database.execute(
            "SELECT DISTINCT name, narg FROM pragma_function_list WHERE builtin"
        ).fetchall()
    assert len(rows) > 50
    for name, count in rows:
        if name in NOT_CALLED:
            continue
        arguments = ", ".join("x" * max(count, 0))
        for call in (f"{name}({arguments})", f'"{name.upper()}" ({arguments})'):
            statement = classify(f"SELECT {call} FROM t", "sqlite")
            assert not statement.asks, call
            assert statement.read_only is (name not in NOT_PLAIN), call


def test_every_pragma_that_is_a_function_reads():
    with closing(sqlite3.connect(":memory:")) as database:
        names = [n for (n,) in database.execute("SELECT name FROM pragma_pragma_list")]
        for name in names:
            sql = f"SELECT * FROM pragma_{name}()"
            try:
                database.execute(f"EXPLAIN {sql}")
            except sqlite3.OperationalError:
                continue  # there is no such function
            assert classify(sql, "sqlite").read_only is (name != "optimize"), sql


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT CAST(x AS text) FROM t", "plain read: t"),
        ("SELECT cast (x AS DECIMAL(10, 2)) FROM t", "plain read: t"),
        ("SELECT CAST((SELECT x FROM u) AS int) FROM t", "plain read: t, u"),
        ("SELECT CAST(f(x) AS int) FROM t", "read: t; asks f"),
        (
            "SELECT count(*) FILTER (WHERE x > 1) OVER (ORDER BY x) FROM t",
            "plain read: t",
        ),
        ("SELECT x -> '$.a', x ->> '$.b' FROM t", "plain read: t"),
        ("SELECT x COLLATE NOCASE FROM t", "plain read: t"),
        ("SELECT x FROM t WHERE x NOT LIKE('a') AND y GLOB('b')", "plain read: t"),
        ("SELECT x FROM t WHERE t MATCH('a') AND y REGEXP('b')", "plain read: t"),
        ("SELECT x LIKE 'a' ESCAPE ('b') FROM t", "plain read: t"),
        ("SELECT (1, 2) = (a, b), (a, b) IN (VALUES (1, 2)) FROM t", "plain read: t"),
        ("SELECT a IS NOT DISTINCT FROM b, a IS (b) FROM t", "plain read: t"),
        ("SELECT EXISTS(SELECT 1 FROM t), NOT EXISTS(SELECT 1)", "plain read: t"),
        ("SELECT x ISNULL, x NOTNULL, x NOT NULL, ~(x), -(x) FROM t", "plain read: t"),
        ("WITH c AS NOT MATERIALIZED (SELECT 1) SELECT * FROM c", READ),
        ("SELECT * FROM generate_series(1, 5), json_tree('[]')", READ),
        ("SELECT * FROM t INDEXED BY i WHERE (x)", "plain read: t"),
        ("SELECT x FROM t WHERE x IN (1) AND x BETWEEN (1) AND (2)", "plain read: t"),
        ("SELECT group_concat(x, ',' ORDER BY y) FROM t", "plain read: t"),
        ("SELECT RAISE(IGNORE)", "read; asks raise"),  # of triggers only
    ],
)
def test_what_looks_like_a_call(sql, expected):
    assert seen(sql, "sqlite") == expected
