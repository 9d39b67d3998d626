"""What lives on one backend: made, ended, undone, lost."""

from __future__ import annotations

import pytest

from routedb.session.pins import Pins
from routedb.sql.session_objects import EVERY, ObjectKind, SessionObject

TABLE, LOCK = SessionObject(ObjectKind.TABLE, "t"), SessionObject(ObjectKind.LOCK)
LISTEN, PLAN = (
    SessionObject(ObjectKind.LISTEN, "c"),
    SessionObject(ObjectKind.PREPARED, "p"),
)
VALUE = SessionObject(ObjectKind.VALUE)
W, R = 0, 1


def shown(pins):
    return [f"{held.obj} @{held.node}" for held in pins]


def hold(obj, **how):
    return lambda pins: pins.hold(obj, W, **how)


def free(obj, **how):
    return lambda pins: pins.free(obj, W, **how)


def commit(pins):
    pins.commit()


def rollback(pins):
    pins.rollback()


def savepoint(pins):
    pins.uncommitted.savepoint("s")


def back(pins):
    pins.rollback_to("s")


UNDONE = {"is_undone": True}
STORIES = {
    "what is made is there": ([hold(TABLE)], ["temporary table t @0"]),
    "what is ended is not": ([hold(TABLE), free(TABLE)], []),
    "a rollback undoes what was made": ([hold(TABLE, **UNDONE), rollback], []),
    "a commit keeps it": (
        [hold(TABLE, **UNDONE), commit, rollback],
        ["temporary table t @0"],
    ),
    "a rollback undoes what was ended": (
        [hold(TABLE), free(TABLE, **UNDONE), rollback],
        ["temporary table t @0"],
    ),
    "what was made and ended in one transaction is not there": (
        [hold(TABLE, **UNDONE), free(TABLE, **UNDONE), rollback],
        [],
    ),
    "a savepoint keeps what came before it": (
        [hold(TABLE, **UNDONE), savepoint, hold(LISTEN, **UNDONE), back, commit],
        ["temporary table t @0"],
    ),
    "ON COMMIT DROP ends at the commit": (
        [hold(TABLE, is_undone=True, is_ending=True), commit],
        [],
    ),
    "a lock is counted": (
        [hold(LOCK, key="1"), hold(LOCK, key="1"), free(LOCK, key="1")],
        ["session lock @0"],
    ),
    "locks are told apart by their keys": (
        [hold(LOCK, key="1"), hold(LOCK, key="2"), free(LOCK, key="2")],
        ["session lock @0"],
    ),
    "another lock's end ends none": (
        [hold(LOCK, key="1"), free(LOCK, key="9")],
        ["session lock @0"],
    ),
    "all of a kind end at once": (
        [hold(LOCK, key="1"), hold(LOCK, key="1"), free(LOCK._replace(name=EVERY))],
        [],
    ),
    "a view is dropped by its name, whatever it is called": (
        [hold(SessionObject(ObjectKind.VIEW, "t")), free(TABLE)],
        [],
    ),
    "DISCARD ALL ends everything": (
        [hold(TABLE), hold(PLAN), lambda p: p.clear(W)],
        [],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_pins(story):
    steps, expected = STORIES[story]
    pins = Pins()
    for step in steps:
        step(pins)
    assert shown(pins) == expected


def test_a_lost_link_takes_with_it_what_lived_there_and_nothing_else():
    pins = Pins()
    pins.hold(TABLE, W)
    pins.hold(PLAN, R)
    pins.lose(W)
    assert shown(pins) == ["prepared statement p @1"]
    assert pins.pop_lost() == "temporary table t"
    assert not pins.lost


def test_what_a_lost_transaction_had_made_is_not_missed():
    pins = Pins()
    pins.hold(LISTEN, W)
    pins.hold(TABLE, W, is_undone=True)
    pins.lose(W)
    assert pins.pop_lost() == "LISTEN c"


def test_what_a_lost_transaction_had_dropped_is_missed():
    pins = Pins()
    pins.hold(TABLE, W)
    pins.free(TABLE, W, is_undone=True)
    pins.lose(W)
    pins.rollback()
    assert pins.pop_lost() == "temporary table t"
    assert shown(pins) == []


def test_what_was_given_up_after_its_loss_is_not_missed():
    pins = Pins()
    pins.hold(LISTEN, W)
    pins.hold(SessionObject(ObjectKind.CURSOR, "c"), W)
    pins.lose(W)
    pins.free(SessionObject(ObjectKind.CURSOR, "c"), W)
    assert pins.pop_lost() == "LISTEN c"


def test_the_value_of_a_sequence_is_missed_only_by_who_asks_for_it():
    pins = Pins()
    pins.hold(VALUE, W)
    pins.last_insert_node = W
    pins.lose(W)
    assert not pins.lost
    assert pins.is_gone(VALUE)
    pins.hold(VALUE, R)
    assert not pins.is_gone(VALUE)


def test_a_variable_whose_name_is_not_known_may_be_any():
    pins = Pins()
    pins.hold(SessionObject(ObjectKind.VARIABLE), R)  # SET @'a b' = 1
    assert pins.node_of(SessionObject(ObjectKind.VARIABLE, "c")) == R
    assert pins.node_of(SessionObject(ObjectKind.PREPARED, "c")) == -1


def test_the_last_value_is_where_the_last_insert_ran():
    pins = Pins()
    assert pins.node_of(VALUE) == -1
    pins.last_insert_node = R
    assert pins.node_of(VALUE) == R
