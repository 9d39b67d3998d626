"""In a shadow everything runs on a writer, and nothing else changes."""

from __future__ import annotations

import pytest

import routedb
from routedb.routing import Reason
from routedb.routing.plan import ParsedText, Plan

HOMES = [
    ("SELECT a FROM t", "main-w"),
    ("SELECT a FROM t /* routedb: role=replica */", "main-w"),
    ("SELECT a FROM t /* routedb: role=banana */", "main-w"),
    ("SELECT a FROM t /* routedb: consistency=eventual */", "main-w"),
    ("SELECT a FROM t /* routedb: database=nowhere */", "main-w"),
    ("SELECT a FROM t /* routedb: database=crm */", "crm-w"),
    ("SELECT a FROM crm_people", "crm-w"),
    ("INSERT INTO crm_people VALUES (1)", "crm-w"),
    ("SELECT a FROM t JOIN crm_people USING (id)", "main-w"),
    ("UPDATE t SET a = 1 WHERE id IN (SELECT id FROM crm_people)", "main-w"),
    ("SELECT 1", "main-w"),
    ("SELECT a FROM orders WHERE id = 1", "o1"),
]


@pytest.mark.parametrize(("sql", "home"), HOMES)
def test_each_statement_runs_on_one_writer(shadow, servers, sql, home):
    cursor = shadow.cursor()
    cursor.execute(sql)
    assert cursor.node.name == home
    assert cursor.route.reasons[-1][0] is Reason.SHADOW
    assert [name for name, server in servers.items() if sql in server.texts] == [home]


def test_a_shard_is_not_guessed_in_a_shadow_either(shadow, servers):
    with pytest.raises(routedb.ShardError):
        shadow.cursor().execute("UPDATE orders SET a = 1 LIMIT 1")
    assert not any(
        "UPDATE orders SET a = 1 LIMIT 1" in s.texts for s in servers.values()
    )


def test_without_a_default_a_statement_for_two_databases_is_refused(open_shadow):
    tables = {"t": "main", "crm_*": "crm"}
    cluster = open_shadow(default=None, tables=tables)
    cursor = cluster.connect(autocommit=True).cursor()
    with pytest.raises(routedb.CrossDatabaseError):
        cursor.execute("SELECT a FROM t, crm_people")


@pytest.mark.parametrize("role", ["replica", "writer"])
def test_using_chooses_the_database_and_not_the_role(shadow, role):
    cursor = shadow.cursor()
    with shadow.using("crm", role=role, consistency="eventual"):
        for sql in ("SELECT 1", "SELECT a FROM t", "INSERT INTO t VALUES (1)"):
            cursor.execute(sql)
            assert cursor.node.name == "crm-w"


def test_a_transaction_declared_read_only_runs_on_the_writer(shadow):
    cursor = shadow.cursor()
    cursor.execute("BEGIN READ ONLY")
    cursor.execute("SELECT a FROM t")
    assert cursor.node.name == "main-w"
    assert cursor.fetchall() == [(1,)]
    cursor.execute("COMMIT")


def test_a_transaction_that_would_write_twice_stays_where_it_is(shadow, servers):
    shadow.autocommit = False
    cursor = shadow.cursor()
    cursor.execute("INSERT INTO t VALUES (1)")
    cursor.execute("INSERT INTO crm_people VALUES (1)")
    shadow.commit()
    log = servers["main-w"].texts
    assert "INSERT INTO crm_people VALUES (1)" in log
    assert log[-1] == "COMMIT"


def test_executemany_and_settings_go_their_usual_way(shadow, servers):
    cursor = shadow.cursor()
    cursor.execute("SET work_mem = '1MB'")
    cursor.executemany("INSERT INTO t VALUES (%s)", [(1,), (2,)])
    cursor.executemany("INSERT INTO orders (id) VALUES (%s)", [(2,), (3,)])
    assert servers["main-w"].texts.count("INSERT INTO t VALUES (%s)") == 2
    for name in ("o0", "o1"):
        texts = servers[name].texts
        assert texts.count("INSERT INTO orders (id) VALUES (%s)") == 1
        assert "SET work_mem = '1MB'" not in texts or texts[0].startswith("SET")


def test_explain_tells_where_it_would_go(shadow):
    assert str(shadow.explain("SELECT a FROM t").route) == "main replica"
    with pytest.raises(routedb.CrossDatabaseError):
        shadow.explain("SELECT a FROM t, crm_people")


def test_without_a_shadow_texts_and_plans_are_the_usual_ones(open_shadow):
    connection = open_shadow(shadow=False).connect(autocommit=True)
    text = connection.session.learn("SELECT a FROM t")
    assert type(text) is ParsedText
    assert type(text.plan) is Plan
    assert text.plan.is_simple
