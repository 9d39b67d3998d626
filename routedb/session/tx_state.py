"""The states of a virtual connection's transaction, as one table.

A transaction is *open* from its begin, whether a BEGIN in the text or PEP 249's
implicit one, but it is bound to a backend only by its first statement: until then its
database is not known, so BEGIN and SAVEPOINT are kept and sent when the backend is
known. OPEN is therefore also the idle state of a connection with autocommit off, and
AUTOCOMMIT that of one with autocommit on; the table calls both REST.

READING and WRITING tell whether anything may have been written, which is what decides
between "run it again" and "outcome unknown" when a link is lost at commit. Nothing
leads back from WRITING to READING inside a transaction, not even ROLLBACK TO, because a
sequence may have moved. Only a node that refuses the very first statement leads back to
OPEN: it has done nothing, and the transaction is for another node to begin.

FAILED is PostgreSQL's aborted transaction: the server refuses everything up to
ROLLBACK or ROLLBACK TO. Other servers go on after a statement's error; there the
engine does not report ERROR at all.

LOST is a transaction whose link was lost. It is never continued on another link: an
application that overlooks the error must not have the second half of its transaction
committed alone, so every statement raises TransactionLost until the application
acknowledges it by rollback (or by a commit, which raises once more).

Nothing but this table changes a state.
"""

from __future__ import annotations

from enum import Enum


class TxState(Enum):
    """Where a virtual connection is with its transaction."""

    AUTOCOMMIT = "autocommit"  # no transaction; every statement is its own
    OPEN = "open"  # begun, not yet bound to a backend
    READING = "reading"  # bound; nothing written
    WRITING = "writing"  # bound; something may have been written
    FAILED = "failed"  # the server refuses all but a rollback
    LOST = "lost"  # its link was lost; over, and not yet acknowledged
    REST = "rest"  # in the table only: AUTOCOMMIT or OPEN, by the autocommit mode

    __hash__ = object.__hash__  # members are compared as objects; Enum's is Python code


class TxEvent(Enum):
    """What happened to it."""

    BEGIN = "begin"
    READ = "read"  # a statement that certainly wrote nothing has succeeded
    WRITE = "write"  # any other statement has been sent
    ERROR = "error"  # the server has aborted the transaction
    ROLLBACK_TO = "rollback to"
    REFUSED = "refused"  # the node has done nothing with the first statement
    END = "end"  # commit or rollback has succeeded, or the server has ended it
    LINK_LOST = "link lost"

    __hash__ = object.__hash__


A, O, R, W, F, L, REST = TxState  # noqa: E741  (the table reads best in one-letter names)

TABLE: dict[tuple[TxState, TxEvent], TxState] = {
    (A, TxEvent.BEGIN): O,
    (A, TxEvent.READ): A,
    (A, TxEvent.WRITE): A,
    (A, TxEvent.ERROR): A,
    (A, TxEvent.ROLLBACK_TO): A,
    (A, TxEvent.REFUSED): A,
    (A, TxEvent.END): REST,
    (A, TxEvent.LINK_LOST): A,
    (O, TxEvent.BEGIN): O,
    (O, TxEvent.READ): R,
    (O, TxEvent.WRITE): W,
    (O, TxEvent.ERROR): F,
    (O, TxEvent.ROLLBACK_TO): O,
    (O, TxEvent.REFUSED): O,
    (O, TxEvent.END): REST,
    (O, TxEvent.LINK_LOST): L,
    (R, TxEvent.BEGIN): R,
    (R, TxEvent.READ): R,
    (R, TxEvent.WRITE): W,
    (R, TxEvent.ERROR): F,
    (R, TxEvent.ROLLBACK_TO): R,
    (R, TxEvent.REFUSED): R,
    (R, TxEvent.END): REST,
    (R, TxEvent.LINK_LOST): L,
    (W, TxEvent.BEGIN): W,
    (W, TxEvent.READ): W,
    (W, TxEvent.WRITE): W,
    (W, TxEvent.ERROR): F,
    (W, TxEvent.ROLLBACK_TO): W,
    (W, TxEvent.REFUSED): O,
    (W, TxEvent.END): REST,
    (W, TxEvent.LINK_LOST): L,
    (F, TxEvent.BEGIN): F,
    (F, TxEvent.READ): F,
    (F, TxEvent.WRITE): F,
    (F, TxEvent.ERROR): F,
    (F, TxEvent.ROLLBACK_TO): W,
    (F, TxEvent.REFUSED): F,
    (F, TxEvent.END): REST,
    (F, TxEvent.LINK_LOST): L,
    (L, TxEvent.BEGIN): L,
    (L, TxEvent.READ): L,
    (L, TxEvent.WRITE): L,
    (L, TxEvent.ERROR): L,
    (L, TxEvent.ROLLBACK_TO): L,
    (L, TxEvent.REFUSED): L,
    (L, TxEvent.END): REST,
    (L, TxEvent.LINK_LOST): L,
}


def _settled(rest: TxState) -> dict[tuple[TxState, TxEvent], TxState]:
    return {at: rest if after is REST else after for at, after in TABLE.items()}


# The table by the autocommit mode, which decides what REST is.
AFTER = {True: _settled(A), False: _settled(O)}
