"""What became of a commit whose answer was lost: kinship x status -> fate.

`commit_check` notes a transaction's id before COMMIT is sent, and after a lost answer
asks the group's writer for that id (`pg_xact_status`). The answer is only worth
something if it is about *our* transaction, and an id is no proof of that. It is handed
out from memory and becomes known to the WAL with the first record of its transaction. A
server that recovers, after a crash or by being promoted, counts on from what it has
found in the WAL: an id whose records were lost is handed out once more, to somebody
else, on a new timeline and after a crash on the same timeline too. What may be believed
therefore depends on how the writer that answers is related to the one that was sent the
commit.

SELF: the same run of the same server: same system identifier, same timeline, started
at the same time and recovered up to the same place. (One backend killed with SIGKILL
makes the others die, and the server recovers without a new start: the place moves.)
Its ids go up only: what it says is true. While it says "in progress", the session is
still at it (a commit that waits for its synchronous replica is), or has not heard yet
that its client is gone.

HEIR: another run, whose history certainly holds a record of our transaction, so the id
was not handed out again. That needs two things. All that the transaction had written
was on disk before COMMIT was sent: else a crash between then and now may have lost it,
and the positions of the WAL are used again as the ids are, so that no comparison of
positions made now would tell. And on a new timeline, that timeline must have been
forked off ours at or beyond that place, by its history file. (A transaction that wrote
to temporary and unlogged tables only has no such record. Neither outlives a recovery,
so that for it committed and lost are the same.)

LATER: any other run, on our timeline or a higher one. Here the asymmetry helps. If our
transaction is in this history as committed, then its id was never handed out again and
its status is "committed". So every other status proves that it is not: whoever aborted,
is in progress, or has not been born under this number, ours is not committed here and
never will be, for its session has ended with its server. Only "committed" proves
nothing.

STRANGER: another system, or a timeline below ours: a copy restored from a dump, an old
writer that has come back. Nothing it says is about us.

An id too old to be known is never asked for in practice; it proves nothing.

"Committed" means in the history that the group's writer has now. As with every commit,
a later failover to a replica that does not have it loses it again, and one to which
synchronous replication has not confirmed it is waited for: such a session is left alone
and is "in progress" until the replica answers.
"""

from __future__ import annotations

from enum import Enum

from routedb.topology.commits import Note, Sighting, Status


class Kinship(Enum):
    """How the server that answers is related to the one that was sent the commit."""

    SELF = "the same run of the same server"
    HEIR = "another run that certainly knew the id"
    LATER = "another run"
    STRANGER = "another system or an older history"


class Fate(Enum):
    """What became of the transaction."""

    COMMITTED = "committed"
    LOST = "lost"  # not committed, and never will be
    PENDING = "pending"  # ask again
    UNKNOWN = "unknown"


_YES, _NO = Fate.COMMITTED, Fate.LOST
_ASK, _UNKNOWN = Fate.PENDING, Fate.UNKNOWN

TABLE: dict[Kinship, dict[Status, Fate]] = {
    Kinship.SELF: {
        Status.COMMITTED: _YES,
        Status.ABORTED: _NO,
        Status.IN_PROGRESS: _ASK,
        Status.UNBORN: _UNKNOWN,  # cannot be
        Status.FORGOTTEN: _UNKNOWN,
    },
    Kinship.HEIR: {
        Status.COMMITTED: _YES,
        Status.ABORTED: _NO,
        Status.IN_PROGRESS: _UNKNOWN,  # cannot be
        Status.UNBORN: _UNKNOWN,  # cannot be
        Status.FORGOTTEN: _UNKNOWN,
    },
    Kinship.LATER: {
        Status.COMMITTED: _UNKNOWN,
        Status.ABORTED: _NO,
        Status.IN_PROGRESS: _NO,
        Status.UNBORN: _NO,
        Status.FORGOTTEN: _UNKNOWN,
    },
    Kinship.STRANGER: dict.fromkeys(Status, _UNKNOWN),
}


def fate_of(note: Note, seen: Sighting) -> Fate:
    """Return what a sighting proves of the transaction that was noted."""
    return TABLE[kinship(note, seen)][seen.status]


def kinship(note: Note, seen: Sighting) -> Kinship:
    """Tell how the server that was seen is related to the one that was noted."""
    if seen.system != note.system or seen.timeline < note.timeline:
        return Kinship.STRANGER
    is_same_line = seen.timeline == note.timeline
    if is_same_line and seen.incarnation == note.incarnation:
        return Kinship.SELF
    is_durable = note.flushed >= note.position
    forked_after = seen.ends_at is not None and seen.ends_at >= note.position
    if is_durable and (is_same_line or forked_after):
        return Kinship.HEIR
    return Kinship.LATER
