"""What became of a commit whose answer was lost: relation x status -> outcome.

`commit_check` notes a transaction's id before COMMIT is sent, and after a lost answer
asks the group's writer for that id (`pg_xact_status`). The answer is only worth
something if it is about *our* transaction, and an id is no proof of that. It is
assigned in memory and gets into the WAL with the first record of its transaction. A
server that recovers, after a crash or by being promoted, counts on from what it has
found in the WAL: an id whose records were lost is assigned again, to another
transaction, on a new timeline and after a crash on the same timeline too. What an
answer proves therefore depends on how the writer that answers is related to the one
that was sent the commit.

SAME_RUN: the same run of the same server: same system identifier, same timeline,
started at the same time and recovered up to the same position. (One backend killed with
SIGKILL ends the others, and the server recovers without a new start: the position
moves.) Its ids go up only: its answer is true. While it answers "in progress", the
session is still committing (it may wait for its synchronous replica), or has not
noticed yet that its client is gone.

KNEW_ID: another run, whose history certainly holds a record of our transaction, so the
id was not assigned again. That needs two things. All that the transaction had written
was on disk before COMMIT was sent: else a crash between then and now may have lost it,
and the positions of the WAL are used again as the ids are, so that no comparison of
positions made now would show it. And on a new timeline, that timeline must have been
forked off ours at or beyond that position, by its history file. (A transaction that
wrote to temporary and unlogged tables only has no such record. Neither outlives a
recovery, so that for it committed and lost are the same.)

OTHER_RUN: any other run, on our timeline or a higher one. Here the asymmetry helps. If
our transaction is in this history as committed, then its id was never assigned again
and its status is "committed". So every other status proves that it is not: whichever
transaction aborted, is in progress, or has not got this number yet, ours is not
committed here and never will be, for its session has ended with its server. Only
"committed" proves nothing.

FOREIGN: another system, or a timeline below ours: a copy restored from a dump, an old
writer that has come back. No answer of it is about our transaction.

An id too old to be known does not occur in practice; it proves nothing.

"Committed" means in the history that the group's writer has now. As with every commit,
a later failover to a replica that does not have it loses it again, and one to which
synchronous replication has not confirmed it is waited for: such a session is kept
and is "in progress" until the replica answers.
"""

from __future__ import annotations

from enum import Enum

from routedb.topology.commit_status import CommitNote, StatusReply, TransactionStatus


class ServerRelation(Enum):
    """How the server that answers is related to the one that was sent the commit."""

    SAME_RUN = "the same run of the same server"
    KNEW_ID = "another run that certainly knew the id"
    OTHER_RUN = "another run"
    FOREIGN = "another system or an older history"


class CommitOutcome(Enum):
    """What became of the transaction."""

    COMMITTED = "committed"
    LOST = "lost"  # not committed, and never will be
    PENDING = "pending"  # ask again
    UNKNOWN = "unknown"


_YES, _NO = CommitOutcome.COMMITTED, CommitOutcome.LOST
_ASK, _UNKNOWN = CommitOutcome.PENDING, CommitOutcome.UNKNOWN

TABLE: dict[ServerRelation, dict[TransactionStatus, CommitOutcome]] = {
    ServerRelation.SAME_RUN: {
        TransactionStatus.COMMITTED: _YES,
        TransactionStatus.ABORTED: _NO,
        TransactionStatus.IN_PROGRESS: _ASK,
        TransactionStatus.IN_FUTURE: _UNKNOWN,  # cannot be
        TransactionStatus.TOO_OLD: _UNKNOWN,
    },
    ServerRelation.KNEW_ID: {
        TransactionStatus.COMMITTED: _YES,
        TransactionStatus.ABORTED: _NO,
        TransactionStatus.IN_PROGRESS: _UNKNOWN,  # cannot be
        TransactionStatus.IN_FUTURE: _UNKNOWN,  # cannot be
        TransactionStatus.TOO_OLD: _UNKNOWN,
    },
    ServerRelation.OTHER_RUN: {
        TransactionStatus.COMMITTED: _UNKNOWN,
        TransactionStatus.ABORTED: _NO,
        TransactionStatus.IN_PROGRESS: _NO,
        TransactionStatus.IN_FUTURE: _NO,
        TransactionStatus.TOO_OLD: _UNKNOWN,
    },
    ServerRelation.FOREIGN: dict.fromkeys(TransactionStatus, _UNKNOWN),
}


def outcome_of(note: CommitNote, reply: StatusReply) -> CommitOutcome:
    """Return what `reply`, of a writer, proves about the transaction in `note`."""
    return TABLE[relation_of(note, reply)][reply.status]


def relation_of(note: CommitNote, reply: StatusReply) -> ServerRelation:
    """Return how the server of `reply` is related to the one that `note` is from."""
    if reply.system != note.system or reply.timeline < note.timeline:
        return ServerRelation.FOREIGN
    is_same_line = reply.timeline == note.timeline
    if is_same_line and reply.incarnation == note.incarnation:
        return ServerRelation.SAME_RUN
    is_durable = note.flushed >= note.position
    forked_after = reply.ends_at is not None and reply.ends_at >= note.position
    if is_durable and (is_same_line or forked_after):
        return ServerRelation.KNEW_ID
    return ServerRelation.OTHER_RUN
