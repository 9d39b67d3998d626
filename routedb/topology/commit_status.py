"""What is noted of a commit before it is sent, and a server's reply about it later.

Plain values of PostgreSQL's; what they prove is decided in session/commit_outcome.py.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class CommitNote(NamedTuple):
    """A transaction that has written, as its server saw it just before its commit.

    Positions are byte numbers in the WAL.
    """

    xid: int  # of 64 bits: it never wraps
    position: int  # all that the transaction has written so far lies before it
    flushed: int  # all before it was on disk
    system: int  # what initdb has given the data directory, and every copy of it
    timeline: int
    incarnation: str  # differs after every restart and every recovery of a server
    pid: int  # of the session


class TransactionStatus(Enum):
    """The status of a transaction id, as a server reports it."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    IN_PROGRESS = "in progress"
    IN_FUTURE = "in the future"  # not assigned there yet
    TOO_OLD = "too old to be known"


class StatusReply(NamedTuple):
    """A writer's reply about a noted id, and which server that writer is."""

    status: TransactionStatus
    system: int
    timeline: int
    incarnation: str
    # Where the noted timeline ends in this one's history; None when not known.
    ends_at: int | None = None
