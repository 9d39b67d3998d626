"""EXPLAIN of statements over several groups, and `conn.explain()` of them."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pytest

import routedb
from routedb.merge.refused import NotMerged
from routedb.merge.server_plans import server_lines, split_explain
from tests.frontends.merged_world import lite_world, mysql_world, postgresql_world

JOIN = "SELECT i.id, l.src FROM items i JOIN leads l ON l.owner = i.owner"
COUNT = "SELECT count(*) FROM items WHERE id > %s"


@pytest.fixture
def lite(tmp_path):
    with ExitStack() as stack:
        yield lite_world(tmp_path, stack)


@pytest.fixture
def on_postgresql(postgresql):
    with ExitStack() as stack:
        yield postgresql_world(postgresql, stack)


@pytest.fixture
def on_mysql(mariadb):
    with ExitStack() as stack:
        yield mysql_world(mariadb, stack)


@pytest.mark.parametrize(
    ("source", "dialect", "prefix", "runs"),
    [
        ("EXPLAIN SELECT 1", "postgresql", "EXPLAIN ", False),
        ("explain analyze SELECT 1", "postgresql", "explain analyze ", True),
        ("EXPLAIN VERBOSE SELECT 1", "postgresql", "EXPLAIN VERBOSE ", False),
        ("EXPLAIN ANALYSE VERBOSE SELECT 1", "postgresql", None, True),
        ("EXPLAIN (COSTS OFF) SELECT 1", "postgresql", "EXPLAIN (COSTS OFF) ", False),
        ("EXPLAIN (ANALYZE) SELECT 1", "postgresql", "EXPLAIN (ANALYZE) ", True),
        ("EXPLAIN (ANALYZE false) SELECT 1", "postgresql", None, False),
        ("EXPLAIN (FORMAT TEXT) SELECT 1", "postgresql", None, False),
        ("EXPLAIN (SELECT 1)", "postgresql", "EXPLAIN ", False),
        ("/* a */ EXPLAIN -- b\n SELECT 1", "postgresql", None, False),
        ("EXPLAIN SELECT 1", "mysql", "EXPLAIN ", False),
        ("DESC SELECT 1", "mysql", "DESC ", False),
        ("ANALYZE SELECT 1", "mysql", "ANALYZE ", True),
        ("EXPLAIN EXTENDED SELECT 1", "mysql", "EXPLAIN EXTENDED ", False),
        ("EXPLAIN FORMAT=TREE SELECT 1", "mysql", "EXPLAIN FORMAT=TREE ", False),
        ("EXPLAIN QUERY PLAN SELECT 1", "sqlite", "EXPLAIN QUERY PLAN ", False),
    ],
)
def test_an_explain_is_taken_apart(source, dialect, prefix, runs):
    found = split_explain(source, dialect)
    assert found.inner.strip("()") == "SELECT 1"
    assert found.prefix + found.inner == source
    assert prefix in (None, found.prefix)
    assert found.runs is runs


@pytest.mark.parametrize(
    ("source", "dialect"),
    [
        ("EXPLAIN (FORMAT JSON) SELECT 1", "postgresql"),
        ("EXPLAIN (ANALYZE, FORMAT 'yaml') SELECT 1", "postgresql"),
        ("EXPLAIN FORMAT=JSON SELECT 1", "mysql"),
        ("EXPLAIN SELECT 1", "sqlite"),
    ],
)
def test_what_is_no_text_is_refused(source, dialect):
    with pytest.raises(NotMerged):
        split_explain(source, dialect)


def test_the_lines_of_servers():
    assert server_lines([("QUERY PLAN",)], [("a\nb",), ("c",)]) == ("a", "b", "c")
    names = [("id",), ("parent",), ("notused",), ("detail",)]
    rows = [(4, 0, 0, "x"), (9, 4, 0, "y"), (12, 0, 0, "z")]
    assert server_lines(names, rows) == ("x", "  y", "z")
    assert server_lines([("id",), ("key",)], [(1, None), (2, "k")]) == (
        "id=1",
        "id=2, key=k",
    )


def test_on_sqlite_it_has_the_shape_of_a_query_plan(lite):
    cursor = lite.routed.cursor()
    cursor.execute(f"EXPLAIN QUERY PLAN {JOIN}")
    names = [column[0] for column in cursor.description]
    assert names == ["id", "parent", "notused", "detail"]
    rows = cursor.fetchall()
    texts = [row[3] for row in rows]
    assert texts[0] == "a statement over the rows of all groups"
    assert texts.count("SCAN i") == 2
    assert texts.count("SCAN l") == 1
    known = {0}
    for number, parent, _, _ in rows:
        assert parent in known
        known.add(number)
    with pytest.raises(routedb.CrossDatabaseError, match="QUERY PLAN"):
        cursor.execute(f"EXPLAIN {JOIN}")


@pytest.mark.parametrize(
    ("sql", "params", "said"),
    [
        (f"EXPLAIN {JOIN}", None, "Seq Scan on public.items"),
        (f"EXPLAIN (COSTS OFF) {COUNT}", (3,), "Aggregate"),
        (f"EXPLAIN ANALYZE {COUNT}", (3,), "actual time"),
        (f"EXPLAIN (ANALYZE, BUFFERS) {JOIN}", None, "Execution Time"),
        ("EXPLAIN SELECT id FROM items ORDER BY id", None, "order: column 1"),
    ],
)
def test_on_postgresql_it_has_one_column(on_postgresql, sql, params, said):
    cursor = on_postgresql.routed.cursor()
    cursor.execute(sql, params)
    ((name, kind, *_),) = cursor.description
    assert (name, kind) == ("QUERY PLAN", 25)
    text = "\n".join(row[0] for row in cursor.fetchall())
    assert said.replace("public.", "") in text
    assert text.count("says") == (3 if "leads" in sql else 2)
    assert ("rows: " in text) == ("ANALYZE" in sql)
    cursor.execute(COUNT, (3,))
    assert cursor.fetchall() == [(8,)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (f"EXPLAIN {JOIN}", "table=routedb_f"),
        (f"DESCRIBE {JOIN}", "select_type=SIMPLE"),
        (f"ANALYZE {JOIN}", "r_rows="),
        ("EXPLAIN SELECT count(*) FROM items", "merge: combine"),
    ],
)
def test_on_mysql_it_has_one_column(on_mysql, sql, said):
    cursor = on_mysql.routed.cursor()
    cursor.execute(sql)
    assert [column[0] for column in cursor.description] == ["EXPLAIN"]
    text = "\n".join(row[0] for row in cursor.fetchall())
    assert said.replace("table=routedb_f", "table=") in text


def test_it_is_explained_and_analyzed_by_the_connection(on_postgresql):
    connection = on_postgresql.routed
    shown = connection.explain(COUNT, (3,))
    assert "merge: combine" in str(shown)
    assert [node.name for node in shown.nodes]
    assert "rows" not in dict(shown.plan.facts)
    shown = connection.explain(JOIN, analyze=True)
    assert dict(shown.plan.facts)["rows"] == 5
    assert len(shown.route.fragments) == 3
    alone = connection.explain("SELECT src FROM leads", analyze=True)
    assert dict(alone.plan.facts)["rows"] == 4
    with pytest.raises(routedb.NotSupportedError):
        connection.explain("DELETE FROM leads", analyze=True)


CHANGES = [
    (
        "DELETE FROM leads WHERE owner IN (SELECT id FROM places)",
        "rows of other groups",
    ),
    ("UPDATE items SET price = 0 WHERE owner IN (SELECT owner FROM leads)", "rows of"),
    (
        "UPDATE leads SET src = i.name FROM items i WHERE i.id = leads.id",
        "rows of other",
    ),
    ("INSERT INTO leads SELECT id + 50, owner, 'x' FROM items", "the rows of a query"),
    (
        "INSERT INTO items (id, owner) SELECT id + 50, 3 FROM leads",
        "the rows of a query are dealt to their shards",
    ),
    ("INSERT INTO places SELECT id + 50, src FROM leads", "each shard gets the rows"),
    ("CREATE TABLE web AS SELECT id, name FROM items", "the rows of a query"),
]


@pytest.mark.parametrize(("sql", "said"), CHANGES)
def test_a_change_is_explained_as_it_runs(lite, sql, said):
    connection = lite.routed
    shown = connection.explain(sql)
    assert shown.plan.title.startswith(said)
    assert shown.shows_plan
    assert shown.nodes
    *_, last = shown.plan.steps
    assert last.title.startswith("the statement, with these rows")
    cursor = connection.cursor()
    cursor.execute(sql)
    assert cursor.route.database == shown.database
    assert set(cursor.route.groups) <= set(shown.groups)
    assert cursor.route.role == shown.role


REFUSED = [
    "CREATE TABLE web AS SELECT id, random() AS r FROM items JOIN leads USING (id)",
    "INSERT INTO leads SELECT i.id, random(), 'x' FROM items i JOIN leads USING (id)",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_refused_is_refused_by_its_explanation(lite, sql):
    with pytest.raises(routedb.Error) as asked:
        lite.routed.explain(sql)
    with pytest.raises(routedb.Error) as run:
        lite.routed.cursor().execute(sql)
    assert str(asked.value) == str(run.value)
    assert type(asked.value) is type(run.value)


def test_a_change_in_another_dialect_is_explained(postgresql, mariadb):
    with ExitStack() as stack:
        home = stack.enter_context(postgresql.database())
        database = stack.enter_context(mariadb.database())
        database.execute("CREATE TABLE leads (id int PRIMARY KEY, src varchar(9))")
        source = {
            "default": "shop",
            "databases": {
                "shop": {"nodes": [home.writer_dsn]},
                "crm": {"nodes": [database.writer_dsn]},
            },
            "tables": {"leads": "crm"},
        }
        cluster = stack.enter_context(closing(routedb.Cluster(source)))
        connection = stack.enter_context(closing(cluster.connect(autocommit=True)))
        shown = connection.explain("UPDATE leads SET src = upper(src)")
    assert shown.database == "crm"
    assert "mysql" in shown.plan.title
