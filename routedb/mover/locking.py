"""Locks of the mover: asked for with a short timeout, again and again.

Whoever waits for a lock on a table has all later users of the table wait behind it, so
a long wait would stop them as long as the oldest open transaction goes on. So a moment
is looked for in which none is open that was open a moment before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from routedb import errors
from routedb.mover.sessions import Session
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name

_WAITS_MS = (60, 125, 250)  # longer ones where short ones are not enough
_TRIES_OF_EACH = 12
_TRIES = 36
_PAUSE_S = 0.1
_LOOK_S = 0.025  # between two looks at who is in the way
# InnoDB shows what it has shown before to who has asked within 0.1 s.
_INNODB_LOOK_S = 0.11
# How long a gap is looked for before a lock is asked for all the same: looking holds
# nobody up, a lock that is waited for holds up all.
_LOOKING_S = 2.0
_MODES = "'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock'"
_IDLE_S = 10  # a mover that stops for so long loses its lock, and cannot fence


def nothing() -> None:
    """Do nothing."""


def made_patiently(
    session: Session,
    texts: Sequence[str],
    let_go: Callable[[], object] | None = None,
) -> None:
    """Run `texts`, definitions at a table that others use, over `session`. Raises
    OperationalError when no try has found a gap.

    With `let_go` all writers wait for this, and none can write there: no gap is looked
    for at first. It is called when the table is in use all the same.
    """
    last: errors.Error | None = None
    for attempt in range(_TRIES):
        try:
            if let_go is None or attempt:
                _await_gap([session], nothing)
            _run_all(session, texts, _wait_ms(attempt))
            return
        except errors.OperationalError as exc:
            if not _is_waiting(exc):
                raise
            last = exc
        if let_go is not None:
            let_go()
        time.sleep(_PAUSE_S)
    raise errors.OperationalError(
        "the table is in use by long transactions all the time: "
        f"{str(last).strip()}{holders(session)}"
    )


def _wait_ms(attempt: int) -> int:
    return _WAITS_MS[min(attempt // _TRIES_OF_EACH, len(_WAITS_MS) - 1)]


def _await_gap(sessions: Sequence[Session], meanwhile: Callable[[], object]) -> None:
    """Wait, for a while, for a moment in which no transaction holds a lock at any of
    `sessions` that held one a moment before; where that cannot be seen, not at all.
    Before each look `meanwhile` is done."""
    has_innodb = any(session.engine == "mysql" for session in sessions)
    before = _open_anywhere(sessions)
    until = time.monotonic() + _LOOKING_S
    while before and time.monotonic() < until:
        time.sleep(_INNODB_LOOK_S if has_innodb else _LOOK_S)
        meanwhile()
        now = _open_anywhere(sessions)
        if not before & now:
            return
        before = now


def _open_anywhere(sessions: Sequence[Session]) -> set[tuple[int, object]]:
    return {
        (place, each)
        for place, session in enumerate(sessions)
        for each in _open_ones(session)
    }


def _open_ones(session: Session) -> set[object]:
    """Return the transactions that have written to tables of `session`'s database."""
    if session.engine == "sqlite":
        return set()
    if session.engine == "postgresql":
        rows = session.run(
            "SELECT virtualtransaction FROM pg_locks l JOIN pg_class c "
            "ON c.oid = l.relation WHERE l.granted AND l.locktype = 'relation' "
            f"AND l.mode IN ({_MODES}) AND c.relkind = 'r' "
            "AND c.relnamespace = current_schema()::regnamespace "
            "AND l.database = (SELECT oid FROM pg_database "
            "WHERE datname = current_database()) AND l.pid <> pg_backend_pid()"
        )
        return {row[0] for row in rows}
    try:  # with the right PROCESS
        rows = session.run(
            "SELECT trx_id, trx_started FROM information_schema.innodb_trx "
            "WHERE trx_mysql_thread_id <> CONNECTION_ID()"
        )
    except errors.DatabaseError:
        return set()
    return set(rows)


def _run_all(session: Session, texts: Sequence[str], wait_ms: int) -> None:
    if session.engine == "postgresql":
        with session.transaction():
            session.run(f"SET LOCAL lock_timeout = '{wait_ms}ms'")
            for text in texts:
                session.run(text)
        return
    if session.engine == "sqlite":
        with session.transaction():
            for text in texts:
                session.run(text)
        return
    session.run("SET SESSION lock_wait_timeout = 1")
    for text in texts:
        session.run(text)


def lock(
    sessions: Sequence[Session],
    pairs: Sequence[Pair],
    beside: Sequence[str] = (),
    catch_up: Callable[[], object] = nothing,
) -> None:
    """Lock the tables of `pairs` at their source, which is each of `sessions`, against
    writing, until `unlock`. Raises OperationalError when it could not be had.

    `catch_up` applies what was written, and is called until just before each try: what
    comes while a gap is waited for would have to be applied under the lock, with all
    writers waiting. MariaDB lets who has locks write to the tables `beside` only when
    these are locked. All of them are had, or none while one is waited for: a
    transaction over several shards would wait for the mover, and the mover for it.
    """
    last: errors.Error | None = None
    held: list[Session] = []
    for attempt in range(_TRIES):
        catch_up()
        _await_gap(sessions, catch_up)
        try:
            for session in sessions:
                held.append(session)
                _lock_once(session, pairs, beside, _wait_ms(attempt))
            return
        except errors.OperationalError as exc:
            if not _is_waiting(exc):
                raise
            last = exc
            unlock(held, False)
            held.clear()
        time.sleep(_PAUSE_S)
    found = "".join(holders(session) for session in sessions)
    raise errors.OperationalError(f"no lock on the tables: {str(last).strip()}{found}")


def _lock_once(
    session: Session, pairs: Sequence[Pair], beside: Sequence[str], wait_ms: int
) -> None:
    if session.engine == "postgresql":
        listed = ", ".join(name("postgresql", pair.name) for pair in pairs)
        session.run("BEGIN")
        session.run(f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_S}s'")
        session.run(f"SET LOCAL lock_timeout = '{wait_ms}ms'")
        session.run(f"LOCK TABLE {listed} IN SHARE ROW EXCLUSIVE MODE")
        session.run("SET LOCAL lock_timeout = 0")
        return
    if session.engine == "sqlite":
        session.run(f"PRAGMA busy_timeout = {_WAITS_MS[-1]}")
        session.run("BEGIN IMMEDIATE")
        session.run(f"PRAGMA busy_timeout = {_IDLE_S * 1_000}")  # for the COMMIT
        return
    # Not their journals, which nobody writes to without them: whoever has a table in a
    # transaction, and writes to it next, needs its journal, and one of both would be
    # the victim of a deadlock. MariaDB takes the other.
    names = [*(pair.name for pair in pairs), *beside]
    wanted = [f"{name('mysql', each)} WRITE" for each in names]
    session.run("SET SESSION lock_wait_timeout = 1")
    session.run(f"SET SESSION wait_timeout = {_IDLE_S}")
    # A lock is waited for in whole seconds; MySQL's statements have no other end.
    session.try_run(f"SET SESSION max_statement_time = {wait_ms / 1_000}")
    try:
        session.run(f"LOCK TABLES {', '.join(wanted)}")
    finally:
        session.try_run("SET SESSION max_statement_time = 0")


def unlock(sessions: Sequence[Session], is_done: bool) -> None:
    """Let go of what `lock` has taken at `sessions`; what was done under it stays when
    it `is_done` (MariaDB keeps it in any case)."""
    for session in sessions:
        if session.engine == "mysql":
            session.run("UNLOCK TABLES")
        elif session.engine == "sqlite" and not is_done:
            session.try_run("ROLLBACK")  # where it has begun
        else:
            session.run("COMMIT" if is_done else "ROLLBACK")


def holders(session: Session) -> str:
    """Return who may be in the way, in words: prepared transactions, which wait for
    their coordinator."""
    if session.engine != "postgresql":
        return ""
    rows = session.run(
        "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
    )
    if not rows:
        return ""
    return f"; prepared transactions are open: {', '.join(row[0] for row in rows)}"


def _is_waiting(exc: errors.Error) -> bool:
    """Tell a lock that was not had in time, or a deadlock, from other errors."""
    if getattr(exc, "pgcode", None) in ("55P03", "40P01"):
        return True
    if "database is locked" in str(exc):
        return True
    return bool(exc.args) and exc.args[0] in (1205, 1213, 1969)
