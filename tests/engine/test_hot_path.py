"""The hot path and the long way decide alike, whatever came before."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

import routedb
from routedb.engine.fast_path import YOUNG
from routedb.engine.route.explain import Explanation, explain
from routedb.topology import Role
from tests.support.fake_rig import farm

STATEMENTS = [
    "SELECT a FROM t",
    "SELECT a FROM t WHERE id = %s",
    "SELECT 1",
    "SELECT a FROM t FOR UPDATE",
    "SELECT a FROM t /* routedb: role=writer */",
    "SELECT a FROM t /* routedb: role=replica */",
    "INSERT INTO t VALUES (%s)",
    "SELECT nextval('s')",
    "SHOW work_mem",
    "CREATE TABLE u (i int)",
]
CONTROL = ["BEGIN", "BEGIN READ ONLY", "COMMIT", "ROLLBACK", "SET a = 1", "SAVEPOINT s"]
ACTS = ["lose r1", "lose r2", "lose w", "stop r1", "start r1", "look", "commit()"]
ROLES = [None, "writer", "replica"]
CONSISTENCIES = [None, "session", "eventual", "strong"]

steps = st.lists(st.sampled_from(STATEMENTS + CONTROL + ACTS), max_size=12)
turns = st.sampled_from([0, YOUNG])  # later, reads stay with a replica
options = st.fixed_dictionaries(
    {},
    optional={
        "reads": st.sampled_from(["replica", "writer"]),
        "consistency": st.sampled_from(["session", "process", "eventual", "strong"]),
        "transaction_reads": st.sampled_from(["writer", "replica"]),
    },
)


def act(rig, connection, what):
    verb, _, name = what.partition(" ")
    if verb == "lose":
        rig.servers[name].drop_links()
    elif verb == "stop":
        rig.servers[name].stop()
    elif verb == "start":
        rig.servers[name].start()
    elif verb == "look":
        rig.look()
    else:
        connection.commit()


def run(cursor, sql):
    cursor.execute(sql, (1,) if "%s" in sql else None)


def take(rig, connection, cursor, step):
    if step in ACTS:
        act(rig, connection, step)
    else:
        run(cursor, step)


@settings(max_examples=150, deadline=None)
@given(
    options=options,
    before=steps,
    sql=st.sampled_from(STATEMENTS),
    role=st.sampled_from(ROLES),
    consistency=st.sampled_from(CONSISTENCIES),
    autocommit=st.booleans(),
    turn=turns,
)
def test_both_take_the_same_route(
    options, before, sql, role, consistency, autocommit, turn
):
    with farm(**options) as rig:
        connection = rig.connect(autocommit)
        connection.session.turn = turn
        cursor = connection.cursor()
        for step in before:
            try:
                take(rig, connection, cursor, step)
            except routedb.Error:
                connection.rollback()
        for link in connection.session.links:  # dead links are other tests' matter
            if link.raw.closed:
                connection.rollback()
                connection.session.links.drop(link)
        rig.r1.start()
        for _ in range(2):
            rig.look()
        with connection.using(role=role, consistency=consistency):
            compare(rig, connection, cursor, sql)
        assert rig.core.loads == [0, 0, 0]


def compare(rig, connection, cursor, sql):
    """`explain` decides by the long way; `execute` may take the hot path."""
    explained: list[Explanation] = []
    refusal = error_of(lambda: explained.append(explain(connection.session, sql, (1,))))
    rig.forget()
    error = error_of(lambda: run(cursor, sql))
    assert type(error) is type(refusal)
    if refusal is not None:
        assert rig.logs() == {}
        return
    [expected] = explained
    assert cursor.route == expected.route
    ran = [name for name, count in rig.count(sql).items() for _ in range(count)]
    assert ran == [cursor.node.name]
    is_writer = rig.servers[ran[0]].role is Role.WRITER
    assert is_writer == (cursor.route.role is Role.WRITER)
    if not connection.in_transaction:
        assert cursor.node in expected.nodes


def error_of(call):
    """The error that a call ends in, None when it succeeds."""
    try:
        call()
    except routedb.Error as exc:
        return exc
    return None


@settings(max_examples=100, deadline=None)
@given(before=steps, autocommit=st.booleans(), turn=turns)
def test_what_the_hot_path_looks_at_is_never_behind(before, autocommit, turn):
    """`free`, `known` and `home_link` are worked out when something changes."""
    with farm() as rig:
        connection = rig.connect(autocommit)
        connection.session.turn = turn
        cursor = connection.cursor()
        d = connection.session
        for step in before:
            with contextlib.suppress(routedb.Error):
                take(rig, connection, cursor, step)
            free = d.is_unconstrained
            d.version.changed()  # all is worked out again
            assert free == d.is_unconstrained
            transaction = d.transaction
            assert transaction.home_link is transaction.branches.get(transaction.home)
            assert set(transaction.branches.values()) <= set(d.links)
            assert rig.core.loads == [0, 0, 0]
