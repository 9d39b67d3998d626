"""Pools over fake servers: what users see of them, and what reaches the servers."""

from __future__ import annotations

import gc
import os
import threading
from contextlib import ExitStack

import pytest

import routedb
from routedb.adapters import fake
from routedb.errors import Fault
from routedb.events import NodeFailed
from tests.support.servers import wait_until

READ = "SELECT a FROM t"
WRITE = "INSERT INTO t VALUES (1)"


@pytest.fixture
def server():
    with fake.Server("w") as server:
        server.answer("SELECT", rows=[(1,)], columns=["a"])
        server.answer("INSERT", rowcount=1)
        yield server


@pytest.fixture
def open_cluster(server):
    with ExitStack() as stack:

        def open_(**options):
            limits = {"max": 2, "wait_timeout": "20ms", **options.pop("pool", {})}
            cluster = routedb.Cluster("fake://w", pool=limits, **options)
            return stack.enter_context(cluster)

        yield open_


def run(cluster, *texts, autocommit=True):
    """Use one connection for these texts, and close it."""
    connection = cluster.connect(autocommit=autocommit)
    cursor = connection.cursor()
    for text in texts:
        cursor.execute(text)
    connection.close()


def served(server):
    """Return the numbers of the links that ran the users' texts."""
    return [entry.link for entry in server.log if entry.text != "DISCARD ALL"]


def pool_of(cluster):
    return cluster.runtime.core.pools.of(0)


# -- borrowing and giving back ---------------------------------------------------------


def test_a_link_is_used_again_for_one_user_after_another(server, open_cluster):
    cluster = open_cluster()
    for _ in range(5):
        run(cluster, READ)
    assert {entry.link for entry in server.log} == {1}


USES = [
    READ,
    WRITE,
    "SET a = 1",
    "SELECT set_config('a', 'b', false)",
    "CREATE TEMP TABLE mine (a int)",
    "LISTEN news",
    "SELECT pg_advisory_lock(1)",
    "PREPARE p AS SELECT 1",
    "SELECT currval('s')",
    "SELECT some_function()",
    "CALL some_procedure()",
    "this is not SQL",
]


@pytest.mark.parametrize("text", USES)
def test_the_session_is_reset_whatever_the_text_shows(server, open_cluster, text):
    cluster = open_cluster()
    run(cluster, text)
    assert server.texts == [text, "DISCARD ALL"]


def test_also_when_nothing_was_run(server, open_cluster):
    run(open_cluster())
    assert server.texts == ["DISCARD ALL"]


def answer_resets_all(monkeypatch, answer):
    """Answer so from now on; return a list that grows with each question. (It must not
    hold the raw connection, or that would not be lent again.)"""
    asked = []

    def resets_all(adapter, raw):
        asked.append("?")
        return answer

    monkeypatch.setattr(fake.FakeAdapter, "resets_all", resets_all)
    return asked


def test_a_session_that_no_reset_makes_new_is_not_lent_again(
    server, open_cluster, monkeypatch
):
    asked = answer_resets_all(monkeypatch, False)
    cluster = open_cluster(pool={"max": 1})
    run(cluster, READ)
    run(cluster, READ)
    assert len(asked) == 2
    assert served(server) == [1, 2]
    assert pool_of(cluster).open == 0


def test_whether_it_does_is_asked_once_a_session(server, open_cluster, monkeypatch):
    asked = answer_resets_all(monkeypatch, True)
    cluster = open_cluster(pool={"max": 1})
    for _ in range(3):
        run(cluster, READ)
    assert len(asked) == 1


@pytest.mark.parametrize("text", ["CALL p()", WRITE])
def test_also_when_it_has_failed(server, open_cluster, text):
    cluster = open_cluster()
    server.fail("execute", Fault.STATEMENT, match=text)
    with pytest.raises(routedb.DatabaseError), cluster.connect() as connection:
        connection.cursor().execute(text)
    connection.close()
    assert server.texts[-1] == "DISCARD ALL"


def test_an_open_transaction_is_rolled_back(server, open_cluster):
    cluster = open_cluster()
    run(cluster, READ, autocommit=False)
    run(cluster, "BEGIN", READ)
    assert server.texts == [
        *(READ, "ROLLBACK", "DISCARD ALL"),
        *("BEGIN", READ, "ROLLBACK", "DISCARD ALL"),
    ]


def test_settings_are_replayed_to_a_link_of_the_pool_and_undone(server, open_cluster):
    cluster = open_cluster()
    connection = cluster.connect(autocommit=True)
    connection.cursor().execute("SET a = 1")
    server.drop_links()
    connection.cursor().execute(READ)
    connection.close()
    assert server.texts == ["SET a = 1", "SET a = 1", READ, "DISCARD ALL"]


def test_the_transaction_mode_of_one_is_not_that_of_the_next(server, open_cluster):
    cluster = open_cluster()
    connection = cluster.connect()
    connection.set_session(isolation_level="SERIALIZABLE", readonly=True)
    connection.cursor().execute(READ)
    connection.close()
    run(cluster, READ, autocommit=False)
    [raw] = server.links
    assert raw.mode.isolation is None
    assert not raw.mode.read_only
    assert not raw.in_transaction


def test_a_closed_connection_and_its_cursors_refuse_everything(server, open_cluster):
    cluster = open_cluster()
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    cursor.execute(READ)
    connection.close()
    other = cluster.connect(autocommit=True)
    other.cursor().execute(READ)
    for use in (cursor.fetchone, cursor.fetchall, connection.cursor, connection.commit):
        with pytest.raises(routedb.InterfaceError):
            use()
    with pytest.raises(routedb.InterfaceError):
        cursor.execute(READ)
    assert cursor.description is not None
    assert (cursor.rowcount, str(cursor.node)) == (1, "w")
    cursor.close()
    assert server.texts == [READ, "DISCARD ALL", READ]


def test_what_the_user_kept_of_the_driver_is_never_lent_to_another(
    server, open_cluster
):
    cluster = open_cluster()
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    cursor.execute(READ)
    kept = cursor.raw
    connection.close()
    run(cluster, READ)
    assert served(server) == [1, 2]
    del kept


# -- limits ----------------------------------------------------------------------------


def test_beyond_max_one_waits_and_is_told_what_for(server, open_cluster):
    cluster = open_cluster()
    held = [cluster.connect() for _ in range(2)]
    with pytest.raises(routedb.NoNodeError) as caught:
        cluster.connect()
    assert isinstance(caught.value, routedb.OperationalError)
    assert str(caught.value) == (
        "no link to w became free within wait_timeout, which is 0.02 s: all 2 are in "
        "use (pool.max) and 0 more wait. Close connections sooner, or raise pool.max"
    )
    held.pop().close()
    cluster.connect().close()
    assert len(server.links) == 2


def test_one_who_waits_gets_the_link_that_is_given_back(server, open_cluster):
    cluster = open_cluster(pool={"max": 1, "wait_timeout": "1m"})
    held = cluster.connect()
    thread = threading.Thread(target=run, args=(cluster, READ))
    thread.start()
    wait_until(lambda: pool_of(cluster)._slots.waiting, "it waits")
    held.close()
    thread.join()
    assert server.texts == ["DISCARD ALL", READ, "DISCARD ALL"]
    assert pool_of(cluster).open == 1


def test_max_holds_under_many_threads_and_nobody_starves(server, open_cluster):
    cluster = open_cluster(pool={"max": 3, "wait_timeout": "1m"})
    most = []

    def work():
        for number in range(20):
            run(cluster, READ if number % 2 else WRITE)
            most.append(len(server.links))

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.texts.count(READ) == server.texts.count(WRITE) == 500
    assert max(most) <= 3
    assert pool_of(cluster).open == len(server.links) == len(list(idle(cluster)))


def idle(cluster):
    return pool_of(cluster)._slots.idle


def test_a_link_that_cannot_be_opened_takes_no_place(server, open_cluster):
    cluster = open_cluster(pool={"max": 1})
    server.stop()
    for _ in range(3):
        with pytest.raises(routedb.OperationalError):
            cluster.connect()
    server.start()
    run(cluster, READ)
    assert pool_of(cluster).open == 1


# -- links that are of no more use -----------------------------------------------------


def test_a_link_that_died_while_idle_is_replaced(server, open_cluster):
    cluster = open_cluster()
    run(cluster, READ)
    server.drop_links()
    run(cluster, READ)
    assert served(server) == [1, 2]
    assert pool_of(cluster).open == 1


def test_a_link_that_dies_while_it_is_reset_is_not_lent_again(server, open_cluster):
    cluster = open_cluster()
    server.fail("execute", Fault.LINK_LOST, match="DISCARD ALL")
    run(cluster, WRITE)
    assert pool_of(cluster).open == 0
    run(cluster, READ)
    assert served(server) == [1, 2]


def test_links_from_before_the_node_failed_are_not_lent_again(server, open_cluster):
    cluster = open_cluster()
    run(cluster, READ)
    cluster.runtime.core.publish(NodeFailed(0, 0, "no answer", Fault.REFUSED))
    run(cluster, READ)
    assert served(server) == [1, 2]
    assert len(server.links) == 1


def test_a_link_that_is_too_old_is_replaced_when_it_is_idle(server, open_cluster):
    cluster = open_cluster(max_age="1ms")
    for _ in range(3):
        run(cluster, READ)
        threading.Event().wait(0.002)
    assert len({entry.link for entry in server.log}) == 3
    assert pool_of(cluster).open <= 1


def test_a_link_in_the_place_of_another_knows_when_that_one_answered(
    server, open_cluster
):
    connection = open_cluster().connect(autocommit=True)
    connection.cursor().execute(WRITE)
    links = connection.session.links
    answered = links.used_at(0)
    server.drop_links()
    links.get(0, must_live=True)
    assert links.used_at(0) >= answered > 0


def test_links_that_nobody_uses_are_closed_and_the_thread_ends(server, open_cluster):
    others = upkeep_threads()
    cluster = open_cluster(pool={"max_idle": "50ms"})
    run(cluster, READ)
    wait_until(lambda: not server.links, "it is closed")
    wait_until(lambda: upkeep_threads() <= others, "the thread ends")
    run(cluster, READ)
    assert served(server) == [1, 2]


def test_min_links_are_kept(server, open_cluster):
    cluster = open_cluster(pool={"min": 2, "max": 3, "max_idle": "50ms"})
    run(cluster, READ)
    wait_until(lambda: len(server.links) == 2, "they are opened")
    server.drop_links()
    cluster.connect().close()
    assert pool_of(cluster).open == 2


def upkeep_threads():
    return {t for t in threading.enumerate() if t.name == "routedb-upkeep"}


# -- the end ---------------------------------------------------------------------------


def test_a_connection_that_was_forgotten_frees_its_place(server, open_cluster):
    cluster = open_cluster(pool={"max": 1, "wait_timeout": "1m"})
    connection = cluster.connect(autocommit=True)
    connection.cursor().execute(WRITE)
    del connection
    gc.collect()
    run(cluster, READ)
    assert served(server) == [1, 2]
    assert len(server.links) == pool_of(cluster).open == 1


def test_closing_the_cluster_closes_links_and_thread(server, open_cluster):
    others = upkeep_threads()
    cluster = open_cluster()
    run(cluster, READ)
    held = cluster.connect()
    assert len(upkeep_threads() - others) == 1
    cluster.close()
    assert held.closed
    assert server.links == []
    assert upkeep_threads() <= others


def test_a_forked_child_leaves_the_parent_its_links(server, open_cluster):
    cluster = open_cluster()
    held = cluster.connect(autocommit=True)
    held.cursor().execute(READ)
    run(cluster, READ)
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            run(cluster, READ)
            held.cursor().execute(READ)
            seen = served(server)[2:]
            os.write(write, repr((seen, pool_of(cluster).open)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 99) == b"([3, 3], 1)"
    os.close(read)
    os.close(write)
    run(cluster, READ)
    assert served(server) == [1, 2, 2]
