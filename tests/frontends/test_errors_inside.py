"""What an error inside a transaction leaves of it, and what a chained one keeps."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.home import Home

WRONG = "INSERT INTO no_such_table VALUES (1)"
# Texts that write or act, and begin no transaction on their server.
BESIDE = [
    ("lite_home", "CREATE TABLE more (id integer)"),
    ("lite_home", "PRAGMA user_version = 7"),
    ("my_home", "DO SLEEP(0)"),
]


@pytest.mark.parametrize(("name", "beside"), BESIDE)
def test_an_error_loses_no_transaction_that_was_not_begun(
    request, open_cluster, name, beside
):
    home: Home = request.getfixturevalue(name)
    connection = open_cluster(home.source).connect()
    cursor = connection.cursor()
    cursor.execute(beside)
    with pytest.raises(routedb.DatabaseError, match="no_such_table"):
        cursor.execute(WRONG)
    cursor.execute("SELECT count(*) FROM t")
    assert cursor.fetchone() == (5,)


def test_a_chained_transaction_runs_as_the_one_before(pg_home: Home, open_cluster):
    connection = open_cluster(pg_home.source).connect()
    cursor = connection.cursor()
    cursor.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
    cursor.execute("SELECT 1")
    cursor.execute("COMMIT AND CHAIN")
    cursor.execute("SHOW transaction_isolation")
    assert cursor.fetchone() == ("serializable",)
    connection.commit()
    cursor.execute("SHOW transaction_isolation")
    assert cursor.fetchone() == ("read committed",)


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_session_that_may_only_read_hears_so_from_its_writer(
    pg_home: Home, open_cluster, autocommit
):
    options = "?options=-c%20default_transaction_read_only%3Don"
    connection = open_cluster(pg_home.writer_dsn + options).connect()
    connection.autocommit = autocommit
    cursor = connection.cursor()
    for _ in range(2):
        with pytest.raises(routedb.InternalError, match="read-only") as caught:
            cursor.execute("DELETE FROM t")
        assert not isinstance(caught.value, routedb.TransactionLost)
        connection.rollback()
    assert len(pg_home.rows()) == 5
