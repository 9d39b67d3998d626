"""The states of a virtual connection's transaction, as one table.

A transaction is *open* from its begin, whether a BEGIN in the text or PEP 249's
implicit one, but it is bound to a backend only by its first statement: until then
nobody knows which database it is for, so BEGIN and SAVEPOINT are kept and sent when
the backend is known. OPEN is therefore also where a connection with autocommit off
rests, and AUTOCOMMIT where one with autocommit on rests; the table calls both REST.

READING and WRITING tell whether anything may have been written, which is what decides
between "run it again" and "outcome unknown" when a link dies at commit. Nothing leads
back from WRITING to READING inside a transaction, not even ROLLBACK TO, because a
sequence may have moved. Only a node that refuses the very first statement leads back to
OPEN: it has done nothing, and the transaction is for another node to begin.

FAILED is PostgreSQL's aborted transaction: the server refuses everything up to
ROLLBACK or ROLLBACK TO. Other servers go on after a statement's error; there the
engine does not report ERROR at all.

LOST is a transaction whose link died. It is never continued on another link: an
application that overlooks the error must not have the second half of its transaction
committed alone, so every statement raises TransactionLost until it says that it has
understood, by rollback (or by a commit, which raises once more).

Nothing but this table changes a state.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a virtual connection is with its transaction."""

    AUTOCOMMIT = "autocommit"  # no transaction; every statement is its own
    OPEN = "open"  # begun, not yet bound to a backend
    READING = "reading"  # bound; nothing written
    WRITING = "writing"  # bound; something may have been written
    FAILED = "failed"  # the server refuses all but a rollback
    LOST = "lost"  # its link died; over, and not yet acknowledged
    REST = "rest"  # in the table only: AUTOCOMMIT or OPEN, by the autocommit mode


class Event(Enum):
    """What happened to it."""

    BEGIN = "begin"
    READ = "read"  # a statement that certainly wrote nothing has succeeded
    WRITE = "write"  # any other statement has been sent
    ERROR = "error"  # the server has aborted the transaction
    ROLLBACK_TO = "rollback to"
    REFUSED = "refused"  # the node has done nothing with the first statement
    END = "end"  # commit or rollback has succeeded, or the server has ended it
    LINK_LOST = "link lost"


A, O, R, W, F, L, REST = State  # noqa: E741  (the table reads best in one-letter names)

TABLE: dict[tuple[State, Event], State] = {
    (A, Event.BEGIN): O,
    (A, Event.READ): A,
    (A, Event.WRITE): A,
    (A, Event.ERROR): A,
    (A, Event.ROLLBACK_TO): A,
    (A, Event.REFUSED): A,
    (A, Event.END): REST,
    (A, Event.LINK_LOST): A,
    (O, Event.BEGIN): O,
    (O, Event.READ): R,
    (O, Event.WRITE): W,
    (O, Event.ERROR): F,
    (O, Event.ROLLBACK_TO): O,
    (O, Event.REFUSED): O,
    (O, Event.END): REST,
    (O, Event.LINK_LOST): L,
    (R, Event.BEGIN): R,
    (R, Event.READ): R,
    (R, Event.WRITE): W,
    (R, Event.ERROR): F,
    (R, Event.ROLLBACK_TO): R,
    (R, Event.REFUSED): R,
    (R, Event.END): REST,
    (R, Event.LINK_LOST): L,
    (W, Event.BEGIN): W,
    (W, Event.READ): W,
    (W, Event.WRITE): W,
    (W, Event.ERROR): F,
    (W, Event.ROLLBACK_TO): W,
    (W, Event.REFUSED): O,
    (W, Event.END): REST,
    (W, Event.LINK_LOST): L,
    (F, Event.BEGIN): F,
    (F, Event.READ): F,
    (F, Event.WRITE): F,
    (F, Event.ERROR): F,
    (F, Event.ROLLBACK_TO): W,
    (F, Event.REFUSED): F,
    (F, Event.END): REST,
    (F, Event.LINK_LOST): L,
    (L, Event.BEGIN): L,
    (L, Event.READ): L,
    (L, Event.WRITE): L,
    (L, Event.ERROR): L,
    (L, Event.ROLLBACK_TO): L,
    (L, Event.REFUSED): L,
    (L, Event.END): REST,
    (L, Event.LINK_LOST): L,
}


def advance(state: State, event: Event, autocommit: bool) -> State:
    """Return the state after `event`; `autocommit` says where the connection rests."""
    after = TABLE[state, event]
    if after is State.REST:
        return State.AUTOCOMMIT if autocommit else State.OPEN
    return after
