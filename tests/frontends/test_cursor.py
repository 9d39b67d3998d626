"""PEP 249's cursor: attributes, fetching, results that are not there."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.home import Home

SELECT = "SELECT id, name FROM t ORDER BY id"
ALL = [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]
# What must refuse to work where there is no result.
FETCHES = {
    "fetchone": lambda cursor: cursor.fetchone(),
    "fetchmany": lambda cursor: cursor.fetchmany(2),
    "fetchall": lambda cursor: cursor.fetchall(),
    "iteration": list,
    "next": next,
}
USES = FETCHES | {
    "execute": lambda cursor: cursor.execute(SELECT),
    "execute with parameters": lambda cursor: cursor.execute(SELECT, ()),
    "executemany": lambda cursor: cursor.executemany("INSERT INTO t VALUES (%s)", []),
    "callproc": lambda cursor: cursor.callproc("p"),
}


def test_a_new_cursor_has_no_result(connection, cursor):
    assert cursor.connection is connection
    assert (cursor.description, cursor.rowcount, cursor.arraysize) == (None, -1, 1)
    assert (cursor.route, cursor.node, cursor.closed) == (None, None, False)


def check_nothing(cursor, fetch, is_error):
    """PEP 249 wants an error; not every driver has one."""
    if is_error:
        with pytest.raises(routedb.ProgrammingError, match="nothing to fetch"):
            FETCHES[fetch](cursor)
    elif fetch == "next":
        with pytest.raises(StopIteration):
            next(cursor)
    else:
        assert not FETCHES[fetch](cursor)


@pytest.mark.parametrize("fetch", FETCHES)
def test_nothing_is_fetched_before_execute(home: Home, cursor, fetch):
    check_nothing(cursor, fetch, is_error=home.engine != "sqlite")


@pytest.mark.parametrize(
    "sql", ["UPDATE t SET name = 'x' WHERE id = 1", "SAVEPOINT s", "ROLLBACK"]
)
@pytest.mark.parametrize("fetch", FETCHES)
def test_nothing_is_fetched_after_a_statement_without_rows(
    home: Home, cursor, fetch, sql
):
    cursor.execute(SELECT)
    cursor.execute(sql)
    assert cursor.description is None
    check_nothing(cursor, fetch, is_error=home.engine == "postgresql")


@pytest.mark.parametrize("fetch", FETCHES)
def test_nothing_is_fetched_after_a_statement_that_failed(
    home: Home, cursor, connection, fetch
):
    cursor.execute(SELECT)
    with pytest.raises(routedb.DatabaseError):
        cursor.execute("SELECT nothing FROM nowhere")
    check_nothing(cursor, fetch, is_error=home.engine != "sqlite")
    connection.rollback()
    cursor.execute(SELECT)
    assert list(cursor.fetchall()) == ALL


@pytest.mark.parametrize("use", USES)
def test_a_closed_cursor_refuses_every_use(cursor, use):
    cursor.execute(SELECT)
    cursor.close()
    assert cursor.closed
    with pytest.raises(routedb.InterfaceError, match="closed"):
        USES[use](cursor)


@pytest.mark.parametrize("use", USES)
def test_a_cursor_of_a_closed_connection_refuses_every_use(connection, cursor, use):
    cursor.execute(SELECT)
    connection.close()
    assert cursor.closed
    with pytest.raises(routedb.InterfaceError, match="closed"):
        USES[use](cursor)


def test_closing_a_cursor_twice_is_allowed(connection, cursor):
    cursor.execute(SELECT)
    cursor.close()
    cursor.close()
    other = connection.cursor()
    other.execute(SELECT)
    assert list(other.fetchall()) == ALL


def test_a_cursor_closes_at_the_end_of_its_block(connection):
    with connection.cursor() as cursor:
        cursor.execute(SELECT)
        assert cursor.fetchone() == (1, "a")
    assert cursor.closed
    assert not connection.closed


def test_fetchone_gives_none_after_the_last_row(cursor):
    cursor.execute("SELECT id FROM t WHERE id = 1")
    assert [cursor.fetchone() for _ in range(3)] == [(1,), None, None]
    assert list(cursor.fetchmany(3)) == []
    assert list(cursor.fetchall()) == []


def test_a_result_without_rows_is_a_result(cursor):
    cursor.execute("SELECT id FROM t WHERE id = 99")
    assert [column[0] for column in cursor.description] == ["id"]
    assert cursor.fetchone() is None
    assert list(cursor) == []


def test_fetchmany_gives_arraysize_rows_unless_told(cursor):
    cursor.execute(SELECT)
    assert list(cursor.fetchmany()) == ALL[:1]
    cursor.arraysize = 2
    assert list(cursor.fetchmany()) == ALL[1:3]
    assert list(cursor.fetchmany(1)) == ALL[3:4]
    assert list(cursor.fetchmany(10)) == ALL[4:]


def test_arraysize_stays_for_later_statements(cursor):
    cursor.arraysize = 3
    cursor.execute(SELECT)
    assert list(cursor.fetchmany()) == ALL[:3]
    assert cursor.arraysize == 3


def test_the_ways_to_fetch_go_through_one_result(cursor):
    cursor.execute(SELECT)
    assert cursor.fetchone() == ALL[0]
    assert list(cursor.fetchmany(1)) == ALL[1:2]
    assert next(cursor) == ALL[2]
    assert list(cursor) == ALL[3:]
    assert cursor.fetchone() is None


def test_iteration_gives_all_rows_and_ends(cursor):
    cursor.execute(SELECT)
    assert list(cursor) == ALL
    with pytest.raises(StopIteration):
        next(cursor)


def test_a_description_has_seven_items_per_column(cursor):
    cursor.execute("SELECT id, name AS label FROM t")
    assert [len(column) for column in cursor.description] == [7, 7]
    assert [column[0] for column in cursor.description] == ["id", "label"]


# Statement -> rowcount where the driver counts them; SQLite knows only of writes.
COUNTS = {
    "SELECT id FROM t WHERE id < 4": 3,
    "UPDATE t SET name = 'x' WHERE id < 3": 2,
    "DELETE FROM t WHERE id > 1": 4,
    "DELETE FROM t WHERE id = 99": 0,
    "INSERT INTO t VALUES (10, 'x'), (11, 'y')": 2,
}


@pytest.mark.parametrize("sql", COUNTS)
def test_rowcount_counts_what_was_read_or_written(home: Home, cursor, sql):
    cursor.execute(sql)
    uncounted = home.engine == "sqlite" and sql.startswith("SELECT")
    assert cursor.rowcount == (-1 if uncounted else COUNTS[sql])


def test_rownumber_says_how_far_the_result_was_read(home: Home, cursor):
    cursor.execute(SELECT)
    cursor.fetchmany(3)
    assert cursor.rownumber == (None if home.engine == "sqlite" else 3)


def test_lastrowid_is_the_key_that_the_database_gave(home: Home, cursor):
    cursor.execute("INSERT INTO kinds (words) VALUES ('one')")
    cursor.execute("INSERT INTO kinds (words) VALUES ('two')")
    assert cursor.lastrowid == (0 if home.engine == "postgresql" else 2)


def test_scrolling_where_the_driver_can(home: Home, cursor):
    cursor.execute(SELECT)
    if home.engine == "sqlite":
        with pytest.raises(routedb.NotSupportedError, match="scroll"):
            cursor.scroll(2)
        return
    cursor.scroll(2)
    assert cursor.fetchone() == ALL[2]
    cursor.scroll(0, mode="absolute")
    assert cursor.fetchone() == ALL[0]
    with pytest.raises((routedb.ProgrammingError, IndexError)):
        cursor.scroll(99)


def test_sizes_may_be_announced(cursor):
    cursor.setinputsizes([None, 20])
    cursor.setoutputsize(1000)
    cursor.setoutputsize(1000, 1)
    cursor.execute(SELECT)
    assert cursor.fetchone() == ALL[0]


def test_cursors_of_one_connection_have_results_of_their_own(connection):
    one, other = connection.cursor(), connection.cursor()
    one.execute(SELECT)
    other.execute("SELECT id FROM t WHERE id > 3 ORDER BY id")
    assert one.fetchone() == ALL[0]
    assert list(other.fetchall()) == [(4,), (5,)]
    assert list(one.fetchall()) == ALL[1:]


def test_nextset_finds_no_other_result(home: Home, cursor):
    cursor.execute(SELECT)
    if home.engine == "postgresql":  # psycopg2 shows the last result only
        with pytest.raises(routedb.NotSupportedError):
            cursor.nextset()
        return
    assert not cursor.nextset()
    assert cursor.fetchone() is None


def test_nextset_before_execute_is_an_error(home: Home, cursor):
    psycopg2_has_none = home.engine == "postgresql"
    kind = "NotSupportedError" if psycopg2_has_none else "ProgrammingError"
    with pytest.raises(getattr(routedb, kind)):
        cursor.nextset()


def test_a_procedure_with_two_results_is_read_set_by_set(my_home: Home, open_cluster):
    my_home.run("CREATE PROCEDURE p(n int) BEGIN SELECT n; SELECT n + 1, 'x'; END")
    cursor = open_cluster(my_home.source).connect().cursor()
    assert list(cursor.callproc("p", (4,))) == [4]
    assert list(cursor.fetchall()) == [(4,)]
    assert cursor.nextset()
    assert len(cursor.description) == 2
    assert list(cursor.fetchall()) == [(5, "x")]
    while cursor.nextset():  # what the call itself says, without rows
        assert cursor.description is None


def test_callproc_calls_a_function_where_psycopg2_does(pg_home: Home, open_cluster):
    pg_home.run("CREATE FUNCTION p(n int) RETURNS int LANGUAGE sql AS 'SELECT n + 1'")
    cursor = open_cluster(pg_home.source).connect().cursor()
    assert list(cursor.callproc("p", [4])) == [4]
    assert cursor.fetchall() == [(5,)]


def test_callproc_is_refused_where_there_are_no_procedures(lite_home: Home):
    with routedb.Cluster(lite_home.source) as cluster:
        cursor = cluster.connect().cursor()
        with pytest.raises(routedb.NotSupportedError, match="no stored procedures"):
            cursor.callproc("p")


def test_a_cursor_says_what_it_is_without_its_data(cursor):
    cursor.execute("SELECT name FROM t WHERE name = %s", ("secret",))
    assert repr(cursor) == "<routedb cursor, last on writer>"
    cursor.close()
    assert "closed" in repr(cursor)


@pytest.mark.live
@pytest.mark.parametrize("home", ["postgresql"], indirect=True)
def test_query_shows_control_statements_as_psycopg2_does(cursor):
    """Django's log of queries reads it."""
    for text in ("SAVEPOINT a", "SELECT 1", "SAVEPOINT b", "RELEASE SAVEPOINT b"):
        cursor.execute(text)
        assert cursor.query == text.encode()
