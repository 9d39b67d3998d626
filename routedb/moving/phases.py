"""How far a move has come, as one table.

A move is a row of ``routedb_moves`` in the home database. Its phase is written after
what the phase promises is there, never before, so a mover that dies is started again in
the phase that stands in the row and does that phase's work once more: each step finds
what was done already and leaves it.

PLANNED has the target's empty tables. From JOURNALING on, triggers at the source note
the primary key of every row that is written, so that COPYING may read the rows in any
number of short statements: what changes behind it is in the journal. FOLLOWING applies
the journal until it is nearly empty, and VERIFIED says that both sides were compared
and nothing differed. Up to here the source is what counts, and ABORTED gives it back
without a trace.

CUTTING is the only phase with two answers to where a table lives. The source is
locked, the journal is drained until it is empty *while the lock holds* (a position that
was read before the lock proves nothing), then the source is fenced, and only then does
the placement change. Whoever comes between the fence and the new placement is refused
at the source, so no write is lost: the way on is to switch again, which finishes it. A
switch that does not get its lock takes its fence away, and is as if it had not been
tried.

REVERSED applies what is written at the target to the source, through a door in the
fence, so that UNDOING, which is cutting with the sides exchanged, loses nothing either.
SWITCHED is the same without that stream, and without a way back. DONE drops the stream
and gives the old table another name; its fence stays.

Nothing but this table changes a move's phase.
"""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """How far a move has come."""

    PLANNED = "planned"
    JOURNALING = "journaling"
    COPYING = "copying"
    FOLLOWING = "following"
    VERIFIED = "verified"
    CUTTING = "cutting"
    REVERSED = "reversed"
    SWITCHED = "switched"
    UNDOING = "undoing"
    UNDONE = "undone"
    DONE = "done"
    ABORTED = "aborted"


class Step(Enum):
    """What has been done, and moves a move on."""

    TRIGGERS_MADE = "triggers made"
    COPY_BEGUN = "copy begun"
    ALL_COPIED = "all copied"
    COMPARED = "compared, nothing differs"
    DIFFERENCE_FOUND = "a difference found"
    SWITCH_BEGUN = "switch begun"
    SWITCH_GIVEN_UP = "switch given up, fence dropped"
    FLIPPED = "placement changed"
    FLIPPED_FOR_GOOD = "placement changed, no reverse"
    UNDO_BEGUN = "undo begun"
    UNDO_GIVEN_UP = "undo given up, fence dropped"
    FLIPPED_BACK = "placement changed back"
    CLEANED = "what is left was dropped"
    GIVEN_UP = "given up"


TABLE: dict[tuple[Phase, Step], Phase] = {
    (Phase.PLANNED, Step.TRIGGERS_MADE): Phase.JOURNALING,
    (Phase.JOURNALING, Step.COPY_BEGUN): Phase.COPYING,
    (Phase.COPYING, Step.ALL_COPIED): Phase.FOLLOWING,
    (Phase.FOLLOWING, Step.COMPARED): Phase.VERIFIED,
    (Phase.VERIFIED, Step.COMPARED): Phase.VERIFIED,
    (Phase.VERIFIED, Step.DIFFERENCE_FOUND): Phase.FOLLOWING,
    (Phase.VERIFIED, Step.SWITCH_BEGUN): Phase.CUTTING,
    (Phase.CUTTING, Step.SWITCH_GIVEN_UP): Phase.VERIFIED,
    (Phase.CUTTING, Step.FLIPPED): Phase.REVERSED,
    (Phase.CUTTING, Step.FLIPPED_FOR_GOOD): Phase.SWITCHED,
    (Phase.REVERSED, Step.UNDO_BEGUN): Phase.UNDOING,
    (Phase.UNDOING, Step.UNDO_GIVEN_UP): Phase.REVERSED,
    (Phase.UNDOING, Step.FLIPPED_BACK): Phase.UNDONE,
    (Phase.REVERSED, Step.CLEANED): Phase.DONE,
    (Phase.SWITCHED, Step.CLEANED): Phase.DONE,
    (Phase.PLANNED, Step.GIVEN_UP): Phase.ABORTED,
    (Phase.JOURNALING, Step.GIVEN_UP): Phase.ABORTED,
    (Phase.COPYING, Step.GIVEN_UP): Phase.ABORTED,
    (Phase.FOLLOWING, Step.GIVEN_UP): Phase.ABORTED,
    (Phase.VERIFIED, Step.GIVEN_UP): Phase.ABORTED,
    (Phase.UNDONE, Step.GIVEN_UP): Phase.ABORTED,
}

# In these the source is what counts, and nothing at it is fenced.
BEFORE_CUT = (
    *(Phase.PLANNED, Phase.JOURNALING, Phase.COPYING),
    *(Phase.FOLLOWING, Phase.VERIFIED),
)


def after(phase: Phase, step: Step) -> Phase:
    """Return the phase after `step` in `phase`. Raises KeyError where the table has no
    such move."""
    return TABLE[phase, step]
