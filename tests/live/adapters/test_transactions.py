"""Transactions and modes on the real drivers: what one sees, and what is kept."""

from __future__ import annotations

import pytest
from psycopg2.extensions import set_wait_callback
from psycopg2.extras import wait_select

from routedb.adapters.base import TxMode
from routedb.adapters.mysql.mysqlclient import ADAPTER as MYSQL
from routedb.adapters.postgresql.psycopg2 import ADAPTER

READ_ONLY = TxMode(autocommit=True, read_only=True)


def test_a_new_connection_is_idle_and_commits_by_itself(home, raw):
    home.write(raw, 1)
    states = [home.adapter.is_alive, home.adapter.is_idle, home.adapter.is_failed]
    assert [ask(raw) for ask in states] == [True, True, False]
    assert home.rows() == [1]


@pytest.mark.parametrize(("end", "kept"), [("commit", [1]), ("rollback", [])])
@pytest.mark.parametrize("is_text", [True, False])
def test_a_transaction_that_was_begun_ends_as_told(home, raw, end, kept, is_text):
    if is_text:
        home.adapter.run(raw, "BEGIN")
    else:
        home.adapter.begin(raw, TxMode())
    home.write(raw, 1)
    assert (home.adapter.is_idle(raw), home.adapter.is_alive(raw)) == (False, True)
    getattr(home.adapter, end)(raw)
    assert (home.adapter.is_idle(raw), home.rows()) == (True, kept)


@pytest.mark.parametrize(("end", "kept"), [("commit", [1]), ("rollback", [])])
def test_without_autocommit_a_write_opens_a_transaction(home, raw, end, kept):
    home.adapter.set_mode(raw, TxMode(autocommit=False))
    home.write(raw, 1)
    assert (home.adapter.is_idle(raw), home.rows()) == (False, [])
    getattr(home.adapter, end)(raw)
    assert home.adapter.is_idle(raw)
    assert home.rows() == kept


def test_autocommit_comes_back(home, raw):
    home.adapter.set_mode(raw, TxMode(autocommit=False))
    home.adapter.set_mode(raw, TxMode(autocommit=True))
    home.write(raw, 1)
    assert (home.adapter.is_idle(raw), home.rows()) == (True, [1])


def test_mysql_keeps_a_level_set_by_text_when_autocommit_changes(my_raw):
    MYSQL.run(my_raw, "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    for autocommit in (False, True):
        MYSQL.set_mode(my_raw, TxMode(autocommit))
    assert MYSQL.run(my_raw, "SELECT @@tx_isolation") == [("SERIALIZABLE",)]


PLAIN, OFF = TxMode(autocommit=True), TxMode(autocommit=False)
LEVEL = "SERIALIZABLE"
# From one mode to another, and how many SETs psycopg2 sends for that.
CHANGES: list[tuple[TxMode, TxMode, int]] = [
    (PLAIN, OFF, 0),
    (OFF, PLAIN, 0),
    (PLAIN, PLAIN, 0),
    (OFF, OFF, 0),
    (OFF, OFF._replace(isolation=LEVEL), 0),
    (OFF, OFF._replace(read_only=True), 0),
    (OFF, OFF._replace(deferrable=True), 0),
    (OFF._replace(read_only=True), OFF, 0),
    (OFF._replace(isolation=LEVEL), OFF, 0),
    (PLAIN, PLAIN._replace(read_only=True), 3),
    (PLAIN, PLAIN._replace(isolation=LEVEL), 3),
    (OFF, PLAIN._replace(deferrable=False), 3),
    (PLAIN._replace(read_only=True), PLAIN, 3),
    (PLAIN._replace(isolation=LEVEL), PLAIN, 3),
]


@pytest.mark.live
@pytest.mark.parametrize(("before", "after", "sent"), CHANGES)
def test_postgresql_is_told_of_a_mode_only_when_it_must_be(pg_raw, before, after, sent):
    ADAPTER.set_mode(pg_raw, before)
    trips: list[object] = []

    def wait(connection: object) -> None:
        trips.append(connection)
        wait_select(connection)

    set_wait_callback(wait)
    try:
        ADAPTER.set_mode(pg_raw, after)
    finally:
        set_wait_callback(None)
    assert len(trips) == sent
    shown = ADAPTER.run(pg_raw, "SHOW transaction_read_only")
    assert shown == [("on" if after.read_only else "off",)]
    shown = ADAPTER.run(pg_raw, "SHOW transaction_isolation")
    assert shown == [((after.isolation or "read committed").lower(),)]


def test_postgresql_keeps_a_level_set_by_text_when_autocommit_changes(pg_raw):
    ADAPTER.run(pg_raw, "SET default_transaction_isolation = 'serializable'")
    for autocommit in (False, True):
        ADAPTER.set_mode(pg_raw, TxMode(autocommit))
    assert ADAPTER.run(pg_raw, "SHOW transaction_isolation") == [("serializable",)]


def test_a_commit_and_a_rollback_of_nothing_do_nothing(home, raw):
    home.adapter.commit(raw)
    home.adapter.rollback(raw)
    assert home.adapter.is_idle(raw)


def test_a_read_only_mode_refuses_writes_until_it_is_taken_back(home, raw):
    home.adapter.set_mode(raw, READ_ONLY)
    with pytest.raises(home.driver.Error):
        home.write(raw, 1)
    home.adapter.set_mode(raw, TxMode(autocommit=True))
    home.write(raw, 2)
    assert home.rows() == [2]


def test_only_postgresql_refuses_everything_after_an_error(home, raw):
    home.adapter.begin(raw, TxMode())
    home.write(raw, 1)
    with pytest.raises(home.driver.Error):
        home.write(raw, 1)
    assert home.adapter.is_failed(raw) is (home.engine == "postgresql")
    assert not home.adapter.is_idle(raw)
    home.adapter.rollback(raw)
    assert (home.adapter.is_failed(raw), home.adapter.is_idle(raw)) == (False, True)


def level(home, raw):
    """Ask a server how the transaction that is open, or the next, is isolated."""
    if home.engine == "postgresql":
        [(level,)] = home.adapter.run(raw, "SHOW transaction_isolation")
    else:
        [(level,)] = home.adapter.run(raw, "SELECT @@tx_isolation")
    return level.upper().replace("-", " ")


@pytest.mark.live
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "SERIALIZABLE"])
@pytest.mark.parametrize("home", ["postgresql", "mysql"], indirect=True)
def test_a_mode_sets_the_isolation_and_none_is_the_server_s_own(home, raw, isolation):
    home.adapter.set_mode(raw, TxMode(autocommit=True))
    before = level(home, raw)
    home.adapter.set_mode(raw, TxMode(autocommit=False, isolation=isolation))
    assert level(home, raw) == isolation
    home.adapter.rollback(raw)
    home.adapter.set_mode(raw, TxMode(autocommit=False))
    assert level(home, raw) == before


@pytest.mark.live
@pytest.mark.parametrize("home", ["mysql"], indirect=True)
def test_mysql_is_told_of_a_read_only_transaction(home, raw):
    home.adapter.begin(raw, TxMode(read_only=True, isolation="SERIALIZABLE"))
    with pytest.raises(home.driver.OperationalError, match="READ ONLY"):
        home.write(raw, 1)
    home.adapter.rollback(raw)
    assert home.adapter.is_idle(raw)


@pytest.mark.live
def test_a_begin_says_isolation_access_and_deferrable(pg_raw):
    mode = TxMode(True, read_only=True, isolation="SERIALIZABLE", deferrable=True)
    ADAPTER.begin(pg_raw, mode)
    shown = ["isolation", "read_only", "deferrable"]
    told = [ADAPTER.run(pg_raw, f"SHOW transaction_{name}") for name in shown]
    assert told == [[("serializable",)], [("on",)], [("on",)]]
    ADAPTER.rollback(pg_raw)
