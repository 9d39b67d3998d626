"""Reading one's own writes, and never going back, over fake servers with positions."""

from __future__ import annotations

import pytest

import routedb
from routedb.adapters import fake
from routedb.adapters.base import TxMode
from routedb.errors import Fault
from routedb.events import NodeAnswered
from routedb.routing import Reason
from routedb.session.read_state import MOST_POSITIONS
from tests.support.fake_rig import farm, node_of, reason_of

READ = "SELECT a FROM t"
WRITE = "INSERT INTO t VALUES (1)"


def read(cursor):
    cursor.execute(READ)
    return node_of(cursor)


def test_a_write_is_read_on_the_writer_until_a_replica_holds_it(placed):
    cursor = placed.connect().cursor()
    cursor.execute(WRITE)
    placed.at(w=200)
    assert (read(cursor), reason_of(cursor)) == ("w", Reason.OWN_WRITES)
    placed.look()
    assert read(cursor) == "w"
    placed.at(r2=200)
    placed.look()
    assert (read(cursor), reason_of(cursor)) == ("r2", Reason.PLAIN_READ)
    placed.at(r1=200)
    placed.look()
    assert {read(cursor) for _ in range(20)} <= {"r1", "r2"}


def test_a_sample_that_was_asked_for_before_the_write_says_nothing(placed):
    cursor = placed.connect().cursor()
    cursor.execute(WRITE)
    placed.at(w=200)  # the last sample shows all at 100
    assert read(cursor) == "w"


def test_a_committed_transaction_counts_from_its_commit(placed):
    connection = placed.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(WRITE)
    placed.look()
    placed.at(w=200)
    connection.commit()
    connection.autocommit = True
    assert read(cursor) == "w"
    placed.at(r1=199, r2=199)
    placed.look()
    assert read(cursor) == "w"
    placed.at(r1=200)
    placed.look()
    assert read(cursor) == "r1"


def test_what_a_replica_has_shown_is_not_taken_back(placed):
    connections = [placed.connect() for _ in range(2)]
    cursors = [connection.cursor() for connection in connections]
    placed.at(w=200, r1=200, r2=150)
    placed.look()
    on_r1 = next(cursor for cursor in cursors if read(cursor) == "r1")
    placed.core.loads[1] = 5  # r1 is busy, and still nobody else holds what it showed
    placed.look()
    assert {read(on_r1) for _ in range(5)} == {"r1"}
    placed.at(r2=200)
    placed.look()
    assert read(on_r1) == "r2"


def test_a_reader_whose_replica_dies_reads_on_where_it_is_known_to_be_held(placed):
    cursor = placed.connect().cursor()
    placed.at(w=200, r1=200, r2=150)
    placed.look()
    while read(cursor) != "r1":
        cursor = placed.connect().cursor()
    placed.r1.stop()
    assert read(cursor) == "w"
    placed.at(r2=200)
    placed.look()
    assert read(cursor) == "r2"


def test_a_session_that_never_pauses_asks_its_source(placed):
    """The rig's clock moves with every look at it; samples are always older."""
    connection = placed.connect()
    cursor = connection.cursor()
    read(cursor)
    cursor.execute(WRITE)
    placed.at(w=200, r1=200, r2=200)
    placed.look()
    cursor.execute(WRITE)  # after the samples were asked for
    assert read(cursor) in ("r1", "r2")  # the writer said 200, and there they are


def test_a_replica_is_asked_when_no_sample_shows_that_it_holds_all(placed):
    cursor = placed.connect().cursor()
    first = read(cursor)
    cursor.execute(WRITE)
    placed.at(w=200)
    placed.at(**{first: 200})
    assert read(cursor) == first


def test_what_a_replica_was_asked_for_is_not_known_of_another(placed):
    """The sample is newer than its last use, and older than the write."""
    connection = placed.connect()
    cursor = connection.cursor()
    asked = read(cursor)
    other = "r2" if asked == "r1" else "r1"
    placed.look()
    cursor.execute(WRITE)
    placed.at(w=200)
    placed.at(**{asked: 200})
    placed.core.loads[node_id(placed, asked)] = 5  # the other one would be preferred
    assert read(cursor) == asked
    assert placed.count(READ).get(other) is None


def node_id(rig, name):
    return next(node.id for node in rig.core.nodes if node.name == name)


def test_asking_in_vain_becomes_rare(placed):
    connection = placed.connect()
    cursor = connection.cursor()
    waits = []
    for number in range(60):
        placed.at(w=200 + number, r1=200 + number, r2=200 + number)
        placed.look()
        cursor.execute(WRITE)
        placed.at(w=1000)
        assert read(cursor) == "w"
        waits.append(connection.session.tracker.queries(0).wait_s)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.01, 1.0)


def test_a_process_counts_the_writes_of_all_its_connections():
    with farm(consistency="process") as rig:
        rig.at(w=100, r1=100, r2=100)
        rig.look()
        writer, reader, late = (rig.connect().cursor() for _ in range(3))
        assert read(reader) in ("r1", "r2")
        writer.execute(WRITE)
        rig.at(w=200)
        assert (read(reader), reason_of(reader)) == ("w", Reason.OWN_WRITES)
        assert read(late) == "w"
        rig.at(r1=200)
        rig.look()
        assert read(reader) == "r1"
        assert read(late) == "r1"
        writer.execute(WRITE)
        assert read(reader) == "w"


def test_a_session_does_not_count_the_writes_of_others(placed):
    writer, reader = (placed.connect().cursor() for _ in range(2))
    before = read(reader)
    writer.execute(WRITE)
    assert read(reader) == before


def test_eventual_reads_leave_no_trace(placed):
    connection = placed.connect()
    cursor = connection.cursor()
    cursor.execute(WRITE)
    placed.at(w=200)
    with connection.using(consistency="eventual"):
        assert read(cursor) in ("r1", "r2")
    assert read(cursor) == "w"


def test_a_transaction_whose_first_statement_shows_nothing_stays_on_replicas(placed):
    connection = placed.connect(autocommit=False)
    connection.session.set_mode(TxMode(autocommit=False, read_only=True))
    cursor = connection.cursor()
    homes = set()
    for busy in (1, 2) * 3:
        placed.look()
        placed.core.loads[1:] = [0, 0]
        placed.core.loads[busy] = 5
        for _ in range(2):
            cursor.execute("SELECT 1")
            homes |= {node_of(cursor), read(cursor), read(cursor)}
            connection.commit()
    assert homes == {"r1", "r2"}


@pytest.mark.parametrize("behind", [False, True])
def test_an_eventual_transaction_leaves_no_trace(placed, behind):
    connection = placed.connect()
    cursor = connection.cursor()
    placed.core.loads[:] = [0, 0, 5]
    assert read(cursor) == "r1"
    if behind:
        placed.at(w=200, r1=200)
        placed.look()
        assert read(cursor) == "r1"
    placed.core.loads[:] = [0, 5, 0]
    with connection.using(consistency="eventual"):
        cursor.execute("BEGIN READ ONLY")
        assert {read(cursor) for _ in range(3)} == {"r2"}
        cursor.execute("COMMIT")
    placed.core.loads[:] = [0, 0, 5]
    assert read(cursor) == "r1"


def test_what_is_run_on_a_replica_that_may_write_loses_no_write(placed):
    """EXECUTE of what was prepared there may do anything."""
    connection = placed.connect()
    cursor = connection.cursor()
    for sql in ("BEGIN READ ONLY", READ, "PREPARE p AS SELECT a FROM t", "COMMIT"):
        cursor.execute(sql)
    cursor.execute(WRITE)
    placed.at(w=200)
    with connection.using(consistency="eventual"):
        cursor.execute("EXECUTE p")
        assert node_of(cursor) != "w"
    assert read(cursor) == "w"


def test_a_source_that_dies_is_not_known_to_have_reached_a_floor(placed):
    """It was chosen for that, and has not answered."""
    connection = placed.connect()
    cursor = connection.cursor()
    placed.core.loads[:] = [0, 0, 5]
    assert read(cursor) == "r1"
    placed.core.loads[:] = [0, 0, 0]
    placed.look()
    placed.at(w=200, r1=200)
    placed.core.publish(answer_of(placed, "r1"))
    connection.after("1~main!!w1.c8")
    placed.core.wake_monitor = lambda: None
    placed.r1.stop()
    assert read(cursor) == "w"


def test_another_history_is_not_comparable(placed):
    cursor = placed.connect().cursor()
    cursor.execute(WRITE)
    placed.at(w=200, r1=300, r2=300)
    for server in (placed.r1, placed.r2):
        server.history = "2"
    placed.look()
    assert read(cursor) == "w"


@pytest.mark.parametrize(
    ("sql", "shows"),
    [
        ("SET a = 1", False),
        ("SELECT now() /* routedb: role=writer */", False),
        ("VALUES (1) /* routedb: role=writer */", False),
        ("SELECT f(1) /* routedb: role=writer */", True),  # f may read anything
        ("SELECT a FROM t /* routedb: role=writer */", True),
    ],
)
def test_what_shows_no_data_moves_nobody(placed, sql, shows):
    cursor = placed.connect().cursor()
    before = read(cursor)
    cursor.execute(sql)
    placed.at(w=200)
    assert (read(cursor) != before) is shows


def test_a_lost_answer_counts_as_a_write(placed):
    cursor = placed.connect().cursor()
    read(cursor)
    placed.w.fail("execute", match="INSERT", after=True)
    placed.at(w=200)  # it was done
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute(WRITE)
    assert read(cursor) == "w"


def test_a_token_is_held_by_replicas_that_have_come_so_far(placed):
    writer = placed.connect()
    writer.cursor().execute(WRITE)
    placed.at(w=200)
    token = writer.token()
    assert token == "1~main!!w1.c8"
    reader = placed.connect()
    cursor = reader.cursor()
    first = read(cursor)
    reader.after(token)
    assert (read(cursor), reason_of(cursor)) == ("w", Reason.OWN_WRITES)
    placed.at(**{first: 200})
    placed.look()
    assert read(cursor) == first


def test_a_token_of_another_history_means_writer_until_there_is_news(placed):
    connection = placed.connect()
    connection.after("1~main!!w7.1")
    cursor = connection.cursor()
    assert read(cursor) == "w"
    placed.look()
    assert read(cursor) in ("r1", "r2")


def test_two_tokens_are_kept_both(placed):
    connection = placed.connect()
    connection.after("1~main!!w1.c8")
    connection.after("1~main!!w2.c7")
    assert connection.token() == "1~main!!w1.c8~main!!w2.c7"
    connection = placed.connect()
    connection.after("1~main!!w1.c8")
    connection.after("1~main!!w1.c7")
    assert connection.token() == "1~main!!w1.c8"
    placed.at(r1=199, r2=200)
    for server in (placed.r1, placed.r2):
        placed.servers[server.name].lag_s = 0.0
    placed.core.publish(answer_of(placed, "r1"))
    placed.core.publish(answer_of(placed, "r2"))
    assert read(connection.cursor()) == "r2"


def answer_of(rig, name):
    """What a probe of one node alone would bring."""
    node = next(node for node in rig.core.nodes if node.name == name)
    adapter = rig.core.adapter(node)
    answer = adapter.probe(adapter.connect(node, 1.0))
    return NodeAnswered(node.id, 0, answer, rig.clock())


@pytest.mark.parametrize("group", ["other!", "main!3", "other!3"])
@pytest.mark.parametrize("position", ["w1.ffff", "x"])
def test_a_group_that_is_not_here_may_be_here_under_another_name(
    placed, group, position
):
    connection = placed.connect()
    connection.after(f"1~{group}!{position}")
    assert read(connection.cursor()) == "w"


def test_positions_of_other_kinds_of_servers_are_passed_over(placed):
    connection = placed.connect()
    connection.after("1~other!!g0-1-100")
    assert read(connection.cursor()) in ("r1", "r2")


def test_inside_a_transaction_there_is_no_token(placed):
    connection = placed.connect(autocommit=False)
    connection.cursor().execute(WRITE)
    for call in (connection.token, lambda: connection.after("1")):
        with pytest.raises(routedb.ProgrammingError, match="transaction"):
            call()


def test_waiting_for_a_token_ends(placed):
    connection = placed.connect()
    assert connection.wait_for("1~main!!w1.64", timeout=5.0)
    placed.at(w=200)
    assert not connection.wait_for("1~main!!w1.c8", timeout=1.0)
    assert connection.wait_for("1", timeout=0.0)


def test_servers_that_tell_no_position_give_a_token_that_means_writer(rig):
    writer = rig.connect()
    writer.cursor().execute(WRITE)
    token = writer.token()
    assert token == "1~main!!x"
    reader = rig.connect()
    reader.after(token)
    rig.look()
    assert read(reader.cursor()) == "w"


def test_an_error_shows_data_too(placed):
    """A unique violation tells of a row that a replica may not have yet."""
    cursor = placed.connect().cursor()
    read(cursor)
    placed.w.fail("execute", Fault.STATEMENT, match="INSERT")
    with pytest.raises(routedb.IntegrityError):
        cursor.execute(WRITE)
    placed.at(w=200)
    assert read(cursor) == "w"


@pytest.mark.parametrize("way", ["executemany", "callproc", "several"])
def test_every_way_to_write_counts(placed, way):
    cursor = placed.connect().cursor()
    read(cursor)
    if way == "executemany":
        cursor.executemany("INSERT INTO t VALUES (%s)", [(1,), (2,)])
    elif way == "callproc":
        cursor.callproc("p", (1,))
    else:
        cursor.execute(f"{WRITE}; {WRITE}")
    placed.at(w=200)
    assert read(cursor) == "w"


def forged(number):
    """A token of many positions of which none is at or beyond another."""
    entries = (f"main!!w{number * 500 + at:x}.{at:x}" for at in range(1, 500))
    return "~".join(("1", *entries))


def test_forged_tokens_cost_a_session_no_more_than_the_writer(rig):
    rig.at(w=9, r1=9, r2=9)
    rig.look()
    connection = rig.connect()
    for number in range(20):
        connection.after(forged(number))
    [state] = connection.session.read_states.values()
    assert len(state.min_positions) <= MOST_POSITIONS
    cursor = connection.cursor()
    cursor.execute("SELECT a FROM t")
    assert node_of(cursor) == "w"
    rig.look()
    cursor.execute("SELECT a FROM t")
    assert node_of(cursor) in ("r1", "r2")


def test_positions_of_one_history_are_one(rig):
    connection = rig.connect()
    for lsn in (5, 9, 7, 9, 8):
        connection.after(f"1~main!!w1.{lsn:x}~main!!w1.1")
    [state] = connection.session.read_states.values()
    assert [str(m.position) for m in state.min_positions] == ["0/00000009@1"]


def test_a_token_is_signed_where_there_is_a_key():
    key, other = "k" * 16, "o" * 16
    with fake.Server("signed"):
        one = routedb.Cluster({**SIGNED, "token_key": key})
        both = routedb.Cluster({**SIGNED, "token_key": [other, key]})
        with one, both:
            token = one.connect().token()
            both.connect(after=token).close()
            for refused in ("1", both.connect().token(), token[:-1]):
                with pytest.raises(routedb.ProgrammingError, match="token_key"):
                    one.connect(after=refused)


SIGNED = {"databases": {"main": {"nodes": ["fake://signed"]}}}
