"""What is told of a statement, and what it costs when nobody asks."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import routedb
from routedb.errors import Fault
from routedb.events import ObserverFailed, StatementRan, StatementRetried
from routedb.observers import OBSERVERS, explain, observe
from tests.support.fake_rig import Rig, farm, node_of

READ, WRITE = "SELECT a FROM t", "INSERT INTO shop.t VALUES (%s)"


def ran(events):
    return [event for event in events if isinstance(event, StatementRan)]


def test_where_a_statement_ran_and_why(rig: Rig, statements):
    cursor = rig.connect().cursor()
    cursor.execute(READ)
    cursor.execute(WRITE, ("secret",))
    read, write = ran(statements)
    assert (read.node.database, read.role, read.verb) == ("main", "replica", "SELECT")
    assert (read.tables, write.tables) == (("t",), ("shop.t",))
    assert (read.rows, read.retries, read.error) == (1, 0, None)
    assert read.reason.endswith("plain read")
    assert (str(write.node), write.role, write.rows) == ("w", "writer", 1)
    assert write.duration_s >= 0
    assert write.started_at >= read.started_at
    assert write.text is None
    assert "secret" not in repr(statements)


def test_texts_are_told_to_those_who_ask_for_them(rig: Rig, statements):
    with_texts: list[Any] = []
    with observe(with_texts.append, texts=True):
        rig.connect().cursor().execute(WRITE, ("secret",))
    [event], [other] = with_texts, ran(statements)
    assert (event.text, other.text) == (WRITE, None)
    assert "secret" not in repr(event)


def test_a_statement_that_was_run_again_says_so(rig: Rig, statements):
    cursor = rig.connect().cursor()
    rig.r1.fail("execute", Fault.LINK_LOST)
    rig.r2.fail("execute", Fault.LINK_LOST)
    cursor.execute(READ)
    [event] = ran(statements)
    retried = [each for each in statements if isinstance(each, StatementRetried)]
    assert event.retries == len(retried) == 2
    assert {str(each.node) for each in retried} == {"r1", "r2"}
    assert str(event.node) == node_of(cursor) == "w"


def test_a_statement_that_fails_names_its_error_and_node(rig: Rig, statements):
    cursor = rig.connect().cursor()
    for _ in range(2):  # the second takes the hot path
        cursor.execute(WRITE)
    rig.w.fail("execute", Fault.STATEMENT)
    with pytest.raises(routedb.IntegrityError) as caught:
        cursor.execute(WRITE)
    event = ran(statements)[-1]
    assert event.error is caught.value
    assert (str(event.node), event.role, event.rows) == ("w", "writer", -1)


def test_what_is_refused_went_nowhere_and_the_cursor_shows_the_last(
    rig: Rig, statements
):
    cursor = rig.connect().cursor()
    cursor.execute(READ)
    route, node = cursor.route, cursor.node
    with pytest.raises(routedb.HintError):
        cursor.execute("INSERT INTO t VALUES (1) /* routedb: role=replica */")
    event = ran(statements)[-1]
    assert (event.node, event.role, event.verb) == (None, "", "INSERT")
    assert (cursor.route, cursor.node) == (route, node)


def test_batches_and_procedures_are_one_statement_each(rig: Rig, statements):
    cursor = rig.connect().cursor()
    cursor.executemany(WRITE, [(1,), (2,), (3,)])
    cursor.callproc("clean", ())
    batch, call = ran(statements)
    assert (batch.verb, batch.batch) == ("INSERT", 3)
    assert (call.verb, call.batch) == ("CALL", None)


def test_observed_or_not_statements_go_the_same_way(rig: Rig):
    ways: list[list[object]] = []
    for callbacks in ([], [print]):
        subscriptions = [observe(each, statements=True) for each in callbacks]
        connection = rig.connect()
        connection.session.start = 0
        cursor = connection.cursor()
        ways.append([])
        for sql in [READ] * 5 + [WRITE] + [READ] * 3:
            cursor.execute(sql)
            ways[-1].append((cursor.route, node_of(cursor)))
        for each in subscriptions:
            each.close()
    assert ways[0] == ways[1]


# -- who is told -----------------------------------------------------------------------


def test_a_callback_that_raises_breaks_nothing_and_is_told_of_once(rig: Rig):
    told: list[Any] = []

    def fails(event):
        raise ValueError("of password=s3cret")

    cursor = rig.connect().cursor()
    with observe(told.append), observe(fails, statements=True):
        for _ in range(3):
            cursor.execute(READ)
    [event] = told
    assert isinstance(event, ObserverFailed)
    assert event.callback.endswith("fails")
    assert event.why == "ValueError: of password=***"


def test_after_close_nothing_is_told_and_nothing_is_looked_at(rig: Rig):
    told: list[Any] = []
    subscription = observe(told.append, statements=True)
    assert rig.core.observers is OBSERVERS
    subscription.close()
    subscription.close()
    assert rig.core.observers is None
    rig.connect().cursor().execute(READ)
    rig.r1.stop()
    rig.look()
    assert told == []


def test_a_core_that_is_made_later_is_observed_too():
    told: list[Any] = []
    with observe(told.append, statements=True), farm(replicas=0) as rig:
        rig.connect().cursor().execute(READ)
    assert [event.verb for event in ran(told)] == ["SELECT"]


def test_a_callback_may_run_statements_itself(rig: Rig):
    connection = rig.connect()
    told: list[Any] = []

    def asks(event):
        told.append(type(event).__name__)
        connection.cursor().execute(READ)

    with observe(asks):
        rig.r1.stop()
        rig.look()
    assert told == ["NodeStateChanged"]


def test_what_postgresql_quotes_is_not_told():
    error = ValueError(
        "relation \"t\" does not exist\nLINE 1: SELECT * FROM t WHERE a = 'secret'\n"
        "                      ^\nDETAIL: Key (a)=(secret)\nHINT: look at password=x y"
    )
    assert explain(error) == (
        'relation "t" does not exist HINT: look at password=*** y'
    )


# -- what it costs ---------------------------------------------------------------------


def calls(cursor) -> list[str]:
    """Return the Python functions that one cached read calls."""
    called: list[str] = []

    def note(frame, event, arg):
        if event == "call" and "routedb" in frame.f_code.co_filename:
            called.append(f"{frame.f_globals['__name__']}.{frame.f_code.co_name}")

    sys.setprofile(note)
    try:
        cursor.execute(READ)
    finally:
        sys.setprofile(None)
    return called


def test_without_observers_a_statement_calls_nothing_of_them(rig: Rig):
    cursor = rig.connect().cursor()
    for _ in range(50):
        cursor.execute(READ)
    before = calls(cursor)
    with observe(lambda event: None):  # of what is rare
        assert calls(cursor) == before
    with observe(lambda event: None, statements=True):
        observed = calls(cursor)
    assert calls(cursor) == before
    assert not [name for name in before if "observe" in name]
    assert "routedb.engine.run.observed.call" in observed
