"""PostgreSQL's answer about a commit whose own answer was lost.

session/commit_outcome.py decides what it proves.

Needs version 13 or later and no privileges, except that the history of a timeline is a
file which only a role may read that has EXECUTE on pg_read_file(text).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routedb.adapters.base import Raw
from routedb.topology.commit_status import CommitNote, StatusReply, TransactionStatus

# One run of a server: it ends with a restart, which has another start time, or with a
# recovery after a crash of one backend, which ends at another place in the WAL.
_INCARNATION = """concat_ws(' ', pg_catalog.pg_postmaster_start_time(),
                            pg_catalog.pg_last_wal_replay_lsn())"""
_TIMELINE = """('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(
                pg_catalog.pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int"""

# All bigint: xid and positions. What does not change during a session is sent once,
# which saves a third of the time.
_NOTE = """
SELECT pg_catalog.pg_current_xact_id_if_assigned()::text::bigint,
       (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint,
       (pg_catalog.pg_current_wal_flush_lsn() - '0/0')::bigint
"""
_NOTE_ALL = f"""
SELECT pg_catalog.pg_current_xact_id_if_assigned()::text::bigint,
       (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint,
       (pg_catalog.pg_current_wal_flush_lsn() - '0/0')::bigint,
       system_identifier,
       {_TIMELINE},
       {_INCARNATION},
       pg_catalog.pg_backend_pid()
FROM pg_catalog.pg_control_system()
"""
_WHO = f"""
SELECT system_identifier,
       CASE WHEN r.rec THEN NULL ELSE {_TIMELINE} END,
       {_INCARNATION}
FROM pg_catalog.pg_control_system(), (SELECT pg_catalog.pg_is_in_recovery() AS rec) AS r
"""
_STATUS = "SELECT pg_catalog.pg_xact_status(%s::text::pg_catalog.xid8)"
_IN_THE_FUTURE = "22023"  # invalid_parameter_value: the id was not assigned yet
_HISTORY = "SELECT pg_catalog.pg_read_file(%s)"
# Its own role may end it. The transaction's id proves that it is still the same one.
_END = """
SELECT pg_catalog.pg_terminate_backend(pid)
FROM pg_catalog.pg_stat_activity
WHERE pid = %s AND backend_xid = %s::text::pg_catalog.xid8::pg_catalog.xid
  AND state = 'idle in transaction'
"""

Ask = Callable[[Raw, str, tuple[Any, ...]], list[tuple[Any, ...]]]


class PostgreSQLCommitCheck:
    """The queries. `ask` runs one over a raw connection and returns its rows."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def note(self, raw: Raw, last: CommitNote | None = None) -> CommitNote | None:
        """Note the open transaction; None when it has no id, as it wrote nothing that
        needs one. One query, shorter with the `last` note of the same session: a writer
        stays on its timeline, and its sessions end with its run."""
        ((xid, position, flushed, *rest),) = self._ask(
            raw, _NOTE if last else _NOTE_ALL, ()
        )
        if xid is None:
            return None
        if last is not None:
            return last._replace(xid=xid, position=position, flushed=flushed)
        return CommitNote(xid, position, flushed, *rest)

    def sight(self, raw: Raw, note: CommitNote) -> StatusReply | None:
        """Ask a writer, outside a transaction, for the id in `note`; None: no
        writer."""
        ((system, timeline, incarnation),) = self._ask(raw, _WHO, ())
        if timeline is None:
            return None
        status = self._status(raw, note.xid)
        ends_at = None
        if timeline > note.timeline and status is TransactionStatus.COMMITTED:
            ends_at = self._end_of(raw, note.timeline, timeline)
        return StatusReply(status, system, timeline, incarnation, ends_at)

    def end(self, raw: Raw, note: CommitNote) -> bool:
        """End the session of the transaction in `note` if it waits for a statement,
        which then can no longer arrive. False: there is no such session."""
        return bool(self._ask(raw, _END, (note.pid, note.xid)))

    def _status(self, raw: Raw, xid: int) -> TransactionStatus:
        try:
            ((told,),) = self._ask(raw, _STATUS, (xid,))
        except Exception as exc:  # psycopg2's own, which is not imported here
            if getattr(exc, "pgcode", None) != _IN_THE_FUTURE:
                raise
            return TransactionStatus.IN_FUTURE
        return TransactionStatus.TOO_OLD if told is None else TransactionStatus(told)

    def _end_of(self, raw: Raw, timeline: int, later: int) -> int | None:
        """Return where `timeline` ends in the history of a later one; None when it does
        not belong to it, or this role may not see."""
        try:
            ((text,),) = self._ask(raw, _HISTORY, (f"pg_wal/{later:08X}.history",))
        except Exception as exc:
            if getattr(exc, "pgcode", None) is None:  # the link
                raise
            return None
        return end_in_history(text, timeline)


def end_in_history(text: str, timeline: int) -> int | None:
    """Return the position at which `timeline` was left, from `text`, a history file.

    Each line of it is an ancestor and its end. None when `timeline` is not among them.
    """
    for line in text.splitlines():
        number, _, rest = line.strip().partition("\t")
        if number.isdecimal() and int(number) == timeline:
            high, _, low = rest.split()[0].partition("/")
            return (int(high, 16) << 32) | int(low, 16)
    return None
