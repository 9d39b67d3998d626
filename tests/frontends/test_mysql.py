"""The MySQL frontend: what users of mysqlclient call on connections and cursors."""

from __future__ import annotations

import MySQLdb
import pytest
from MySQLdb import cursors

import routedb
from tests.frontends.home import Home

SELECT = "SELECT id, name FROM t WHERE id < 3 ORDER BY id"
TUPLES = [(1, "a"), (2, "b")]
DICTS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
ROWS = {
    cursors.Cursor: TUPLES,
    cursors.SSCursor: TUPLES,
    cursors.DictCursor: DICTS,
    cursors.SSDictCursor: DICTS,
}
# Method -> the type of what it tells.
TOLD = {
    "affected_rows": int,
    "character_set_name": str,
    "error": str,
    "errno": int,
    "field_count": int,
    "fileno": int,
    "get_host_info": str,
    "get_proto_info": int,
    "get_server_info": str,
    "insert_id": int,
    "stat": str,
    "thread_id": int,
    "warning_count": int,
}


class Noting(cursors.DictCursor):
    """A user's own class: it notes what it runs."""

    def __init__(self, connection):
        super().__init__(connection)
        self.noted = []

    def execute(self, query, args=None):
        self.noted.append(query)
        return super().execute(query, args)


@pytest.fixture
def home(my_home: Home) -> Home:
    return my_home


@pytest.mark.parametrize("kind", ROWS)
def test_rows_are_as_the_class_of_cursors_makes_them(connection, kind):
    cursor = connection.cursor(kind)
    assert isinstance(cursor, kind)
    cursor.execute(SELECT)
    assert list(cursor.fetchall()) == ROWS[kind]
    cursor.execute(SELECT)
    assert list(cursor) == ROWS[kind]


@pytest.mark.parametrize("kind", [cursors.DictCursor, cursors.SSDictCursor])
def test_the_class_can_be_given_to_connect(home: Home, kind):
    with routedb.connect(home.writer_dsn, cursorclass=kind) as connection:
        cursor = connection.cursor()
        cursor.execute(SELECT)
        rows: list[object] = [*cursor.fetchall()]
        assert rows == DICTS


def test_a_class_of_the_users_is_routed(connection):
    cursor = connection.cursor(Noting)
    assert cursor.execute(SELECT) == 2
    assert (list(cursor.fetchall()), cursor.noted) == (DICTS, [SELECT])
    assert cursor._executed == SELECT.encode()


def test_what_makes_no_cursor_class_is_refused(connection):
    with pytest.raises(MySQLdb.NotSupportedError, match="cursorclass"):
        connection.cursor(lambda connection: None)


def test_an_unbuffered_result_keeps_its_link_until_it_is_read(connection):
    cursor = connection.cursor(cursors.SSCursor)
    cursor.execute(SELECT)
    assert [pin.kind for pin in connection.pins] == ["unbuffered result"]
    assert cursor.fetchone() == (1, "a")
    cursor.close()
    assert connection.pins == ()
    other = connection.cursor()
    assert other.execute(SELECT) == 2


def test_autocommit_is_a_method_and_an_attribute(home: Home, connection):
    assert not connection.autocommit
    connection.autocommit(True)
    assert (connection.get_autocommit(), bool(connection.autocommit)) == (True, True)
    connection.autocommit = False
    assert connection.get_autocommit() is False
    connection.cursor().execute("DELETE FROM t")
    connection.autocommit(True)  # commits, as MySQL does
    assert home.rows() == []


@pytest.mark.parametrize("method", TOLD)
def test_a_connection_tells_of_its_backend(connection, method):
    assert isinstance(getattr(connection, method)(), TOLD[method])


def test_counts_are_those_of_the_last_statement(connection):
    cursor = connection.cursor()
    rows = [("x",), ("y",)]
    assert cursor.executemany("INSERT INTO kinds (words) VALUES (%s)", rows) == 2
    assert (cursor.rowcount, connection.affected_rows()) == (2, 2)
    assert cursor.lastrowid == connection.insert_id() == 1
    assert cursor.executemany("UPDATE kinds SET words = %s", [("z",), ("w",)]) == 4


@pytest.mark.parametrize("flag", [0, MySQLdb.constants.CLIENT.FOUND_ROWS])
def test_found_rows_counts_what_an_update_leaves_as_it_was(home: Home, flag):
    with routedb.connect(home.writer_dsn, client_flag=flag) as connection:
        cursor = connection.cursor()
        assert cursor.execute("UPDATE t SET name = 'a' WHERE id = 1") == bool(flag)


def test_values_are_escaped_by_the_encoders_of_the_connection(connection):
    connection.encoders[complex] = lambda value, _: f"'{value.real:g}'"
    assert connection.literal(3 + 0j) == b"'3'"
    assert connection.escape("it's", connection.encoders) == b"'it\\'s'"
    assert connection.escape_string("it's") == b"it\\'s"
    for role in ("writer", "replica"):
        with connection.using(role=role):
            cursor = connection.cursor()
            cursor.execute("SELECT %s", (3 + 0j,))
            assert cursor.fetchone() == ("3",)
        connection.rollback()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_columns_are_converted_by_the_converters_of_the_connection(
    connection, is_replaced
):
    kind = MySQLdb.constants.FIELD_TYPE.LONG
    cursors = [connection.cursor() for _ in range(2)]
    for wanted in (int, lambda text: -int(text)):
        if is_replaced:
            connection.converter = {**connection.converter, kind: wanted}
        else:
            connection.converter[kind] = wanted
        for role, cursor in zip(("writer", "replica"), cursors, strict=True):
            with connection.using(role=role):
                cursor.execute("SELECT id FROM t WHERE id = 3")
                assert cursor.fetchone() == (wanted("3"),)
            connection.rollback()


def test_a_converter_is_not_left_to_the_next_user_of_a_pooled_link(home, open_cluster):
    cluster = open_cluster(home.source, pool={"max": 1})
    kind = MySQLdb.constants.FIELD_TYPE.LONG
    for _ in range(3):
        connection = cluster.connect(autocommit=True)
        for role in ("writer", "replica"):
            with connection.using(role=role):
                cursor = connection.cursor()
                cursor.execute("SELECT id FROM t WHERE id = 3")
                assert cursor.fetchone() == (3,)
        connection.converter[kind] = str
        connection.close()


def test_character_set_and_database_reach_every_link(home: Home, cluster):
    connection = cluster.connect(autocommit=True)
    connection.set_character_set("latin1")
    connection.select_db("mysql")
    for role in ("writer", "replica"):
        with connection.using(role=role):
            cursor = connection.cursor()
            cursor.execute("SELECT @@character_set_client, DATABASE()")
            assert cursor.fetchone() == ("latin1", "mysql")


def test_statements_without_a_cursor(connection):
    connection.query("SELECT 17; SELECT 2")
    assert connection.store_result().fetch_row() == ((17,),)
    assert connection.more_results()
    assert connection.next_result() == 0
    assert connection.use_result().fetch_row(0) == ((2,),)
    assert connection.next_result() == -1


def test_result_sets_come_one_after_another(connection):
    cursor = connection.cursor()
    cursor.execute("SELECT 1; SELECT 2")
    assert (cursor.fetchall(), cursor.nextset()) == (((1,),), 1)
    assert (cursor.fetchall(), cursor.nextset()) == (((2,),), None)


def test_warnings_are_counted_and_shown(connection):
    cursor = connection.cursor()
    cursor.execute("SELECT CAST('abc' AS SIGNED)")
    assert cursor.warning_count == connection.warning_count() == 1
    assert "abc" in connection.show_warnings()[0][2]


def test_a_connection_closes_once_or_at_the_end_of_its_block(home: Home, cluster):
    with cluster.connect() as connection:
        assert connection.open
        connection.ping()
        connection.cursor().execute("DELETE FROM t")
    assert (connection.open, len(home.rows())) == (0, 5)
    with pytest.raises(MySQLdb.ProgrammingError, match="closed"):
        connection.close()


def test_what_needs_one_backend_is_refused_with_the_way_out(connection):
    with pytest.raises(MySQLdb.NotSupportedError, match=r"MySQLdb\.connect"):
        connection.change_user("somebody")


def test_exceptions_are_mysqldbs_and_routedbs(connection):
    assert connection.IntegrityError is MySQLdb.IntegrityError
    with pytest.raises(MySQLdb.IntegrityError) as caught:
        connection.cursor().execute("INSERT INTO t VALUES (1, 'again')")
    assert isinstance(caught.value, routedb.IntegrityError)


# What is asked on the link afterwards must not cost the results that follow the first.
SEVERAL = {
    "BEGIN; SELECT 1; SELECT 2; COMMIT": [None, [(1,)], [(2,)], None],
    "SELECT 1; COMMIT; SELECT 3": [[(1,)], None, [(3,)]],
    "SET @rank = 4; SELECT @rank": [None, [(4,)]],
    "SET sql_mode = @@sql_mode; INSERT INTO t VALUES (9, 'x'); SELECT id FROM t "
    "WHERE id > 4": [None, None, [(5,), (9,)]],
    "SELECT 1; SELECT 2": [[(1,)], [(2,)]],
}


@pytest.mark.parametrize("text", SEVERAL)
def test_each_statement_of_a_text_has_its_results(connection, text):
    cursor = connection.cursor()
    cursor.execute(text)
    found = []
    while True:
        rows = None if cursor.description is None else list(cursor.fetchall())
        found.append(rows)
        if not cursor.nextset():
            break
    assert found == SEVERAL[text]
    cursor.execute("SELECT 5")
    assert (list(cursor.fetchall()), cursor.nextset()) == ([(5,)], None)
