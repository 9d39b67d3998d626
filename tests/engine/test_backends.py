"""A backend's number, when it comes back, reaches the node that it is of."""

from __future__ import annotations

import pytest

import routedb
from routedb.routing import Reason
from routedb.routing.backend_number import backend_numbers
from tests.support.fake_rig import farm, node_of, reason_of

NUMBER = 4711  # of a backend that nobody else has
OTHER = 4713  # of one on the other replica


@pytest.fixture
def told():
    """A cluster in which the program was told of a backend of replica r1."""
    with farm(consistency="eventual") as rig:
        ids = {node.name: node.id for node in rig.core.nodes}
        rig.core.backends.tell("postgresql", NUMBER, ids["r1"])
        rig.core.backends.tell("postgresql", OTHER, ids["r2"])
        yield rig


def asked(rig) -> list[str]:
    """Name the nodes that a statement about a backend has reached, once for each."""
    words = ("_backend(", "pg_stat_", "pg_locks")
    return [
        name
        for name, server in rig.servers.items()
        for text in server.texts
        if any(word in text for word in words)
    ]


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        (f"SELECT pg_terminate_backend({NUMBER})", None),
        (f"SELECT pg_cancel_backend('{NUMBER}')", None),
        ("SELECT pg_terminate_backend(%s)", (NUMBER,)),
        ("SELECT pg_terminate_backend(%s, %s)", (NUMBER, 100)),
        ("SELECT %s, pg_catalog.pg_cancel_backend(%s)", (1, NUMBER)),
        ("SELECT pg_terminate_backend(%(pid)s::int)", {"pid": NUMBER}),
        ("SELECT pg_log_backend_memory_contexts(%s)", (NUMBER,)),
        ("SELECT pg_blocking_pids(%s)", (NUMBER,)),
        ("SELECT state FROM pg_stat_activity WHERE pid = %s", (str(NUMBER),)),
        (f"SELECT 1 FROM pg_stat_activity a WHERE a.pid={NUMBER}", None),
        ("SELECT 1 FROM pg_locks WHERE granted AND pid IN (%s)", (NUMBER,)),
        ("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", ([NUMBER],)),
        (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s",
            (NUMBER,),
        ),
        ("SELECT pg_terminate_backend(pid => %s)", (NUMBER,)),
        ("SELECT pg_terminate_backend(pid := %s, timeout := 5)", (NUMBER,)),
        ('SELECT "pg_cancel_backend"(CAST(%s AS int))', (NUMBER,)),
        ("SELECT 1 FROM pg_stat_activity WHERE %s = pid", (NUMBER,)),
        ("SELECT 1 FROM pg_locks l WHERE granted = %s AND %s = l.pid", (True, NUMBER)),
        (f'SELECT 1 FROM pg_stat_activity a WHERE {NUMBER}::int = a."pid"', None),
        ("SELECT 1 FROM pg_locks WHERE pid = CAST(%(n)s AS int)", {"n": NUMBER}),
        ("SELECT 1 FROM pg_locks WHERE pid = ANY (ARRAY[%s])", (NUMBER,)),
        (f"SELECT 1 FROM pg_locks WHERE pid = ANY('{{{NUMBER}}}')", None),
        ("SELECT 1 FROM pg_locks WHERE pid IN (1, %s, 2)", (NUMBER,)),
        ("SELECT 1 FROM pg_stat_activity WHERE pid IN (VALUES (%s))", (NUMBER,)),
        ("SELECT 1 FROM pg_locks WHERE pid BETWEEN %s AND %s", (NUMBER, NUMBER)),
        ("SELECT 1 FROM pg_stat_activity WHERE pid::text = %s", (str(NUMBER),)),
        (f"SELECT 1 FROM pg_locks WHERE CAST(pid AS text) = '{NUMBER}'", None),
        ("SELECT 1 FROM pg_locks WHERE (pid, granted) = (%s, true)", (NUMBER,)),
        ("SELECT 1 FROM pg_locks WHERE (l.pid, mode) IN ((%s, 'x'))", (NUMBER,)),
        ("SELECT 1 FROM pg_stat_activity WHERE pid = (SELECT %s)", (NUMBER,)),
        ("SELECT 1 FROM pg_stat_activity WHERE pid = SOME (%s)", ([NUMBER],)),
        ("SELECT 1 FROM pg_locks WHERE pid IN (SELECT CAST(%s AS int))", (NUMBER,)),
        ("SELECT state FROM pg_stat_get_activity(%s)", (NUMBER,)),
        # Not in its place: what ends a backend looks everywhere.
        (f"SELECT pg_terminate_backend(p) FROM (VALUES ({NUMBER})) v(p)", None),
        ("SELECT pg_terminate_backend(p) FROM unnest(%s) p", ([NUMBER, NUMBER],)),
        (f"SELECT pg_cancel_backend(/* it */ {NUMBER})", None),
        (f"SELECT pg_cancel_backend(+{NUMBER})", None),
        ("SELECT pg_cancel_backend(p) FROM (SELECT %(n)s AS p) x", {"n": NUMBER}),
        ("SELECT pg_cancel_backend((SELECT %s))", (str(NUMBER),)),
        (
            "SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity a "
            f"JOIN (VALUES ({NUMBER})) v(p) ON a.pid = v.p",
            None,
        ),
    ],
)
def test_who_asks_for_a_backend_reaches_its_node(told, sql, params):
    cursor = told.connect().cursor()
    cursor.execute(sql, params)
    assert (node_of(cursor), reason_of(cursor)) == ("r1", Reason.PINNED)


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT pg_terminate_backend(4712)", None),
        ("SELECT pg_terminate_backend(%s)", (None,)),
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity", None),
        ("SELECT 1 FROM pg_stat_activity WHERE pid <> %s", (NUMBER,)),
        ("SELECT 1 FROM pg_stat_activity WHERE pid = pg_backend_pid()", None),
        ("SELECT 1 FROM pg_stat_activity WHERE usename = %s", (NUMBER,)),
    ],
)
def test_another_one_is_the_writers(told, sql, params):
    cursor = told.connect().cursor()
    cursor.execute(sql, params)
    assert node_of(cursor) == "w"


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        (f"SELECT pg_cancel_backend({NUMBER}), pg_cancel_backend({OTHER})", None),
        (f"SELECT pg_cancel_backend({NUMBER}); SELECT pg_cancel_backend(7)", None),
        ("SELECT 1 FROM pg_stat_activity WHERE pid IN (%s, %s)", (NUMBER, OTHER)),
        ("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", ([OTHER, NUMBER],)),
        (f"SELECT 1 FROM pg_locks WHERE pid = {NUMBER} OR pid = {OTHER}", None),
        (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid IN (%s, 7)",  # nobody was told of it: it is the writer's
            (NUMBER,),
        ),
        ("SELECT pg_terminate_backend(p) FROM unnest(%s) p", ([NUMBER, OTHER],)),
    ],
)
def test_backends_of_several_nodes_are_refused(told, sql, params):
    cursor = told.connect().cursor()
    with pytest.raises(routedb.CrossDatabaseError, match="of several nodes"):
        cursor.execute(sql, params)
    assert not asked(told)


def test_each_set_of_parameters_reaches_the_node_that_it_is_about(told):
    cursor = told.connect().cursor()
    cursor.executemany("SELECT pg_cancel_backend(%s)", [(NUMBER,), (OTHER,), (7,)])
    assert asked(told) == ["w", "r1", "r2"]


def test_a_question_to_a_role_that_is_named_stays_with_it(told):
    connection = told.connect()
    cursor = connection.cursor()
    with connection.using(role="writer"):
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (NUMBER,))
    assert node_of(cursor) == "w"


def test_a_transaction_elsewhere_refuses_it(told):
    connection = told.connect()
    connection.autocommit = False
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(routedb.CrossDatabaseError, match="runs on w"):
        cursor.execute("SELECT pg_terminate_backend(%s)", (NUMBER,))


def test_what_a_statement_tells_of_its_backend_is_known_to_other_connections():
    with farm(consistency="eventual") as rig:
        cursor = rig.connect().cursor()
        cursor.execute("/* routedb: role=replica */ SELECT pg_backend_pid()")
        there = node_of(cursor)
        link = cursor.link
        assert link is not None
        number = link.raw.number
        assert rig.core.backends.node_of("postgresql", number) == link.id
        other = rig.connect().cursor()
        other.execute("SELECT pg_terminate_backend(%s)", (number,))
        assert node_of(other) == there != "w"


@pytest.mark.parametrize(
    ("sql", "params", "number"),
    [
        ("KILL 7", None, 7),
        ("KILL HARD 7", None, 7),
        ("KILL SOFT CONNECTION 7", None, 7),
        ("kill query %s", (7,), 7),
        ("KILL QUERY ID 7", None, None),
        ("KILL USER foo", None, None),
        ("SELECT * FROM information_schema.processlist WHERE id = 7", None, 7),
        ("SELECT * FROM information_schema.processlist WHERE `ID` IN (%s)", (7,), 7),
        ("SELECT * FROM performance_schema.threads WHERE processlist_id=7", None, 7),
        ("SHOW EXPLAIN FOR 7", None, 7),
        ("SHOW ANALYZE FORMAT=JSON FOR 7", None, 7),
        ("EXPLAIN FOR CONNECTION 7", None, 7),
        ("EXPLAIN FORMAT = JSON FOR CONNECTION %s", (7,), 7),
        ("KILL @x", None, None),
        ("KILL CONNECTION_ID()", None, None),
        ("KILL QUERY (%s + 0)", (7,), 7),
        ("KILL(7)", None, 7),
        ('EXPLAIN FORMAT="json" FOR CONNECTION 7', None, 7),
        ("EXPLAIN FORMAT=JSON INTO @x FOR CONNECTION %s", (7,), 7),
        ("SELECT 1 FROM information_schema.processlist WHERE %s = ID", (7,), 7),
        ("SELECT 1 FROM information_schema.processlist p WHERE 7 = p.`id`", None, 7),
        ("SELECT 1 FROM pg_stat_activity WHERE a7 = pid", None, None),
    ],
)
def test_the_number_in_a_text(sql, params, number):
    assert backend_numbers(sql, params) == ([] if number is None else [number])
