"""The checker finds what is wrong, and nothing else."""

from __future__ import annotations

import pytest

from tests.support.history import History, lost_updates, violations


def history(*ops):
    made = History()
    for session, kind, key, value in ops:
        made.add(session, kind, key, value)
    return made.ops


SOUND = {
    "reads of what was written": [("a", "write", 1, 1), ("a", "read", 1, 1)],
    "a stale read of another session": [
        *[("a", "read", 1, 0), ("b", "write", 1, 1), ("a", "read", 1, 0)],
        ("a", "read", 1, 1),
    ],
    "an unknown write that happened": [("a", "unknown", 1, 1), ("b", "read", 1, 1)],
    "an unknown write that did not": [("a", "unknown", 1, 1), ("a", "read", 1, 0)],
    "another key": [("a", "write", 1, 5), ("a", "read", 2, 0)],
    "a token that is kept": [
        *[("a", "write", 1, 3), ("b", "token", 1, 3), ("b", "read", 1, 3)],
    ],
}
BROKEN = {
    "its own write": [("a", "write", 1, 1), ("a", "read", 1, 0)],
    "what it had seen": [
        *[("b", "write", 1, 1), ("a", "read", 1, 1), ("a", "read", 1, 0)],
    ],
    "nobody wrote": [("a", "read", 1, 7)],
    "behind what": [
        *[("a", "write", 1, 3), ("b", "token", 1, 3), ("b", "read", 1, 0)],
    ],
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_history_has_no_violations(name):
    assert violations(history(*SOUND[name])) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_violation_is_named(name):
    [said] = violations(history(*BROKEN[name]))
    assert name in said


@pytest.mark.parametrize(
    ("last", "acknowledged", "unknown", "is_sound"),
    [(5, 5, 0, True), (5, 4, 1, True), (4, 4, 1, True), (3, 4, 1, False)]
    + [(6, 4, 1, False)],
)
def test_a_counter_holds_what_was_acknowledged(last, acknowledged, unknown, is_sound):
    assert (lost_updates(last, acknowledged, unknown) == []) is is_sound
