"""What a place in a pool goes through, as one table.

A place is the right to one open link, so the places that are not GONE are what `max`
counts: also one that is still being opened, or reset, or closed, because the server has
a session for it.

A link is never in two hands. It is PROMISED to one borrower by leaving IDLE, under the
lock, before anybody looks whether it can be used; what cannot (it died, it is too old,
somebody still holds it, it is of another kind) is closed by that borrower, who opens
another in the same place: REPLACED. So a borrower who has a place has it for good, and
nobody who waits is passed over by one who tries again.

RESETTING belongs to who gave the link back, CLOSING to who took it out: both are I/O
and happen outside the lock. What was LOST has been closed by its user already.

Nothing but this table changes a place's state.
"""

from __future__ import annotations

from enum import Enum


class SlotState(Enum):
    """Where a place is."""

    OPENING = "opening"
    IDLE = "idle"
    LENT = "lent"
    RESETTING = "resetting"
    CLOSING = "closing"
    GONE = "gone"


class SlotEvent(Enum):
    """What happens to it."""

    OPENED = "opened for a borrower"
    WARMED = "opened for nobody yet"
    FAILED = "could not be opened"
    PROMISED = "promised to a borrower"
    DECLINED = "not wanted after all"
    REPLACED = "its link is of no use"
    GIVEN = "given back"
    CLEAN = "reset"
    UNFIT = "could not be reset"
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
    (_CLOSING, SlotEvent.CLOSED): _GONE,
}


def advance(state: SlotState, event: SlotEvent) -> SlotState:
    """Return the state after a move. Raises KeyError for one that cannot happen."""
    return TABLE[state, event]
