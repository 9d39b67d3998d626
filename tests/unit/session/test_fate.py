"""What an answer about a lost commit proves: the table, and who is related how."""

from __future__ import annotations

from itertools import product

import pytest

from routedb.adapters.postgresql.commit_check import end_in_history
from routedb.session.commit_outcome import (
    TABLE,
    CommitOutcome,
    ServerRelation,
    outcome_of,
    relation_of,
)
from routedb.topology.commit_status import CommitNote, StatusReply, TransactionStatus

NOTE = CommitNote(
    xid=700,
    system=1,
    timeline=3,
    incarnation="monday",
    position=5000,
    flushed=4000,
    pid=42,
)
DURABLE = NOTE._replace(flushed=5000)
SAME_RUN = StatusReply(
    TransactionStatus.COMMITTED, system=1, timeline=3, incarnation="monday"
)
RESTARTED = SAME_RUN._replace(incarnation="tuesday")
PROMOTED = RESTARTED._replace(timeline=4)


@pytest.mark.parametrize(
    ("note", "seen", "expected"),
    [
        (NOTE, SAME_RUN, ServerRelation.SAME_RUN),
        (DURABLE, SAME_RUN, ServerRelation.SAME_RUN),
        (NOTE, RESTARTED, ServerRelation.OTHER_RUN),
        (DURABLE, RESTARTED, ServerRelation.KNEW_ID),
        (NOTE, PROMOTED, ServerRelation.OTHER_RUN),
        (DURABLE, PROMOTED, ServerRelation.OTHER_RUN),  # its history may not be read
        (DURABLE, PROMOTED._replace(ends_at=4999), ServerRelation.OTHER_RUN),
        (DURABLE, PROMOTED._replace(ends_at=5000), ServerRelation.KNEW_ID),
        (NOTE, PROMOTED._replace(ends_at=9999), ServerRelation.OTHER_RUN),
        (DURABLE, PROMOTED._replace(incarnation="monday"), ServerRelation.OTHER_RUN),
        (DURABLE, SAME_RUN._replace(timeline=2), ServerRelation.FOREIGN),
        (DURABLE, SAME_RUN._replace(system=2), ServerRelation.FOREIGN),
        (DURABLE, PROMOTED._replace(system=2, ends_at=9999), ServerRelation.FOREIGN),
    ],
)
def test_who_answers(note, seen, expected):
    assert relation_of(note, seen) is expected


@pytest.mark.parametrize(
    ("note", "seen", "expected"),
    [
        (NOTE, SAME_RUN, CommitOutcome.COMMITTED),
        (NOTE, SAME_RUN._replace(status=TransactionStatus.ABORTED), CommitOutcome.LOST),
        (
            NOTE,
            SAME_RUN._replace(status=TransactionStatus.IN_PROGRESS),
            CommitOutcome.PENDING,
        ),
        (
            NOTE,
            SAME_RUN._replace(status=TransactionStatus.TOO_OLD),
            CommitOutcome.UNKNOWN,
        ),
        (NOTE, RESTARTED, CommitOutcome.UNKNOWN),
        (DURABLE, RESTARTED, CommitOutcome.COMMITTED),
        (
            NOTE,
            RESTARTED._replace(status=TransactionStatus.ABORTED),
            CommitOutcome.LOST,
        ),
        (
            NOTE,
            RESTARTED._replace(status=TransactionStatus.IN_PROGRESS),
            CommitOutcome.LOST,
        ),
        (NOTE, PROMOTED, CommitOutcome.UNKNOWN),
        (
            NOTE,
            PROMOTED._replace(status=TransactionStatus.IN_FUTURE),
            CommitOutcome.LOST,
        ),
    ],
)
def test_what_it_proves(note, seen, expected):
    assert outcome_of(note, seen) is expected


def test_every_answer_of_every_server_is_judged():
    assert set(TABLE) == set(ServerRelation)
    assert all(set(row) == set(TransactionStatus) for row in TABLE.values())


@pytest.mark.parametrize(
    ("kin", "status"), list(product(ServerRelation, TransactionStatus))
)
def test_committed_is_said_only_on_the_word_of_one_that_must_know(kin, status):
    if TABLE[kin][status] is CommitOutcome.COMMITTED:
        assert status is TransactionStatus.COMMITTED
        assert kin in (ServerRelation.SAME_RUN, ServerRelation.KNEW_ID)
    if TABLE[kin][status] is CommitOutcome.LOST:
        assert status is not TransactionStatus.COMMITTED
        assert kin is not ServerRelation.FOREIGN


@pytest.mark.parametrize(
    ("timeline", "expected"), [(1, 0x3000148), (2, 0x1_0000_00A0), (3, None)]
)
def test_the_history_of_a_timeline_is_read(timeline, expected):
    text = (
        "1\t0/3000148\tno recovery target specified\n\n"
        "2\t1/A0\tbefore 2000-01-01 00:00:00+00\n"
    )
    assert end_in_history(text, timeline) == expected
