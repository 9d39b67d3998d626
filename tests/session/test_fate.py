"""What an answer about a lost commit proves: the table, and who is related how."""

from __future__ import annotations

from itertools import product

import pytest

from routedb.adapters.commits import end_in_history
from routedb.session.fate import TABLE, Fate, Kinship, fate, kinship
from routedb.topology.commits import Mark, Sighting, Status

MARK = Mark(
    xid=700,
    system=1,
    timeline=3,
    incarnation="monday",
    position=5000,
    flushed=4000,
    pid=42,
)
DURABLE = MARK._replace(flushed=5000)
SELF = Sighting(Status.COMMITTED, system=1, timeline=3, incarnation="monday")
RESTARTED = SELF._replace(incarnation="tuesday")
PROMOTED = RESTARTED._replace(timeline=4)


@pytest.mark.parametrize(
    ("mark", "seen", "expected"),
    [
        (MARK, SELF, Kinship.SELF),
        (DURABLE, SELF, Kinship.SELF),
        (MARK, RESTARTED, Kinship.LATER),
        (DURABLE, RESTARTED, Kinship.HEIR),
        (MARK, PROMOTED, Kinship.LATER),
        (DURABLE, PROMOTED, Kinship.LATER),  # its history may not be read
        (DURABLE, PROMOTED._replace(ends_at=4999), Kinship.LATER),
        (DURABLE, PROMOTED._replace(ends_at=5000), Kinship.HEIR),
        (MARK, PROMOTED._replace(ends_at=9999), Kinship.LATER),
        (DURABLE, PROMOTED._replace(incarnation="monday"), Kinship.LATER),
        (DURABLE, SELF._replace(timeline=2), Kinship.STRANGER),
        (DURABLE, SELF._replace(system=2), Kinship.STRANGER),
        (DURABLE, PROMOTED._replace(system=2, ends_at=9999), Kinship.STRANGER),
    ],
)
def test_who_answers(mark, seen, expected):
    assert kinship(mark, seen) is expected


@pytest.mark.parametrize(
    ("mark", "seen", "expected"),
    [
        (MARK, SELF, Fate.COMMITTED),
        (MARK, SELF._replace(status=Status.ABORTED), Fate.LOST),
        (MARK, SELF._replace(status=Status.IN_PROGRESS), Fate.PENDING),
        (MARK, SELF._replace(status=Status.FORGOTTEN), Fate.UNKNOWN),
        (MARK, RESTARTED, Fate.UNKNOWN),
        (DURABLE, RESTARTED, Fate.COMMITTED),
        (MARK, RESTARTED._replace(status=Status.ABORTED), Fate.LOST),
        (MARK, RESTARTED._replace(status=Status.IN_PROGRESS), Fate.LOST),
        (MARK, PROMOTED, Fate.UNKNOWN),
        (MARK, PROMOTED._replace(status=Status.UNBORN), Fate.LOST),
    ],
)
def test_what_it_proves(mark, seen, expected):
    assert fate(mark, seen) is expected


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
