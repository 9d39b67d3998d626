"""What a shadow counts: the routes that statements would have taken."""

from __future__ import annotations

import os
import threading

import pytest

import routedb
from routedb.engine.plans.tally import TALLY, Tally, shown
from routedb.errors import ShardError
from routedb.sql import scan
from routedb.topology.snapshot import Role


def counted():
    """The lines of the report, without their reasons."""
    return [
        (line.count, line.database or line.refusal, line.role)
        for line in routedb.report().lines
    ]


WOULD = [
    ("SELECT a FROM t", "main", Role.REPLICA),
    ("SELECT a FROM t /* routedb: role=writer */", "main", Role.WRITER),
    ("SELECT a FROM crm_people", "crm", Role.REPLICA),
    ("UPDATE t SET a = 1", "main", Role.WRITER),
    ("SELECT a FROM orders WHERE id = 1", "orders", Role.WRITER),
    ("SELECT a FROM t, crm_people", "CrossDatabaseError", None),
    ("UPDATE crm_people SET a = 1", "ReadOnlyError", None),
    ("SELECT a FROM t /* routedb: role=banana */", "HintError", None),
]


@pytest.mark.parametrize(("sql", "where", "role"), WOULD)
def test_a_statement_counts_where_it_would_go(shadow, sql, where, role):
    cursor = shadow.cursor()
    for _ in range(3):
        cursor.execute(sql)
    assert counted() == [(3, where, role)]


def test_what_is_refused_all_the_same_counts_too(shadow):
    with pytest.raises(routedb.ShardError):
        shadow.cursor().execute("UPDATE orders SET a = nextval('s')")
    assert counted() == [(1, "ShardError", None)]


def test_a_read_only_transaction_would_stay_on_a_replica(shadow):
    cursor = shadow.cursor()
    cursor.execute("BEGIN READ ONLY")
    for _ in range(2):
        cursor.execute("SELECT a FROM t")
    cursor.execute("COMMIT")
    assert counted() == [(2, "main", Role.REPLICA)]


def test_a_transaction_s_second_database_would_be_refused(open_shadow):
    databases = {name: {"nodes": [f"fake://{name}-w"]} for name in ("main", "crm")}
    tables = {"crm_*": "crm"}
    cluster = open_shadow(databases=databases, tables=tables, transactions="single")
    connection = cluster.connect()
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (1)")
    cursor.execute("INSERT INTO crm_people VALUES (1)")
    [refused, fine] = routedb.report().lines
    assert (refused.refusal, refused.count) == ("CrossDatabaseError", 1)
    assert "this transaction is on main" in refused.reason
    assert (fine.database, fine.count) == ("main", 1)


def test_what_this_session_wrote_it_would_read_from_the_writer(shadow):
    cursor = shadow.cursor()
    cursor.execute("UPDATE t SET a = 1")
    cursor.execute("SELECT a FROM t")
    reasons = {line.reason for line in routedb.report().lines}
    assert reasons == {
        "UPDATE writes",
        "no replica is known to hold what this session has seen",
    }


def test_the_report_is_of_all_connections_and_sums_up(open_shadow):
    cluster = open_shadow()
    for _ in range(2):
        cursor = cluster.connect(autocommit=True).cursor()
        cursor.execute("SELECT a FROM t WHERE id = 1")
        cursor.execute("SELECT a FROM t WHERE id = 2")
        cursor.execute("SELECT a FROM crm_people, t")
    report = routedb.report()
    assert (report.total, report.refused) == (6, 2)
    assert report.roles == {"replica": 4, "writer": 0}
    assert report.databases == {"main": 4}
    assert len(report.lines) == 2


BATCHES = [
    ("INSERT INTO t VALUES (%s)", [(1,), (2,)], 1),  # one call on one server
    ("INSERT INTO orders (id) VALUES (%s)", [(1,), (2,), (3,)], 3),
    ("INSERT INTO orders (id) VALUES (%s), (%s)", [(1, 2), (3, 4)], 2),
]


@pytest.mark.parametrize(("sql", "rows", "count"), BATCHES)
def test_a_batch_counts_its_calls_or_on_shards_its_rows(shadow, sql, rows, count):
    shadow.cursor().executemany(sql, rows)
    assert routedb.report().total == count


def test_a_refused_batch_counts_too(shadow):
    with pytest.raises(routedb.ShardError):
        shadow.cursor().executemany("UPDATE orders SET a = %s LIMIT 1", [(1,), (2,)])
    # Over several groups each of a batch runs by itself: the first is refused.
    assert counted() == [(1, "ShardError", None)]


def test_a_cluster_that_is_no_shadow_counts_where_statements_went(open_shadow):
    cluster = open_shadow(shadow=False)
    cursor = cluster.connect(autocommit=True).cursor()
    for _ in range(20):
        cursor.execute("SELECT a FROM t WHERE id = 7")
    cursor.execute("UPDATE t SET a = 1")
    cursor.execute("BEGIN")
    expected = [(20, "main", Role.REPLICA), (1, "main", Role.WRITER)]
    assert counted() == expected
    assert routedb.report().replica_share == 20 / 21
    cluster.close()
    assert counted() == expected


def test_plans_that_are_forgotten_leave_their_counts(open_shadow):
    cluster = open_shadow(shadow=False, max_shapes=4)
    cursor = cluster.connect(autocommit=True).cursor()
    for column in "abcdefgh":
        cursor.execute(f"SELECT {column} FROM t")
    cursor.execute("SELECT a FROM t")
    assert {line.count for line in routedb.report().lines} == {1, 2}
    assert routedb.report().total == 9


PRINTED = """\
count  database  role                reason       statement
    1  refused   CrossDatabaseError  {reason}  SELECT a FROM t, crm_people
    2  main      replica             {plain}  SELECT a FROM t WHERE id = ?

3 statements of 2 shapes: 2 (66.7%) replica, 0 (0.0%) writer, 1 (33.3%) refused
databases: 2 (66.7%) main"""


def test_it_prints_as_a_table(shadow):
    cursor = shadow.cursor()
    cursor.execute("SELECT a FROM t, crm_people")
    for number in (1, 2):
        cursor.execute(f"SELECT a FROM t WHERE id = {number}")
    report = routedb.report()
    reason = report.lines[0].reason
    header, *rows = PRINTED.splitlines()
    header = header.replace("reason     ", "reason".ljust(len(reason)))
    plain = "plain read".ljust(len(reason))
    expected = [header, *(r.format(reason=reason, plain=plain) for r in rows)]
    assert str(report).splitlines() == expected


def test_an_empty_report_prints():
    assert str(routedb.Report()).endswith("databases: none")


SHOWN = [
    ("SELECT 'secret', 12, 1.5e3 FROM t0", "SELECT ?, … FROM t0"),
    ("ALTER USER u PASSWORD 'secret'", "ALTER USER u PASSWORD ?"),
    ("SELECT a FROM t WHERE id IN (1, 2, 3)", "SELECT a FROM t WHERE id IN (?)"),
    ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (?)"),
    ("INSERT INTO t VALUES (1), (2)", "INSERT INTO t VALUES (?)"),
    (
        "SELECT a FROM t WHERE b = $1 AND c = %s",
        "SELECT a FROM t WHERE b = $1 AND c = %s",
    ),
    (
        "SELECT a WHERE b IN ($1,$2) OR c IN (%s, %s)",
        "SELECT a WHERE b IN ($1, …) OR c IN (?)",
    ),
    ("SET x = 'secret', transaction_y = 'z'", "SET x = ?, transaction_y = ?"),
    ("SELECT 'open", "(cannot be read: unterminated quote)"),
]


@pytest.mark.parametrize(("sql", "text"), SHOWN)
def test_no_literal_is_shown(sql, text):
    assert shown(scan(sql, "postgresql").shape) == text


def test_a_refusal_shows_no_password():
    tally = Tally()
    tally.refuse("SELECT", ShardError("of postgresql://app:s3cret@db1/shop"))
    assert "s3cret" not in str(tally.report())


def test_threads_lose_no_count(shadow):
    [route] = {shadow.explain("SELECT a FROM t").route}

    def count():
        for _ in range(1000):
            TALLY.add("SELECT a FROM t", route)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert routedb.report().total == 4000


def test_lines_are_bounded(shadow, monkeypatch):
    monkeypatch.setattr("routedb.engine.plans.tally._MOST_LINES", 2)
    cursor = shadow.cursor()
    for name in "abcd":
        cursor.execute(f"SELECT {name} FROM t")
    report = routedb.report()
    assert report.total == 4
    assert {line.shape for line in report.lines} == {
        "SELECT a FROM t",
        "SELECT b FROM t",
        "(other statements)",
    }


def test_a_forked_child_counts_its_own(shadow):
    shadow.cursor().execute("SELECT a FROM t")
    child = os.fork()
    if child == 0:
        os._exit(routedb.report().total)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert routedb.report().total == 1
