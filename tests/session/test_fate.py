"""What an answer about a lost commit proves: the table, and who is related how."""

from __future__ import annotations

from itertools import product

import pytest

from routedb.adapters.commits import end_in_history
from routedb.session.fate import TABLE, Fate, Kinship, fate_of, kinship
from routedb.topology.commits import Note, Sighting, Status

NOTE = Note(
    xid=700,
    system=1,
    timeline=3,
    incarnation="monday",
    position=5000,
    flushed=4000,
    pid=42,
)
DURABLE = NOTE._replace(flushed=5000)
SELF = Sighting(Status.COMMITTED, system=1, timeline=3, incarnation="monday")
RESTARTED = SELF._replace(incarnation="tuesday")
PROMOTED = RESTARTED._replace(timeline=4)


@pytest.mark.parametrize(
    ("note", "seen", "expected"),
    [
        (NOTE, SELF, Kinship.SELF),
        (DURABLE, SELF, Kinship.SELF),
        (NOTE, RESTARTED, Kinship.LATER),
        (DURABLE, RESTARTED, Kinship.HEIR),
        (NOTE, PROMOTED, Kinship.LATER),
        (DURABLE, PROMOTED, Kinship.LATER),  # its history may not be read
        (DURABLE, PROMOTED._replace(ends_at=4999), Kinship.LATER),
        (DURABLE, PROMOTED._replace(ends_at=5000), Kinship.HEIR),
        (NOTE, PROMOTED._replace(ends_at=9999), Kinship.LATER),
        (DURABLE, PROMOTED._replace(incarnation="monday"), Kinship.LATER),
        (DURABLE, SELF._replace(timeline=2), Kinship.STRANGER),
        (DURABLE, SELF._replace(system=2), Kinship.STRANGER),
        (DURABLE, PROMOTED._replace(system=2, ends_at=9999), Kinship.STRANGER),
    ],
)
def test_who_answers(note, seen, expected):
    assert kinship(note, seen) is expected


@pytest.mark.parametrize(
    ("note", "seen", "expected"),
    [
        (NOTE, SELF, Fate.COMMITTED),
        (NOTE, SELF._replace(status=Status.ABORTED), Fate.LOST),
        (NOTE, SELF._replace(status=Status.IN_PROGRESS), Fate.PENDING),
        (NOTE, SELF._replace(status=Status.FORGOTTEN), Fate.UNKNOWN),
        (NOTE, RESTARTED, Fate.UNKNOWN),
        (DURABLE, RESTARTED, Fate.COMMITTED),
        (NOTE, RESTARTED._replace(status=Status.ABORTED), Fate.LOST),
        (NOTE, RESTARTED._replace(status=Status.IN_PROGRESS), Fate.LOST),
        (NOTE, PROMOTED, Fate.UNKNOWN),
        (NOTE, PROMOTED._replace(status=Status.UNBORN), Fate.LOST),
    ],
)
def test_what_it_proves(note, seen, expected):
    assert fate_of(note, seen) is expected


def test_every_answer_of_every_server_is_judged():
    assert set(TABLE) == set(Kinship)
    assert all(set(row) == set(Status) for row in TABLE.values())


@pytest.mark.parametrize(("kin", "status"), list(product(Kinship, Status)))
def test_committed_is_said_only_on_the_word_of_one_that_must_know(kin, status):
    if TABLE[kin][status] is Fate.COMMITTED:
        assert status is Status.COMMITTED
        assert kin in (Kinship.SELF, Kinship.HEIR)
    if TABLE[kin][status] is Fate.LOST:
        assert status is not Status.COMMITTED
        assert kin is not Kinship.STRANGER


@pytest.mark.parametrize(
    ("timeline", "expected"), [(1, 0x3000148), (2, 0x1_0000_00A0), (3, None)]
)
def test_the_history_of_a_timeline_is_read(timeline, expected):
    text = (
        "1\t0/3000148\tno recovery target specified\n\n"
        "2\t1/A0\tbefore 2000-01-01 00:00:00+00\n"
    )
    assert end_in_history(text, timeline) == expected
