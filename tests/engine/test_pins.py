"""Where statements go that need what lives on one link, and what is said of it."""

from __future__ import annotations

import pytest

import routedb
from routedb.errors import Fault
from routedb.routing import Reason
from tests.support.fake_rig import farm, node_of, reason_of

# What a session has, and what it needs that for. `consistency="eventual"` would send
# plain reads to a replica at once.
NEEDED = {
    "a temporary table": ("CREATE TEMP TABLE mine (a int)", "SELECT a FROM mine"),
    "a temporary table by its schema": (
        "CREATE TABLE pg_temp.mine (a int)",
        "SELECT a FROM pg_temp.mine",
    ),
    "SELECT INTO TEMP": ("SELECT a INTO TEMP mine FROM t", "SELECT a FROM mine, t"),
    "a temporary view": ("CREATE TEMP VIEW mine AS SELECT 1", "TABLE mine"),
    "the catalog": (
        "CREATE TEMP TABLE mine (a int)",
        "SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'mine'",
    ),
    "an index of a temporary table": (
        "CREATE TEMP TABLE mine (a int)",
        "CREATE INDEX ON mine (a)",
    ),
    "a prepared statement": ("PREPARE p AS SELECT a FROM t", "EXECUTE p"),
    "what is prepared": (
        "PREPARE p AS SELECT a FROM t",
        "SELECT name FROM pg_prepared_statements",
    ),
    "a cursor": ("DECLARE c CURSOR WITH HOLD FOR SELECT a FROM t", "FETCH ALL c"),
    "a lock": ("SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock(2)"),
    "LISTEN": ("LISTEN news", "SELECT pg_listening_channels()"),
    "a value of a sequence": ("SELECT nextval('s')", "SELECT currval('s')"),
    "the last value": ("INSERT INTO t VALUES (1)", "SELECT lastval()"),
}


@pytest.fixture
def eventual():
    with farm(consistency="eventual") as rig:
        yield rig


@pytest.mark.parametrize("case", NEEDED)
def test_what_needs_a_pin_goes_to_it(eventual, case):
    make, use = NEEDED[case]
    connection = eventual.connect()
    cursor = connection.cursor()
    cursor.execute(make)
    for _ in range(3):
        cursor.execute(use)
        assert (node_of(cursor), reason_of(cursor)) == ("w", Reason.PINNED)
        assert connection.explain(use).nodes == (cursor.node,)


@pytest.mark.parametrize("role", ["replica", "writer"])
def test_a_temporary_table_is_read_where_it_is_whatever_was_asked_for(eventual, role):
    connection = eventual.connect()
    cursor = connection.cursor()
    cursor.execute("CREATE TEMP TABLE mine (a int)")
    with connection.using(role=role, consistency="eventual"):
        cursor.execute("SELECT a FROM mine")
    assert cursor.route.reason == "temporary table mine is on w"
    cursor.execute("SELECT a FROM mine /* routedb: role=replica */")
    assert node_of(cursor) == "w"


def test_other_reads_go_to_replicas_as_before(eventual):
    cursor = eventual.connect().cursor()
    cursor.execute("CREATE TEMP TABLE mine (a int)")
    for sql in ("SELECT a FROM t", "SELECT a FROM public.mine"):
        cursor.execute(sql)
        assert node_of(cursor) != "w"


def test_reads_go_to_replicas_again_when_it_is_dropped(eventual):
    connection = eventual.connect()
    cursor = connection.cursor()
    for sql in ("CREATE TEMP TABLE mine (a int)", "DROP TABLE mine"):
        cursor.execute(sql)
    assert connection.pins == ()
    cursor.execute("SELECT a FROM mine")
    assert node_of(cursor) != "w"


# What is run, and what is pinned afterwards.
PINS = {
    "a table": (["CREATE TEMP TABLE a (i int)"], ["temporary table a on w"]),
    "names as they are written": (['LISTEN "News"'], ["LISTEN News on w"]),
    "a lock, not its key": (["SELECT pg_advisory_lock(42)"], ["session lock on w"]),
    "a lock of the transaction": (["SELECT pg_advisory_xact_lock(42)"], []),
    "a lock that was given back": (
        ["SELECT pg_advisory_lock(42)", "SELECT pg_advisory_unlock(42)"],
        [],
    ),
    "a lock that was taken twice": (
        ["SELECT pg_advisory_lock(42)"] * 2 + ["SELECT pg_advisory_unlock(42)"],
        ["session lock on w"],
    ),
    "the end of another lock": (
        ["SELECT pg_advisory_lock(42)", "SELECT pg_advisory_unlock(1)"],
        ["session lock on w"],
    ),
    "all locks": (
        ["SELECT pg_advisory_lock(42)", "SELECT pg_advisory_unlock_all()"],
        [],
    ),
    "UNLISTEN": (["LISTEN a", "LISTEN b", "UNLISTEN a"], ["LISTEN b on w"]),
    "UNLISTEN *": (["LISTEN a", "LISTEN b", "UNLISTEN *"], []),
    "DEALLOCATE": (["PREPARE p AS SELECT 1", "DEALLOCATE p"], []),
    "DEALLOCATE ALL": (["PREPARE p AS SELECT 1", "DEALLOCATE ALL"], []),
    "CLOSE": (["DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CLOSE c"], []),
    "a cursor of a transaction": (["DECLARE c CURSOR FOR SELECT 1"], []),
    "DISCARD TEMP": (
        ["CREATE TEMP TABLE a (i int)", "LISTEN b", "DISCARD TEMP"],
        ["LISTEN b on w"],
    ),
    "DISCARD PLANS": (
        ["PREPARE p AS SELECT 1", "DISCARD PLANS"],
        ["prepared statement p on w"],
    ),
    "DISCARD SEQUENCES": (["SELECT nextval('s')", "DISCARD SEQUENCES"], []),
    "DISCARD ALL": (
        ["CREATE TEMP TABLE a (i int)", "LISTEN b", "PREPARE p AS SELECT 1"]
        + ["SELECT pg_advisory_lock(1)", "SELECT nextval('s')", "DISCARD ALL"],
        [],
    ),
    "a rollback": (
        ["BEGIN", "CREATE TEMP TABLE a (i int)", "LISTEN b", "PREPARE p AS SELECT 1"]
        + ["SELECT pg_advisory_lock(1)", "ROLLBACK"],
        ["prepared statement p on w", "session lock on w"],
    ),
    "a commit": (
        ["BEGIN", "CREATE TEMP TABLE a (i int)", "COMMIT"],
        ["temporary table a on w"],
    ),
    "ON COMMIT DROP": (
        ["BEGIN", "CREATE TEMP TABLE a (i int) ON COMMIT DROP", "COMMIT"],
        [],
    ),
    "ON COMMIT DROP outside a transaction": (
        ["CREATE TEMP TABLE a (i int) ON COMMIT DROP"],
        [],
    ),
    "ON COMMIT DELETE ROWS": (
        ["CREATE TEMP TABLE a (i int) ON COMMIT DELETE ROWS"],
        ["temporary table a on w"],
    ),
    "a savepoint": (
        ["BEGIN", "LISTEN a", "SAVEPOINT s", "LISTEN b", "ROLLBACK TO s", "COMMIT"],
        ["LISTEN a on w"],
    ),
    "a savepoint before the first statement": (
        ["BEGIN", "SAVEPOINT s", "LISTEN b", "ROLLBACK TO s", "COMMIT"],
        [],
    ),
    "a drop that is rolled back": (
        ["CREATE TEMP TABLE a (i int)", "BEGIN", "DROP TABLE a", "ROLLBACK"],
        ["temporary table a on w"],
    ),
    "several in one text": (
        ["CREATE TEMP TABLE a (i int); LISTEN b; DROP TABLE a"],
        ["LISTEN b on w"],
    ),
    "a transaction in one text": (
        ["BEGIN; LISTEN a; ROLLBACK; BEGIN; LISTEN b; COMMIT"],
        ["LISTEN b on w"],
    ),
    "a new name": (
        ["CREATE TEMP TABLE a (i int)", "ALTER TABLE a RENAME TO b"],
        ["temporary table b on w"],
    ),
    "a new name of another table": (["ALTER TABLE a RENAME TO b"], []),
    "a view on a temporary table": (
        ["CREATE TEMP TABLE a (i int)", "CREATE VIEW v AS SELECT * FROM a"],
        ["temporary table a on w", "temporary view v on w"],
    ),
}


@pytest.mark.parametrize("case", PINS)
def test_a_connection_tells_what_pins_it(rig, case):
    texts, expected = PINS[case]
    connection = rig.connect()
    cursor = connection.cursor()
    for sql in texts:
        cursor.execute(sql)
    assert [str(pin) for pin in connection.pins] == expected


def test_the_key_of_a_lock_may_be_a_parameter_and_is_never_shown(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT pg_advisory_lock(%s)", (4711,))
    cursor.execute("SELECT pg_advisory_lock(%(key)s)", {"key": 4712})
    assert "471" not in repr(connection.pins)
    cursor.execute("SELECT pg_advisory_unlock(4711)")
    assert len(connection.pins) == 1
    cursor.execute("SELECT pg_advisory_unlock(%s)", [4712])
    assert connection.pins == ()


def test_a_failed_statement_pins_nothing(rig):
    connection = rig.connect()
    sql = "CREATE TEMP TABLE a (i int)"
    rig.w.fail("execute", Fault.STATEMENT, match=sql)
    with pytest.raises(connection.IntegrityError):
        connection.cursor().execute(sql)
    assert connection.pins == ()


@pytest.mark.parametrize("sql", ["SELECT a FROM t", "INSERT INTO t VALUES (1)"])
def test_what_was_lost_is_named_once_and_before_anything_is_sent(rig, sql):
    connection = rig.connect()
    cursor = connection.cursor()
    for text in ("SELECT pg_advisory_lock(1)", "LISTEN news"):
        cursor.execute(text)
    rig.w.fail("execute", Fault.LINK_LOST, match="UPDATE t SET a = 1")
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute("UPDATE t SET a = 1")
    assert connection.pins == ()
    rig.forget()
    with pytest.raises(connection.OperationalError, match="LISTEN news, session lock"):
        cursor.execute(sql)
    assert rig.logs() == {}
    cursor.execute(sql)


def test_a_transaction_that_is_run_again_is_told_of_the_lock_it_no_longer_has(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    for sql in ("SELECT pg_advisory_lock(1)", "BEGIN", "INSERT INTO t VALUES (1)"):
        cursor.execute(sql)
    rig.w.fail("execute", Fault.LINK_LOST, match="UPDATE t SET a = 1")
    with pytest.raises(routedb.TransactionLost):
        cursor.execute("UPDATE t SET a = 1")
    connection.rollback()
    with pytest.raises(connection.OperationalError, match="session lock"):
        cursor.execute("BEGIN; INSERT INTO t VALUES (1)")
    cursor.execute("INSERT INTO t VALUES (1)")


def test_a_lost_value_of_a_sequence_is_no_error_but_for_who_asks(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT nextval('s')")
    rig.w.drop_links()
    cursor.execute("INSERT INTO t VALUES (1)")
    rig.w.drop_links()
    cursor.execute("UPDATE t SET a = 2")
    rig.forget()
    with pytest.raises(connection.OperationalError, match="value of a sequence"):
        cursor.execute("SELECT currval('s')")
    assert rig.logs() == {}


def test_a_transaction_on_a_replica_does_not_leave_it_for_a_pin(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("CREATE TEMP TABLE mine (a int)")
    cursor.execute("BEGIN READ ONLY")
    with connection.using(role="replica", consistency="eventual"):
        cursor.execute("SELECT a FROM t")
    assert node_of(cursor) != "w"
    with pytest.raises(routedb.CrossDatabaseError, match="table mine is on w, but"):
        cursor.execute("SELECT a FROM mine")
    connection.rollback()
    cursor.execute("BEGIN READ ONLY")
    for sql in ("SELECT a FROM mine", "SELECT a FROM t"):
        cursor.execute(sql)
        assert node_of(cursor) == "w"


def test_a_pin_on_a_replica_is_used_there(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("BEGIN READ ONLY")
    cursor.execute("SELECT a FROM t")
    home = node_of(cursor)
    assert home != "w"
    for sql in ("PREPARE p AS SELECT a FROM t", "COMMIT", "EXECUTE p", "EXECUTE p"):
        cursor.execute(sql)
    assert (node_of(cursor), reason_of(cursor)) == (home, Reason.PINNED)
    cursor.execute("DISCARD ALL")
    assert connection.pins == ()
    assert rig.servers[home].texts[-1] == "DISCARD ALL"


def test_a_session_that_listens_reads_where_notifications_arrive(eventual):
    connection = eventual.connect()
    cursor = connection.cursor()
    cursor.execute("LISTEN news")
    cursor.execute("SELECT a FROM t")
    assert (node_of(cursor), reason_of(cursor)) == ("w", Reason.PINNED)
    with connection.using(role="replica"):
        cursor.execute("SELECT a FROM t")
        assert node_of(cursor) in {"r1", "r2"}
    cursor.execute("UNLISTEN news")
    cursor.execute("SELECT a FROM t")
    assert node_of(cursor) in {"r1", "r2"}
