"""The states of a pool's slot, as one table.

A slot is the right to one open link, so the slots that are not GONE are what `max`
counts: also one that is still being opened, or reset, or closed, because the server has
a session for it.

A link is never lent twice. It is PROMISED to one borrower by leaving IDLE, under the
lock, before it is checked; one that cannot be used (it is broken, too old, of another
kind, or still referenced) is closed by that borrower, which opens another in the same
slot: REPLACED. So a borrower keeps the slot it got, and no waiter is passed over by a
borrower that tries again.

RESETTING is done by the thread that gave the link back, CLOSING by the one that took it
out: both are I/O and happen outside the lock. A LOST link has been closed by its
borrower already. A reset that an exception out of a signal handler has CUT SHORT ends
the link, too.

Nothing but this table changes a slot's state.
"""

from __future__ import annotations

from enum import Enum


class SlotState(Enum):
    """The state of a slot."""

    OPENING = "opening"
    IDLE = "idle"
    LENT = "lent"
    RESETTING = "resetting"
    CLOSING = "closing"
    GONE = "gone"


class SlotEvent(Enum):
    """What happens to a slot."""

    OPENED = "opened for a borrower"
    WARMED = "opened for nobody yet"
    FAILED = "could not be opened"
    PROMISED = "promised to a borrower"
    DECLINED = "not wanted after all"
    REPLACED = "its link is of no use"
    GIVEN = "given back"
    CLEAN = "reset"
    UNFIT = "could not be reset"
    CUT_SHORT = "its reset was cut short"
    LOST = "closed by its user"
    EXPIRED = "idle for too long"
    CLOSED = "closed"


_OPENING, _IDLE, _LENT, _RESETTING, _CLOSING, _GONE = SlotState

TABLE: dict[tuple[SlotState, SlotEvent], SlotState] = {
    (_OPENING, SlotEvent.OPENED): _LENT,
    (_OPENING, SlotEvent.WARMED): _IDLE,
    (_OPENING, SlotEvent.FAILED): _GONE,
    (_IDLE, SlotEvent.PROMISED): _LENT,
    (_IDLE, SlotEvent.EXPIRED): _CLOSING,
    (_LENT, SlotEvent.DECLINED): _IDLE,
    (_LENT, SlotEvent.REPLACED): _OPENING,
    (_LENT, SlotEvent.GIVEN): _RESETTING,
    (_LENT, SlotEvent.LOST): _GONE,
    (_RESETTING, SlotEvent.CLEAN): _IDLE,
    (_RESETTING, SlotEvent.UNFIT): _CLOSING,
    (_RESETTING, SlotEvent.CUT_SHORT): _GONE,
    (_CLOSING, SlotEvent.CLOSED): _GONE,
}

# How a slot in this state comes to its end, whatever was being done with it.
ENDS = {
    _OPENING: SlotEvent.FAILED,
    _LENT: SlotEvent.LOST,
    _RESETTING: SlotEvent.CUT_SHORT,
    _CLOSING: SlotEvent.CLOSED,
}


def advance(state: SlotState, event: SlotEvent) -> SlotState:
    """Return the state after `event`. Raises KeyError for one that cannot happen."""
    return TABLE[state, event]
