"""What is noted of a commit before it is sent, and what a server says of it afterwards.

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
    """What a server says of a transaction's id."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    IN_PROGRESS = "in progress"
    IN_FUTURE = "in the future"  # not handed out there yet
    TOO_OLD = "too old to be known"


class StatusReply(NamedTuple):
    """What a writer said of a noted id, and who that writer is."""

    status: TransactionStatus
    system: int
    timeline: int
    incarnation: str
    # Where the noted timeline ends in this one's history; None when not known.
    ends_at: int | None = None
