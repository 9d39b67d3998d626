"""Session settings on every link: which, in what order, and when."""

from __future__ import annotations

import pytest

from routedb.errors import Fault
from tests.support.fake_rig import node_of

READ = "SELECT a FROM t"
WRITE = "INSERT INTO t VALUES (1)"
A, B, A2 = "SET a = 1", "SET b = 2", "SET a = 3"

# What the user runs, and what a replica's link that is opened afterwards runs before
# its first read. {r} marks where the log of the replica begins to count.
LATER_LINK = {
    "in the order they were set": ([A, B], [A, B]),
    "the last value of each only": ([A, B, A2], [B, A2]),
    "nothing after RESET ALL": ([A, B, "RESET ALL"], []),
    "nothing after DISCARD ALL": ([A, "DISCARD ALL"], []),
    "what came after RESET ALL": ([A, "RESET ALL", B], [B]),
    "a role stays through RESET ALL": (["SET ROLE x", A, "RESET ALL"], ["SET ROLE x"]),
    "committed ones": (["BEGIN", A, "COMMIT"], [A]),
    "not those rolled back": (["BEGIN", A, "ROLLBACK"], []),
    "not those undone by a savepoint": (
        ["BEGIN", A, "SAVEPOINT s", B, "ROLLBACK TO SAVEPOINT s", "COMMIT"],
        [A],
    ),
    "not those of a transaction": (["BEGIN", "SET LOCAL a = 1", "COMMIT"], []),
}


@pytest.mark.parametrize("case", LATER_LINK)
def test_a_link_opened_later_gets(rig, case):
    run, expected = LATER_LINK[case]
    connection = rig.connect()
    cursor = connection.cursor()
    for sql in run:
        cursor.execute(sql)
    rig.forget()
    with connection.using(consistency="eventual"):
        cursor.execute(READ)
    assert rig.logs() == {node_of(cursor): [*expected, READ]}


def test_an_open_link_gets_what_is_new_once_and_only_before_its_next_statement(
    eventual,
):
    rig = eventual
    connection = rig.connect()
    cursor = connection.cursor()
    for _ in range(2):
        cursor.execute(READ)
    rig.forget()
    cursor.execute(A)
    assert rig.logs() == {"w": [A]}
    for _ in range(4):
        cursor.execute(READ)
    assert rig.r1.texts == [A, READ, READ]
    assert rig.r2.texts == [A, READ, READ]
    cursor.execute(B)
    for _ in range(2):
        cursor.execute(READ)
    assert rig.r1.texts[-2:] == [B, READ]
    assert rig.w.texts == [A, B]


def test_a_link_that_replaces_a_dead_one_gets_all_of_them(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    for sql in (A, B, WRITE):
        cursor.execute(sql)
    rig.w.drop_links()
    rig.forget()
    cursor.execute(WRITE)
    assert rig.logs() == {"w": [A, B, WRITE]}


def test_a_transaction_gets_them_before_its_begin(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(A)
    rig.w.drop_links()
    rig.forget()
    for sql in ("BEGIN", "SAVEPOINT s", WRITE, "COMMIT"):
        cursor.execute(sql)
    assert rig.w.texts == [A, "BEGIN", "SAVEPOINT s", WRITE, "COMMIT"]


def test_a_dead_replica_link_that_waits_for_a_setting_is_replaced(eventual):
    rig = eventual
    connection = rig.connect()
    cursor = connection.cursor()
    for _ in range(2):
        cursor.execute(READ)
    cursor.execute(A)
    rig.r1.drop_links()
    rig.forget()
    names = set()
    for _ in range(2):
        cursor.execute(READ)
        names.add(node_of(cursor))
    assert names == {"r1", "r2"}
    assert rig.r1.texts == [A, READ]
    states = {node.state.value for node in rig.core.topology.groups[0].nodes}
    assert states == {"up"}


def test_a_setting_that_kills_the_link_leaves_no_dead_link_behind(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    for _ in range(2):
        cursor.execute(READ)
    cursor.execute(A)
    rig.r1.fail("execute", Fault.LINK_LOST, match=A)
    rig.r2.fail("execute", Fault.LINK_LOST, match=A)
    cursor.execute(READ)
    assert cursor.fetchall() == [(1,)]
    assert all(not link.raw.closed for link in connection.session.links)


def test_a_refused_setting_is_not_remembered(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    rig.w.fail("execute", Fault.STATEMENT, match=A)
    with pytest.raises(connection.IntegrityError):
        cursor.execute(A)
    rig.forget()
    cursor.execute(READ)
    assert rig.logs() == {node_of(cursor): [READ]}


def test_settings_belong_to_their_connection(rig):
    one, other = rig.connect().cursor(), rig.connect().cursor()
    one.execute(A)
    rig.forget()
    other.execute(READ)
    assert rig.logs() == {node_of(other): [READ]}
