"""What reads by its text may have written: whether the catalog is asked, and what its
answer leads to."""

from __future__ import annotations

import pytest

import routedb
from routedb.engine.shared.catalog_answers import KEPT_S, MOST_READS
from routedb.engine.transactions.hidden_writes import LONGEST_ASKED
from routedb.errors import Fault
from tests.support.fake_rig import check_sound, farm, node_of

HIDING = "SELECT a FROM hiding"
PLAIN = "SELECT a FROM t"
# Reads by their text in which the name of something that hides a write stands.
READS = {
    "a table": HIDING,
    "its schema": "SELECT a FROM public.hiding",
    "quotes": 'SELECT a FROM "hiding"',
    "capitals": "SELECT a FROM HIDING",
    "a join": "SELECT 1 FROM t JOIN hiding USING (id)",
    "a subquery": "SELECT a FROM t WHERE a IN (SELECT a FROM hiding)",
    "a common table expression": "WITH c AS (SELECT a FROM hiding) SELECT a FROM c",
    "a union": "SELECT a FROM t UNION ALL SELECT a FROM hiding",
    "TABLE": "TABLE hiding",
    "EXPLAIN ANALYZE": "EXPLAIN ANALYZE SELECT a FROM hiding",
    "COPY": "COPY hiding TO STDOUT",
    "a literal before it": "SELECT 'x', a FROM hiding WHERE b = 'hid'",
    "placeholders": "SELECT a FROM hiding WHERE a = 1 AND b = %s",
}


@pytest.fixture
def rig():
    """A writer that reads come to, where `hiding` hides a write, and replicas."""
    with farm(reads="writer") as rig:
        for server in rig.servers.values():
            server.hides = {"hiding"}
        yield rig


def run(cursor, sql):
    cursor.execute(sql, (1,) if "%s" in sql else None)


@pytest.mark.parametrize("way", ["first use", "hot path"])
@pytest.mark.parametrize("what", READS)
def test_what_may_have_written_on_the_writer_is_not_run_again(rig, what, way):
    connection = rig.connect()
    cursor = connection.cursor()
    for _ in range(3 if way == "hot path" else 0):
        run(cursor, READS[what])
    rig.forget()
    rig.w.fail("execute", Fault.LINK_LOST, match=READS[what], after=True)
    with pytest.raises(routedb.OutcomeUnknown, match="not certain") as caught:
        run(cursor, READS[what])
    assert not caught.value.retry_is_safe
    assert rig.count(READS[what]) == {"w": 1}
    check_sound(rig, connection, cursor)


@pytest.mark.parametrize("way", ["first use", "hot path"])
@pytest.mark.parametrize(
    "sql", [PLAIN, "SELECT 1", "SELECT %s", "SELECT 'hiding' FROM t", "SHOW work_mem"]
)
def test_what_is_plain_is_run_again(rig, sql, way):
    cursor = rig.connect().cursor()
    for _ in range(3 if way == "hot path" else 0):
        run(cursor, sql)
    rig.forget()
    rig.w.fail("execute", Fault.LINK_LOST, match=sql, after=True)
    run(cursor, sql)
    assert sum(rig.count(sql).values()) == 2


def test_nothing_is_asked_before_a_fault_nor_of_what_names_nothing(rig):
    cursor = rig.connect().cursor()
    for sql in [PLAIN, HIDING, *[PLAIN] * 3]:
        cursor.execute(sql)
    rig.w.fail("execute", Fault.LINK_LOST, match="SELECT 1")
    cursor.execute("SELECT 1")
    assert [server.asked for server in rig.servers.values()] == [[], [], []]


def test_a_read_that_a_replica_ran_is_run_again_unasked():
    with farm() as rig:
        rig.w.hides = rig.r1.hides = rig.r2.hides = {"hiding"}
        cursor = rig.connect().cursor()
        for server in (rig.r1, rig.r2):
            server.fail("execute", Fault.LINK_LOST, match=HIDING, after=True)
        cursor.execute(HIDING)
        assert sum(rig.count(HIDING).values()) >= 2
        assert rig.r1.asked == rig.r2.asked == []


def test_a_read_of_a_declared_read_only_session_is_run_again_unasked(rig):
    connection = rig.connect()
    connection.session.set_mode(connection.session.links.mode._replace(read_only=True))
    cursor = connection.cursor()
    rig.w.fail("execute", Fault.LINK_LOST, match=HIDING, after=True)
    cursor.execute(HIDING)
    assert rig.w.asked == []


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.NODE_STARTING])
def test_a_server_that_says_no_has_done_nothing(rig, fault):
    cursor = rig.connect().cursor()
    rig.w.fail("execute", fault, match=HIDING)
    cursor.execute(HIDING)
    assert rig.w.asked == []


def test_what_a_session_had_of_its_own_no_catalog_knows(rig):
    """A view of the session's, under the name of a table."""
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    for sql, error in (
        (PLAIN, routedb.TransactionLost),
        (None, routedb.OutcomeUnknown),
    ):
        cursor.execute(sql or "CREATE TEMP VIEW t AS SELECT a FROM hiding")
        connection.commit()
        cursor.execute(PLAIN)
        rig.w.fail("commit", Fault.LINK_LOST)
        with pytest.raises(error) as caught:
            connection.commit()
        assert caught.value.retry_is_safe is (sql is not None)
        connection.rollback()


# What cannot be said of a read: by a node that fails when it is asked, or by none.
SILENT = {
    "the catalog fails": lambda rig: rig.everywhere(
        "catalog", Fault.STATEMENT, times=9
    ),
    "the link is lost again": lambda rig: rig.everywhere(
        "catalog", Fault.LINK_LOST, times=9
    ),
    "nobody can be reached": lambda rig: rig.everywhere(
        "connect", Fault.REFUSED, times=99
    ),
}


@pytest.mark.parametrize("how", SILENT)
def test_without_an_answer_the_outcome_is_unknown(rig, how):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(PLAIN)
    SILENT[how](rig)
    rig.w.fail("execute", Fault.LINK_LOST, match=PLAIN)
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute(PLAIN)


def test_a_replica_is_asked_when_the_writer_is_away(rig):
    cursor = rig.connect().cursor()
    cursor.execute(HIDING)
    rig.w.fail("execute", Fault.LINK_LOST, match=HIDING, after=True)
    rig.w.fail("connect", Fault.REFUSED, times=99)
    with pytest.raises(routedb.OutcomeUnknown, match="not certain"):
        cursor.execute(HIDING)
    assert len(rig.r1.asked) + len(rig.r2.asked) == 1


def lose(rig, cursor, sql):
    rig.w.fail("execute", Fault.LINK_LOST, match=sql)
    cursor.execute(sql)


def test_an_answer_is_kept_for_a_moment_and_until_something_is_defined(rig):
    cursor = rig.connect().cursor()
    for _ in range(3):
        lose(rig, cursor, PLAIN)
    assert len(rig.w.asked) == 1
    cursor.execute("CREATE VIEW v AS SELECT a FROM t")
    lose(rig, cursor, PLAIN)
    assert len(rig.w.asked) == 2
    rig.now += KEPT_S
    lose(rig, cursor, PLAIN)
    assert len(rig.w.asked) == 3


DEFINING = [
    "CREATE OR REPLACE VIEW t AS SELECT f()",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "DROP FUNCTION f",
    "CREATE POLICY p ON t USING (f() = 1)",
    "CREATE RULE r AS ON SELECT TO t DO INSTEAD SELECT 1",
    "CREATE CAST (a AS b) WITH FUNCTION f(a)",
    "CREATE OPERATOR === (LEFTARG = int, FUNCTION = f)",
    "ALTER FUNCTION f() VOLATILE",
    "CALL redefine()",
    "DO $$ BEGIN PERFORM 1; END $$",
    "SOMETHING nobody knows",
]


@pytest.mark.parametrize("sql", DEFINING)
def test_what_may_define_something_is_followed_by_new_questions(rig, sql):
    connection = rig.connect()
    cursor = connection.cursor()
    lose(rig, cursor, PLAIN)
    cursor.execute(sql)
    for server in rig.servers.values():
        server.hides = {"t"}
    with pytest.raises(routedb.OutcomeUnknown):
        lose(rig, cursor, PLAIN)


def test_what_is_defined_counts_when_it_is_committed(rig):
    defining, other = rig.connect(autocommit=False), rig.connect()
    defining.cursor().execute("CREATE OR REPLACE VIEW t AS SELECT f()")
    lose(rig, other.cursor(), PLAIN)  # it is not there yet
    defining.commit()
    rig.w.hides = {"t"}
    with pytest.raises(routedb.OutcomeUnknown):
        lose(rig, other.cursor(), PLAIN)


def test_what_is_kept_and_asked_is_bounded(rig):
    catalog = rig.core.catalog
    for number in range(MOST_READS + 2):
        catalog.ask_plain("main", (str(number), ()), lambda: True)
    assert len(catalog._plain) <= MOST_READS
    long = (
        f"SELECT a FROM t /* */ WHERE {' AND '.join(['a = b'] * (LONGEST_ASKED // 8))}"
    )
    cursor = rig.connect().cursor()
    rig.w.fail("execute", Fault.LINK_LOST, match="SELECT a FROM t ")
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute(long)


# -- the commit of a transaction that reads by its texts ------------------------------


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("what", READS)
def test_the_commit_of_what_may_have_written_is_unknown(what, after):
    with farm() as rig:
        rig.w.hides = {"hiding"}
        connection = rig.connect(autocommit=False)
        cursor = connection.cursor()
        for sql in (PLAIN, READS[what], READS[what], PLAIN):
            run(cursor, sql)
        rig.w.fail("commit", Fault.LINK_LOST, after=after)
        with pytest.raises(routedb.OutcomeUnknown, match="not certain") as caught:
            connection.commit()
        assert not caught.value.retry_is_safe
        check_sound(rig, connection, cursor)


@pytest.mark.parametrize("sql", [PLAIN, "SELECT 1", "SHOW work_mem", "SET a = 1"])
def test_the_commit_of_plain_reads_can_be_run_again(sql):
    with farm() as rig:
        rig.w.hides = {"hiding"}
        connection = rig.connect(autocommit=False)
        cursor = connection.cursor()
        for _ in range(3):
            cursor.execute(sql)
        rig.w.fail("commit", Fault.LINK_LOST, after=True)
        with pytest.raises(routedb.TransactionLost) as caught:
            connection.commit()
        assert caught.value.retry_is_safe
        check_sound(rig, connection, cursor)


def test_a_cursor_that_is_declared_and_fetched_from_may_have_written():
    with farm() as rig:
        rig.w.hides = {"hiding"}
        connection = rig.connect(autocommit=False)
        cursor = connection.cursor()
        cursor.execute("DECLARE c CURSOR FOR SELECT a FROM hiding")
        cursor.execute("FETCH 10 FROM c")
        rig.w.fail("commit", Fault.LINK_LOST, after=True)
        with pytest.raises(routedb.OutcomeUnknown):
            connection.commit()


def test_a_transaction_that_is_declared_read_only_can_be_run_again():
    with farm() as rig:
        rig.w.hides = {"hiding"}
        connection = rig.connect()
        cursor = connection.cursor()
        with connection.using(role="writer"):
            cursor.execute("BEGIN READ ONLY")
            cursor.execute(HIDING)
            rig.w.fail("commit", Fault.LINK_LOST, after=True)
            with pytest.raises(routedb.TransactionLost):
                cursor.execute("COMMIT")


def test_after_an_unknown_commit_nobody_reads_behind_it():
    with farm() as rig:
        rig.w.hides = {"hiding"}
        connection = rig.connect()
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        cursor.execute(HIDING)
        rig.w.fail("commit", Fault.LINK_LOST, after=True)
        with pytest.raises(routedb.OutcomeUnknown):
            cursor.execute("COMMIT")
        cursor.execute(PLAIN)
        assert node_of(cursor) == "w"


def test_what_one_transaction_has_read_does_not_count_for_the_next():
    with farm() as rig:
        rig.w.hides = {"hiding"}
        connection = rig.connect(autocommit=False)
        cursor = connection.cursor()
        for end in (connection.commit, connection.rollback):
            cursor.execute(HIDING)
            end()
            cursor.execute(PLAIN)
            rig.w.fail("commit", Fault.LINK_LOST, after=True)
            with pytest.raises(routedb.TransactionLost):
                connection.commit()
            connection.rollback()


def test_too_many_shapes_to_ask_about_are_unknown():
    with farm() as rig:
        connection = rig.connect(autocommit=False)
        cursor = connection.cursor()
        for number in range(1026):
            cursor.execute(
                f"SELECT a FROM t{chr(97 + number % 26)}{'x' * (number // 26)}"
            )
        rig.w.fail("commit", Fault.LINK_LOST, after=True)
        with pytest.raises(routedb.OutcomeUnknown):
            connection.commit()


def test_run_does_not_repeat_what_may_have_written():
    with farm() as rig:
        rig.w.hides = {"hiding"}
        connection = rig.connect()
        rig.w.fail("commit", Fault.LINK_LOST, after=True)
        with pytest.raises(routedb.OutcomeUnknown):
            routedb.run(connection, lambda conn: conn.cursor().execute(HIDING))
        assert rig.count(HIDING) == {"w": 1}
        rig.w.fail("commit", Fault.LINK_LOST, after=True)
        routedb.run(connection, lambda conn: conn.cursor().execute(PLAIN))
        assert rig.count(PLAIN) == {"w": 2}
