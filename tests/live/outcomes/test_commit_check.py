"""`commit_check` on real servers: what is said of a lost commit, and what is so.

Every verdict is held against the rows. The proxy loses the request, so that the commit
never reaches the server, or the answer, when it has committed.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any

import pytest

import routedb
from routedb.adapters.postgresql.commit_check import PostgreSQLCommitCheck
from tests.live.failover.test_lost_links import LOST, check_usable, lose
from tests.support.later import in_turn
from tests.support.server_rig import insert, link_to
from tests.support.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.chaos]


def leave_block(connection, cursor):
    connection.__exit__(None, None, None)


ENDS = {
    "commit()": lambda connection, cursor: connection.commit(),
    "COMMIT": lambda connection, cursor: cursor.execute("COMMIT"),
    "END": lambda connection, cursor: cursor.execute("END"),
    "COMMIT AND CHAIN": lambda connection, cursor: cursor.execute("COMMIT AND CHAIN"),
    "with": leave_block,
    "tpc_commit()": lambda connection, cursor: connection.tpc_commit(),
}
BEGINNINGS = {
    "with": lambda connection: connection.__enter__(),
    "tpc_commit()": lambda connection: connection.tpc_begin("x"),
}


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("end", ENDS)
def test_a_lost_commit_is_resolved(pg_rig, what, end):
    pg_rig.proxy("writer")
    connection = pg_rig.connect(autocommit=False, commit_check=True)
    cursor = connection.cursor()
    BEGINNINGS.get(end, id)(connection)
    insert(connection, 10)
    lose(pg_rig, what, b"COMMIT")
    if what == "answer":
        ENDS[end](connection, cursor)
    else:
        with pytest.raises(routedb.TransactionLost, match="aborted") as caught:
            ENDS[end](connection, cursor)
        assert caught.value.retry_is_safe
    assert pg_rig.rows() == (6 if what == "answer" else 5)
    connection.rollback()
    check_usable(pg_rig, connection, cursor)


@pytest.mark.parametrize("what", LOST)
def test_a_transaction_begun_by_text_is_resolved_too(pg_rig, what):
    pg_rig.proxy("writer")
    connection = pg_rig.connect(only=["writer"], commit_check=True)
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    insert(connection, 10)
    lose(pg_rig, what, b"COMMIT")
    if what == "answer":
        cursor.execute("COMMIT")
    else:
        with pytest.raises(routedb.TransactionLost):
            cursor.execute("COMMIT")
    assert pg_rig.rows() == (6 if what == "answer" else 5)


def test_a_link_that_is_lost_before_the_commit_is_sent_takes_nothing_along(pg_rig):
    pg_rig.proxy("writer")
    connection = pg_rig.connect(autocommit=False, commit_check=True)
    insert(connection, 10)
    lose(pg_rig, "answer", b"pg_current_xact_id_if_assigned")
    with pytest.raises(routedb.TransactionLost, match="before commit was sent"):
        connection.commit()
    assert pg_rig.rows() == 5
    check_usable(pg_rig, connection, connection.cursor())


def test_what_has_no_id_stays_unknown(pg_rig):
    """It changed no row, but may notify when it commits."""
    pg_rig.proxy("writer")
    connection = pg_rig.connect(autocommit=False, commit_check=True)
    connection.cursor().execute("NOTIFY somebody")
    lose(pg_rig, "answer", b"COMMIT")
    with pytest.raises(routedb.OutcomeUnknown):
        connection.commit()


def test_a_failed_transaction_is_ended_without_a_question(pg_rig):
    connection = pg_rig.connect(autocommit=False, commit_check=True)
    insert(connection, 10)
    with pytest.raises(routedb.IntegrityError):
        insert(connection, 10)
    connection.commit()  # PostgreSQL rolls back and says nothing
    assert pg_rig.rows() == 5
    check_usable(pg_rig, connection, connection.cursor())


@contextmanager
def nobody_to_confirm(rig):
    """Commits wait for a synchronous replica that does not exist."""
    writer = rig.database.cluster.writer
    writer.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    writer.execute("SELECT pg_reload_conf()")
    try:
        await_effect(writer)
        yield lambda: relieve(writer)
    finally:
        relieve(writer)


def await_effect(writer):
    """The checkpointer reads the setting, some time after it was told to."""
    connection = writer.connect()
    number = connection.get_backend_pid()
    is_seen = threading.Event()

    def write():
        with connection.cursor() as cursor:
            while not is_seen.is_set():
                cursor.execute("SELECT pg_logical_emit_message(true, 'test', '')")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_until(lambda: writer.execute(IS_WAITING), "commits wait")
    finally:
        is_seen.set()
        writer.execute("SELECT pg_cancel_backend(%s)", (number,))
        thread.join()
        connection.close()
    wait_until(lambda: not writer.execute(IS_WAITING), "that one is over")


def relieve(writer):
    writer.execute("ALTER SYSTEM RESET synchronous_standby_names")
    writer.execute("SELECT pg_reload_conf()")


IS_WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def cut_when_it_waits(rig):
    wait_until(lambda: rig.database.execute(IS_WAITING), "it waits for a replica")
    rig.proxies["writer"].cut()


def test_a_commit_that_waits_for_its_replica_is_waited_for(pg_rig):
    pg_rig.proxy("writer")
    connection = pg_rig.connect(autocommit=False, commit_check=True)
    insert(connection, 10)
    with nobody_to_confirm(pg_rig) as relieved:

        def happen():
            cut_when_it_waits(pg_rig)
            wait_until(
                lambda: pg_rig.proxies["writer"].connections, "the question is asked"
            )
            relieved()

        outside = threading.Thread(target=happen)
        outside.start()
        connection.commit()
        outside.join()
    assert pg_rig.rows() == 6


def test_and_is_unknown_when_time_is_over(pg_rig):
    """It is committed here, and nothing says that a failover will not lose it."""
    pg_rig.proxy("writer")
    connection = pg_rig.connect(
        autocommit=False, commit_check=True, failover_timeout="2500ms"
    )
    insert(connection, 10)
    with nobody_to_confirm(pg_rig):
        outside = threading.Thread(target=cut_when_it_waits, args=[pg_rig])
        outside.start()
        with pytest.raises(routedb.OutcomeUnknown, match="still in progress"):
            connection.commit()
        outside.join()


def restart(rig):
    rig.servers["writer"].kill()
    rig.servers["writer"].start()


def crash_a_backend(rig):
    """All backends die and the server recovers, without a new start."""
    writer = rig.servers["writer"]
    with writer.connect() as victim:
        number = victim.get_backend_pid()
        writer._sh('kill -KILL "$3"', str(number))
    wait_until(lambda: writer.execute("SELECT 1"), "it has recovered")


CRASHES = {"kill -9": restart, "one backend": crash_a_backend}


def flush(rig, is_durable, monkeypatch):
    """Have all that was written on disk, or have it noted that it is not: when it is
    flushed otherwise is the server's affair."""
    if is_durable:
        rig.database.execute("CHECKPOINT")
    note: Any = PostgreSQLCommitCheck.note

    def told(self, raw, last):
        found = note(self, raw, last)
        return found._replace(flushed=found.position if is_durable else 0)

    monkeypatch.setattr(PostgreSQLCommitCheck, "note", told)


def commit_over(rig, connection, meanwhile):
    """Commit; nobody can be asked before `meanwhile` has happened."""
    proxy = rig.proxies["writer"]
    proxy.refuse()
    failures, before = [], proxy.connections  # the monitor's is among them

    def happen():
        try:
            wait_until(lambda: proxy.connections < before, "the link is lost")
            meanwhile(rig)
        except BaseException as exc:  # shown by the test
            failures.append(exc)
        proxy.accept()

    outside = threading.Thread(target=happen)
    outside.start()
    try:
        connection.commit()
    finally:
        outside.join()
        assert not failures


@pytest.mark.parametrize("crash", CRASHES)
@pytest.mark.parametrize("is_durable", [True, False], ids=["flushed", "not flushed"])
@pytest.mark.parametrize("what", LOST)
def test_a_writer_that_crashes_at_the_commit(
    pg_rig, monkeypatch, what, is_durable, crash
):
    """Only what was on disk before the commit is proven by a later 'committed'."""
    pg_rig.proxy("writer")
    connection = pg_rig.connect(
        only=["writer"], autocommit=False, commit_check=True, failover_timeout="60s"
    )
    insert(connection, 10)
    flush(pg_rig, is_durable, monkeypatch)
    lose(pg_rig, what, b"COMMIT")
    if what == "request":
        with pytest.raises(routedb.TransactionLost):
            commit_over(pg_rig, connection, CRASHES[crash])
    elif is_durable:
        commit_over(pg_rig, connection, CRASHES[crash])
    else:
        with pytest.raises(routedb.OutcomeUnknown, match="another transaction's"):
            commit_over(pg_rig, connection, CRASHES[crash])
    assert pg_rig.rows("id = 10") == (1 if what == "answer" else 0)
    check_usable(pg_rig, connection, connection.cursor())


@pytest.mark.parametrize(("what", "is_durable"), in_turn(LOST, [True, False]))
def test_a_replica_that_is_promoted_at_the_commit(
    pg_rig, monkeypatch, what, is_durable
):
    pg_rig.proxy("writer")
    connection = pg_rig.connect(
        autocommit=False, commit_check=True, failover_timeout="60s"
    )
    insert(connection, 10)
    flush(pg_rig, is_durable, monkeypatch)
    lose(pg_rig, what, b"COMMIT")

    def fail_over(rig):
        rig.database.wait_replayed()
        rig.servers["writer"].kill()
        rig.servers["replica1"].promote()

    if what == "request":
        with pytest.raises(routedb.TransactionLost):
            commit_over(pg_rig, connection, fail_over)
    elif is_durable:
        commit_over(pg_rig, connection, fail_over)
    else:
        with pytest.raises(routedb.OutcomeUnknown, match="another transaction's"):
            commit_over(pg_rig, connection, fail_over)
    found = pg_rig.servers["replica1"].execute(
        "SELECT count(*) FROM t WHERE id = 10", dbname=pg_rig.database.name
    )
    assert found == [(1 if what == "answer" else 0,)]
    insert(connection, 1000)
    connection.commit()


def test_a_session_that_never_heard_of_the_end_is_ended(pg_rig):
    """The request vanishes without a word: the server goes on waiting for it."""
    connection = pg_rig.connect(autocommit=False, commit_check=True)
    insert(connection, 10)
    link = link_to(connection, "writer")
    commits: Any = link.adapter.commits
    note = commits.note(link.raw)
    asking = link.adapter.connect(link.node, 5.0)
    try:
        assert commits.sight(asking, note).status.value == "in progress"
        assert commits.end(asking, note)
        wait_until(
            lambda: commits.sight(asking, note).status.value == "aborted",
            "it is rolled back",
        )
        assert not commits.end(asking, note)
    finally:
        asking.close()


def test_a_session_is_asked_for_what_stays_the_same_only_once(pg_rig):
    connection = pg_rig.connect(autocommit=False, commit_check=True)
    link, notes = None, []
    for key in (10, 11):
        insert(connection, key)
        link = link_to(connection, "writer")
        commits: Any = link.adapter.commits
        full = commits.note(link.raw)
        connection.commit()
        notes.append((full, link.commit_note))
    for full, noted in notes:
        assert noted is not None
        assert (full.xid, full[3:]) == (noted.xid, noted[3:])
        assert full.position <= noted.position
    assert notes[0][0].xid < notes[1][0].xid
