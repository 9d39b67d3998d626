"""What must come of each fault at each moment, as one table.

It follows from rule 3 of docs/architecture.rst (what may have happened is never
repeated) and is compared with the table of docs/failover.rst. Two nodes, a writer and a
replica; the fault strikes the node that the statement is on: the replica for plain
reads, the writer for the rest.

A link that is lost is judged by when: it costs nothing before the statement was sent, a
second try for a plain read, TransactionLost inside a transaction, and OutcomeUnknown
once a write or a commit is on its way. Whether another node can take over decides only
what becomes of a write that was not sent. A node that hangs is one that loses its links
when its silence has lasted for failover_timeout, except that an idle link does not show
it: so the write, and the commit, that come then are on their way when it is noticed.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Moment(Enum):
    """When the fault strikes, seen from the statement."""

    IDLE_READ = "idle; a read comes then"
    IDLE_WRITE = "idle; a write comes then"
    BEFORE_READ = "before send: a link is opened for a read"
    BEFORE_WRITE = "before send: a link is opened for a write"
    SENT_READ = "after send: a read, not arrived"
    SENT_WRITE = "after send: a write, not arrived"
    DONE_READ = "after send: a read, done, not answered"
    DONE_WRITE = "after send: a write, done, not answered"
    MID_RESULT = "mid-result"
    IN_TRANSACTION = "in a transaction, between two statements"
    IN_STATEMENT = "in a transaction, a statement sent"
    BEFORE_COMMIT = "before commit"
    COMMIT_SENT = "commit sent, not arrived"
    COMMIT_DONE = "commit done, not answered"


class Fault(Enum):
    """What happens to the node."""

    KILL = "kill -9"
    STOP = "SIGSTOP"
    RESET = "TCP reset"
    BLACKHOLE = "blackhole"
    REFUSED = "refused"
    SLOW_START = "slow start"
    RESTART = "restart"
    PROMOTE = "promote"
    DEMOTE = "demote"
    WRONG_ROLE = "wrong role after restart"


class Outcome(Enum):
    """What the application sees."""

    ANSWERED = "answered"
    LOST = "TransactionLost"
    UNKNOWN = "OutcomeUnknown"
    NO_NODE = "NoNodeError"
    OTHER = "another error"
    HUNG = "nothing, for too long"


class Expected(NamedTuple):
    """What the application sees, and how many of its rows may be there afterwards."""

    outcome: Outcome
    rows: frozenset[int] = frozenset({0})


def _see(outcome: Outcome, *rows: int) -> Expected:
    return Expected(outcome, frozenset(rows or (0,)))


_READ = _see(Outcome.ANSWERED)
_WRITTEN = _see(Outcome.ANSWERED, 1)
_BOTH = _see(Outcome.ANSWERED, 2)  # a transaction writes two rows
_LOST = _see(Outcome.LOST)
_NO_NODE = _see(Outcome.NO_NODE)
_NOT_DONE, _DONE = _see(Outcome.UNKNOWN, 0), _see(Outcome.UNKNOWN, 1)
_NOT_COMMITTED, _COMMITTED = _see(Outcome.UNKNOWN, 0), _see(Outcome.UNKNOWN, 2)

_Row = dict[Moment, Expected]

# The links are lost, and a writer is there again in time: the same node or another.
_OVER: _Row = {
    Moment.IDLE_READ: _READ,
    Moment.IDLE_WRITE: _WRITTEN,
    Moment.BEFORE_READ: _READ,
    Moment.BEFORE_WRITE: _WRITTEN,
    Moment.SENT_READ: _READ,
    Moment.SENT_WRITE: _NOT_DONE,
    Moment.DONE_READ: _READ,
    Moment.DONE_WRITE: _DONE,
    Moment.MID_RESULT: _READ,
    Moment.IN_TRANSACTION: _LOST,
    Moment.IN_STATEMENT: _LOST,
    Moment.BEFORE_COMMIT: _LOST,
    Moment.COMMIT_SENT: _NOT_COMMITTED,
    Moment.COMMIT_DONE: _COMMITTED,
}
# The links are lost, and no writer comes.
_GONE: _Row = {**_OVER, Moment.IDLE_WRITE: _NO_NODE, Moment.BEFORE_WRITE: _NO_NODE}
# The links stay and say nothing more.
_SILENT: _Row = {
    **_GONE,
    Moment.IDLE_WRITE: _NOT_DONE,
    Moment.BEFORE_COMMIT: _NOT_COMMITTED,
}
# … and what they have been sent is done when the node goes on.
_STOPPED: _Row = {
    **_SILENT,
    Moment.IDLE_WRITE: _see(Outcome.UNKNOWN, 0, 1),
    Moment.SENT_WRITE: _see(Outcome.UNKNOWN, 0, 1),
    Moment.BEFORE_COMMIT: _see(Outcome.UNKNOWN, 0, 2),
    Moment.COMMIT_SENT: _see(Outcome.UNKNOWN, 0, 2),
}
# The links stay; only new ones are not to be had.
_CLOSED: _Row = {
    **_OVER,
    Moment.BEFORE_WRITE: _NO_NODE,
    Moment.SENT_WRITE: _WRITTEN,
    Moment.DONE_WRITE: _WRITTEN,
    Moment.IN_TRANSACTION: _BOTH,
    Moment.IN_STATEMENT: _BOTH,
    Moment.BEFORE_COMMIT: _BOTH,
    Moment.COMMIT_SENT: _BOTH,
    Moment.COMMIT_DONE: _BOTH,
}

TABLE: dict[Fault, _Row] = {
    Fault.KILL: _GONE,
    Fault.STOP: _STOPPED,
    Fault.RESET: _OVER,
    Fault.BLACKHOLE: _SILENT,
    Fault.REFUSED: _CLOSED,
    Fault.SLOW_START: _OVER,
    Fault.RESTART: _OVER,
    Fault.PROMOTE: _OVER,
    Fault.DEMOTE: _OVER,
    Fault.WRONG_ROLE: _GONE,
}
