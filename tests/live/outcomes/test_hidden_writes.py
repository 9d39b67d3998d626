"""Reads by their text that write behind it, on the writer: never doubled.

The proxy loses the answer of each. What the engine says is held against the one row
that all of them add to.
"""

from __future__ import annotations

import pytest

import routedb
from tests.support import hidden_writes as cases
from tests.support.server_rig import Rig

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]

WRITING = {"postgresql": cases.PG_WRITING, "mysql": cases.MY_WRITING}
MORE = {"postgresql": cases.PG_MORE, "mysql": cases.MY_MORE}
PLAIN = {"postgresql": cases.PG_PLAIN, "mysql": cases.MY_PLAIN}
COMMIT = b"COMMIT"


@pytest.fixture
def prepared(rig: Rig) -> Rig:
    """A rig whose writer has all that the cases name, and is reached by a proxy."""
    texts = [cases.PG_SETUP] if rig.engine == "postgresql" else cases.MY_SETUP
    for text in texts:
        rig.database.execute(text)
    rig.database.wait_replayed()
    rig.proxy("writer")
    return rig


def as_user(rig: Rig, connection: routedb.Connection) -> None:
    if rig.engine == "postgresql":
        connection.cursor().execute("SET ROLE pg_monitor")
        connection.commit()


def hits(rig: Rig) -> int:
    [(number,)] = rig.database.execute("SELECT n FROM hits")
    return int(number)


def test_a_hidden_write_is_not_run_again(prepared):
    once = check_not_run_again(prepared, WRITING[prepared.engine])
    cursor = prepared.connect(reads="writer").cursor()
    as_user(prepared, cursor.connection)
    for what, sql in WRITING[prepared.engine].items():
        before = hits(prepared)
        cursor.execute(sql)
        assert hits(prepared) - before == once[what] > 0, what


def check_not_run_again(prepared: Rig, writing: dict[str, str]) -> dict[str, int]:
    """Lose the answer of each read that writes; return how much they have added."""
    once = {}
    connection = prepared.connect(reads="writer")
    as_user(prepared, connection)
    cursor = connection.cursor()
    for what, sql in writing.items():
        cursor.execute(sql)
        cursor.fetchall()
        before, retries = hits(prepared), connection.session.retries
        prepared.proxies["writer"].lose_answer(sql.encode())
        with pytest.raises(routedb.OutcomeUnknown, match="not certain") as caught:
            cursor.execute(sql)
        assert not caught.value.retry_is_safe
        assert connection.session.retries == retries, what
        once[what] = hits(prepared) - before
    return once


@pytest.mark.long
def test_rarer_ways_are_not_run_again_either(prepared):
    setup = {"postgresql": [cases.PG_MORE_SETUP], "mysql": cases.MY_MORE_SETUP}
    for text in setup[prepared.engine]:
        prepared.database.execute(text)
    prepared.database.wait_replayed()
    check_not_run_again(prepared, MORE[prepared.engine])


def test_a_plain_read_is_run_again(prepared):
    connection = prepared.connect(reads="writer")
    as_user(prepared, connection)
    cursor = connection.cursor()
    before = hits(prepared)
    for what, sql in PLAIN[prepared.engine].items():
        cursor.execute(sql)
        rows = len(cursor.fetchall())
        retries = connection.session.retries
        prepared.proxies["writer"].lose_answer(sql.encode())
        cursor.execute(sql)
        assert len(cursor.fetchall()) == rows, what
        assert connection.session.retries == retries + 1, what
    assert hits(prepared) == before


def test_the_commit_of_a_hidden_write_is_unknown(prepared):
    connection = prepared.connect(autocommit=False)
    as_user(prepared, connection)
    cursor = connection.cursor()
    for what, sql in WRITING[prepared.engine].items():
        before = hits(prepared)
        cursor.execute("SELECT 1")
        cursor.execute(sql)
        cursor.fetchall()
        prepared.proxies["writer"].lose_answer(COMMIT)
        with pytest.raises(routedb.OutcomeUnknown, match="not certain") as caught:
            connection.commit()
        assert not caught.value.retry_is_safe
        assert hits(prepared) > before, what
        connection.rollback()


def test_the_commit_of_plain_reads_is_safe_to_run_again(prepared):
    connection = prepared.connect(autocommit=False)
    as_user(prepared, connection)
    cursor = connection.cursor()
    for what, sql in PLAIN[prepared.engine].items():
        cursor.execute(sql)
        cursor.fetchall()
        prepared.proxies["writer"].lose_answer(COMMIT)
        with pytest.raises(routedb.TransactionLost) as caught:
            connection.commit()
        assert caught.value.retry_is_safe, what
        connection.rollback()


def test_run_does_not_double_a_hidden_write(prepared):
    connection = prepared.connect()
    sql = "SELECT b FROM v_on_view"

    def look(conn: routedb.Connection) -> None:
        conn.cursor().execute(sql)

    before = hits(prepared)
    prepared.proxies["writer"].lose_answer(COMMIT)
    with pytest.raises(routedb.OutcomeUnknown):
        routedb.run(connection, look)
    assert hits(prepared) == before + 1
    routedb.run(connection, look)
    assert hits(prepared) == before + 2
