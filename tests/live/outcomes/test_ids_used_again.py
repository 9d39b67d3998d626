"""An id that is handed out again, by real servers: 'committed' is about another's.

Each time a transaction that never committed is noted, what it had written is lost with
its server, and another transaction is given its id and commits.
"""

from __future__ import annotations

from typing import Any

import pytest

from routedb.adapters import load
from routedb.session.commit_outcome import (
    CommitOutcome,
    ServerRelation,
    outcome_of,
    relation_of,
)
from routedb.topology.commit_status import TransactionStatus
from tests.support.server_rig import link_to

pytestmark = [pytest.mark.live, pytest.mark.chaos]
COMMITS: Any = load("postgresql").commits


def begin_and_note(rig):
    """Write, and note what commit_check would note; the link stays open."""
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (10, 0)")
    note = COMMITS.note(link_to(connection, "writer").raw)
    return connection, note


def use_up(rig, name, xid):
    """Commit transactions until the id has been handed out; return their first."""
    with rig.servers[name].connect(rig.database.name) as raw:
        cursor = raw.cursor()
        first = None
        while True:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            [(given,)] = cursor.fetchall()
            first = first or given
            if given >= xid:
                return first


def sighting(rig, name, note):
    with rig.servers[name].connect(rig.database.name) as raw:
        return COMMITS.sight(raw, note)


def cut_off(server):
    """Have a replica receive no more."""
    server.is_disturbed = True
    server.execute("ALTER SYSTEM SET primary_conninfo = ''")
    server.execute("SELECT pg_reload_conf()")


def test_on_a_new_timeline(pg_rig):
    pg_rig.database.wait_replayed()
    cut_off(pg_rig.servers["replica1"])
    connection, note = begin_and_note(pg_rig)
    pg_rig.database.execute("CHECKPOINT")  # on disk, and yet not on the replica
    note = note._replace(flushed=note.position)
    pg_rig.servers["writer"].kill()
    pg_rig.servers["replica1"].promote()
    assert sighting(pg_rig, "replica1", note).status is TransactionStatus.IN_FUTURE
    assert outcome_of(note, sighting(pg_rig, "replica1", note)) is CommitOutcome.LOST
    assert use_up(pg_rig, "replica1", note.xid) <= note.xid
    seen = sighting(pg_rig, "replica1", note)
    assert seen.status is TransactionStatus.COMMITTED  # somebody else's
    assert seen.ends_at is not None
    assert relation_of(note, seen) is ServerRelation.OTHER_RUN
    assert outcome_of(note, seen) is CommitOutcome.UNKNOWN
    connection.close()


def test_on_the_same_timeline_after_a_crash(pg_rig):
    """The WAL that was not yet written is lost, and so is every trace of the id."""
    writer = pg_rig.servers["writer"]
    writer.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    writer.execute("SELECT pg_reload_conf()")
    try:
        writer.execute("CHECKPOINT")
        connection, note = begin_and_note(pg_rig)
        writer.kill()
        writer.start()
        assert outcome_of(note, sighting(pg_rig, "writer", note)) is CommitOutcome.LOST
        assert use_up(pg_rig, "writer", note.xid) <= note.xid
        seen = sighting(pg_rig, "writer", note)
        assert seen.status is TransactionStatus.COMMITTED  # somebody else's
        assert (seen.timeline, seen.system) == (note.timeline, note.system)
        assert note.flushed < note.position
        assert outcome_of(note, seen) is CommitOutcome.UNKNOWN
        connection.close()
    finally:
        writer.execute("ALTER SYSTEM RESET wal_writer_delay")
        writer.execute("SELECT pg_reload_conf()")
