"""Fault x moment -> action: the table, and the rules it may not break."""

from __future__ import annotations

import pytest

from routedb.errors import Fault
from routedb.session.recovery import TABLE, Action, Moment, action_for

NOTHING_SENT = {Moment.FINDING_REPLICA, Moment.FINDING_WRITER}
RUNS_AGAIN = {Action.RETRY_ELSEWHERE, Action.AWAIT_WRITER, Action.FOLLOW}


def test_every_fault_has_a_line():
    assert set(TABLE) == set(Fault)


@pytest.mark.parametrize(
    ("fault", "moment", "action"),
    [
        (Fault.LINK_LOST, Moment.READING, Action.RETRY_ELSEWHERE),
        (Fault.LINK_LOST, Moment.WRITING, Action.RAISE_OUTCOME_UNKNOWN),
        (Fault.LINK_LOST, Moment.IN_TRANSACTION, Action.LOSE),
        (Fault.LINK_LOST, Moment.IN_READ_ONLY, Action.LOSE),
        (Fault.LINK_LOST, Moment.COMMITTING, Action.RAISE_OUTCOME_UNKNOWN),
        (Fault.LINK_LOST, Moment.COMMITTING_READS, Action.LOSE),
        (Fault.REFUSED, Moment.FINDING_REPLICA, Action.RETRY_ELSEWHERE),
        (Fault.REFUSED, Moment.FINDING_WRITER, Action.AWAIT_WRITER),
        (Fault.NODE_STARTING, Moment.FINDING_WRITER, Action.AWAIT_WRITER),
        (Fault.NODE_READ_ONLY, Moment.READING, Action.AWAIT_WRITER),
        (Fault.NODE_READ_ONLY, Moment.WRITING, Action.AWAIT_WRITER),
        (Fault.NODE_READ_ONLY, Moment.IN_READ_ONLY, Action.RAISE),
        (Fault.OVERLOAD, Moment.FINDING_REPLICA, Action.RETRY_ELSEWHERE),
        (Fault.OVERLOAD, Moment.WRITING, Action.RAISE),
        (Fault.CONFLICT, Moment.READING, Action.RETRY_ELSEWHERE),
        (Fault.CONFLICT, Moment.WRITING, Action.RAISE),
        (Fault.CONFLICT, Moment.IN_TRANSACTION, Action.RAISE),
        (Fault.TIMEOUT, Moment.READING, Action.RAISE),
        (Fault.TOO_LARGE, Moment.READING, Action.RAISE),
        (Fault.TOO_LARGE, Moment.WRITING, Action.RAISE),
        (Fault.TOO_LARGE, Moment.IN_TRANSACTION, Action.LOSE),
        (Fault.STATEMENT, Moment.READING, Action.RAISE),
        (Fault.MISSING, Moment.READING, Action.AWAIT_WRITER),
        (Fault.MISSING, Moment.WRITING, Action.RAISE),
        (Fault.MISSING, Moment.BEGINNING_READ_ONLY, Action.AWAIT_WRITER),
        (Fault.MISSING, Moment.IN_READ_ONLY, Action.RAISE),
        (Fault.NODE_READ_ONLY, Moment.BEGINNING, Action.AWAIT_WRITER),
        (Fault.NODE_READ_ONLY, Moment.BEGINNING_READ_ONLY, Action.RAISE),
        (Fault.LINK_LOST, Moment.BEGINNING, Action.LOSE),
        (Fault.MOVED, Moment.WRITING, Action.FOLLOW),
        (Fault.MOVED, Moment.IN_TRANSACTION, Action.LOSE),
    ],
)
def test_a_fault_at_a_moment_leads_to_the_action(fault, moment, action):
    assert action_for(fault, moment) is action


@pytest.mark.parametrize("moment", [Moment.COMMITTING, Moment.COMMITTING_READS])
@pytest.mark.parametrize("fault", list(Fault))
def test_a_commit_is_never_run_again(fault, moment):
    assert action_for(fault, moment) not in RUNS_AGAIN


@pytest.mark.parametrize("moment", [Moment.IN_TRANSACTION, Moment.IN_READ_ONLY])
@pytest.mark.parametrize("fault", list(Fault))
def test_nothing_inside_a_transaction_is_run_again(fault, moment):
    assert action_for(fault, moment) not in RUNS_AGAIN


@pytest.mark.parametrize("moment", [Moment.BEGINNING, Moment.BEGINNING_READ_ONLY])
@pytest.mark.parametrize("fault", list(Fault))
def test_a_transaction_begins_anew_only_when_the_node_has_done_nothing(fault, moment):
    if action_for(fault, moment) in RUNS_AGAIN:
        assert fault in {Fault.NODE_READ_ONLY, Fault.MISSING, Fault.MOVED}


@pytest.mark.parametrize("fault", list(Fault))
def test_a_write_is_run_again_only_when_the_node_proves_that_it_did_nothing(fault):
    if action_for(fault, Moment.WRITING) in RUNS_AGAIN:
        assert fault in {Fault.NODE_READ_ONLY, Fault.NODE_STARTING, Fault.MOVED}


@pytest.mark.parametrize("fault", list(Fault))
def test_a_commit_whose_id_is_known_is_asked_for_where_it_would_be_unknown(fault):
    plain = action_for(fault, Moment.COMMITTING)
    marked = action_for(fault, Moment.COMMITTING_NOTED)
    assert (marked is Action.ASK) == (plain is Action.RAISE_OUTCOME_UNKNOWN)
    assert marked in (Action.ASK, plain, Action.RAISE)
