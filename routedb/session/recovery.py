"""What to do about a fault: fault x moment -> action, as one table.

The rules (docs/architecture.rst): what may have happened is never repeated. A statement
is run again only when nothing was sent, or when it was a plain read outside a
transaction, or when the node proves that it did nothing (it is read-only, and the
statement was one that writes). A transaction is never continued on another link.

BEGINNING is the statement that binds a transaction to a backend: nothing has been shown
or written before it. When the node proves that it did nothing with it either, there is
nothing to continue, and the transaction begins on another link as if for the first
time. A lost link proves nothing of the kind.

So a lost link costs nothing while a link is being found, costs a second try for a plain
read, is TransactionLost inside a transaction (the server rolls back what was not
committed), and is OutcomeUnknown after a write outside a transaction or a commit, whose
answer was lost. The commit of a transaction that wrote nothing loses
nothing either way: it is TransactionLost, which says that running it again is safe.

COMMITTING is whatever may commit an open transaction: `commit()`, COMMIT in the text,
alone or among other statements, the DDL that MySQL commits before it runs, PREPARE
TRANSACTION, XA. Once sent, its loss is never TransactionLost, for "nothing of it was
committed" would be a guess. A refusal is: a server that says it is read-only, or did
not read what was too large, has not committed, and the engine rolls back at once.
COMMITTING_NOTED is a commit before which `commit_check` has noted the transaction's id:
the writer can be asked what became of it, and session/commit_outcome.py says what the
answer proves. Noting the id is a statement inside the transaction like any other: a
link that is lost there ends it before the commit was sent.

TIMEOUT and STATEMENT are answers of a healthy server to this statement: always raised
to the user. CONFLICT is the same, except that a plain read cancelled on a
replica by recovery (40001 there) succeeds elsewhere. OVERLOAD, "too many connections",
sends a read elsewhere; a write has nowhere else to go. TOO_LARGE is raised to the user
as well, for every node would answer it; but the server closes the link, which ends a
transaction.

MISSING is a table, a column or a right that a replica may not have replayed yet, for
another session has made it just now. The writer has it, if any node has: what only
reads is run there, and raises the writer's error. From the writer itself it is final.

MOVED is the error of a fence (session/fence.py), which refuses a statement before it
does anything: the table is at another place. What is alone follows it there. What a
transaction has done before it has done at the old place, and is lost.
"""

from __future__ import annotations

from enum import Enum

from routedb.errors import Fault


class Moment(Enum):
    """The step of a statement in which the fault occurred."""

    FINDING_REPLICA = "finding a replica"  # no link yet: nothing was sent
    FINDING_WRITER = "finding the writer"
    READING = "plain read outside a transaction"
    WRITING = "any other statement outside a transaction"
    BEGINNING = "first statement of a transaction"
    BEGINNING_READ_ONLY = "first statement of one declared read-only"
    IN_TRANSACTION = "inside a transaction"
    IN_READ_ONLY = "inside a transaction declared read-only"
    COMMITTING_READS = "commit of a transaction that wrote nothing"
    COMMITTING = "commit"
    COMMITTING_NOTED = "commit of a transaction whose id is known"


class Action(Enum):
    """What the engine does then."""

    RAISE = "raise the driver's error"
    RETRY_ELSEWHERE = "take another node that may answer"
    AWAIT_WRITER = "find the writer anew and run it there"
    LOSE = "raise TransactionLost"
    RAISE_OUTCOME_UNKNOWN = "raise OutcomeUnknown"
    ASK = "ask the writer what became of it"
    FOLLOW = "find where the table is now and run it there"


_FIND_R, _FIND_W = Moment.FINDING_REPLICA, Moment.FINDING_WRITER
_READ, _WRITE = Moment.READING, Moment.WRITING
_BEGIN, _RO_BEGIN = Moment.BEGINNING, Moment.BEGINNING_READ_ONLY
_TX, _RO_TX = Moment.IN_TRANSACTION, Moment.IN_READ_ONLY
_COMMIT_R, _COMMIT = Moment.COMMITTING_READS, Moment.COMMITTING
_COMMIT_N = Moment.COMMITTING_NOTED

_RAISE, _ELSEWHERE = Action.RAISE, Action.RETRY_ELSEWHERE
_AWAIT, _LOSE = Action.AWAIT_WRITER, Action.LOSE
_UNKNOWN, _ASK = Action.RAISE_OUTCOME_UNKNOWN, Action.ASK
_FOLLOW = Action.FOLLOW

TABLE: dict[Fault, dict[Moment, Action]] = {
    Fault.LINK_LOST: {
        _FIND_R: _ELSEWHERE,
        _FIND_W: _AWAIT,
        _READ: _ELSEWHERE,
        _WRITE: _UNKNOWN,
        _BEGIN: _LOSE,
        _RO_BEGIN: _LOSE,
        _TX: _LOSE,
        _RO_TX: _LOSE,
        _COMMIT_R: _LOSE,
        _COMMIT: _UNKNOWN,
        _COMMIT_N: _ASK,
    },
    Fault.REFUSED: {_FIND_R: _ELSEWHERE, _FIND_W: _AWAIT},
    Fault.NODE_STARTING: {
        _FIND_R: _ELSEWHERE,
        _FIND_W: _AWAIT,
        _READ: _ELSEWHERE,
        _WRITE: _AWAIT,
        _BEGIN: _LOSE,
        _RO_BEGIN: _LOSE,
        _TX: _LOSE,
        _RO_TX: _LOSE,
    },
    Fault.NODE_READ_ONLY: {
        _FIND_W: _AWAIT,
        _READ: _AWAIT,
        _WRITE: _AWAIT,
        _BEGIN: _AWAIT,
        _RO_BEGIN: _RAISE,
        _TX: _LOSE,
        _RO_TX: _RAISE,
        _COMMIT: _LOSE,
        _COMMIT_N: _LOSE,
    },
    Fault.OVERLOAD: {_FIND_R: _ELSEWHERE},
    Fault.CONFLICT: {_READ: _ELSEWHERE},
    Fault.TIMEOUT: {},
    Fault.MISSING: {_READ: _AWAIT, _BEGIN: _AWAIT, _RO_BEGIN: _AWAIT},
    Fault.TOO_LARGE: {
        _BEGIN: _LOSE,
        _RO_BEGIN: _LOSE,
        _TX: _LOSE,
        _RO_TX: _LOSE,
        _COMMIT: _LOSE,
    },
    Fault.MOVED: {
        _READ: _FOLLOW,
        _WRITE: _FOLLOW,
        _BEGIN: _FOLLOW,
        _RO_BEGIN: _FOLLOW,
        _TX: _LOSE,
        _RO_TX: _LOSE,
        _COMMIT: _LOSE,
        _COMMIT_N: _LOSE,
    },
    Fault.STATEMENT: {},
}


def action_for(fault: Fault, moment: Moment) -> Action:
    """Return what to do about `fault` at `moment`; RAISE where the table has no row."""
    return TABLE[fault].get(moment, Action.RAISE)
