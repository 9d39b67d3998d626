"""How far a move has come, as its row, its chunks and its journals have it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from routedb.config.model import ClusterConfig
from routedb.mover.sessions import Session, writers_of
from routedb.mover.state import Move
from routedb.moving.pairs import Pair
from routedb.moving.phases import Phase
from routedb.moving.spelling import name, string
from routedb.moving.triggers import journal_name

_BACK = (Phase.REVERSED, Phase.UNDOING)


@dataclass(frozen=True, slots=True)
class Status:
    """What `routedb move status` shows of a move."""

    name: str
    phase: str
    source: str
    target: str
    tables: tuple[str, ...]
    rows: int  # that the copier has copied
    total: int  # as the source estimates
    journal: int | None  # entries that are to be applied; None: there is no journal
    lag_s: float | None  # for how long they may have been there; None: not known yet
    differences: tuple[str, ...]
    error: str
    waiting: str  # what the copy waits for, by --max-load


def status_of(config: ClusterConfig, move: Move, now: float) -> Status:
    """Return the status of `move` at `now`, by the clock of `Moves.check`. Raises
    OperationalError when a database of it does not answer."""
    with ExitStack() as stack:
        source, target = (
            [
                stack.enter_context(closing(Session(node)))
                for node in writers_of(config, database)
            ]
            for database in (move.source, move.target)
        )
        journal = _journal(source, target, move)
        return Status(
            move.name,
            move.phase.value,
            move.source,
            move.target,
            move.tables,
            _copied(target[0], move),
            sum(_estimate(each, table) for each in source for table in move.tables),
            journal,
            _lag_s(journal, move, now),
            move.differences,
            move.error,
            move.waiting,
        )


def _lag_s(journal: int | None, move: Move, now: float) -> float | None:
    if not journal:
        return None if journal is None else 0.0
    return max(now - move.applied_at, 0.0) if move.applied_at else None


def _copied(session: Session, move: Move) -> int:
    """A chunk is noted at each shard of a target, with all of its rows."""
    named = string(session.engine, move.name)
    text = f"SELECT COALESCE(SUM(copied), 0) FROM routedb_chunks WHERE move = {named}"
    rows = session.run_if_there(text)
    return int(rows[0][0]) if rows else 0


def _estimate(session: Session, table: str) -> int:
    quoted = string(session.engine, table)
    if session.engine == "sqlite":
        text = f"SELECT count(*) FROM {name('sqlite', table)}"
    elif session.engine == "postgresql":
        text = (
            "SELECT greatest(reltuples, 0)::bigint FROM pg_class c WHERE relname = "
            f"{quoted} AND relnamespace = current_schema()::regnamespace"
        )
    else:
        text = (
            "SELECT COALESCE(table_rows, 0) FROM information_schema.tables WHERE "
            f"table_schema = DATABASE() AND table_name = {quoted}"
        )
    rows = session.run_if_there(text)
    return int(rows[0][0]) if rows else 0


def _journal(
    source: Sequence[Session], target: Sequence[Session], move: Move
) -> int | None:
    is_back = move.phase in _BACK
    sessions, other = (target, source) if is_back else (source, target)
    count: int | None = None
    for session in sessions:
        for table in move.tables:
            marker = move.marker(table) + "r" * is_back
            engines = session.engine, other[0].engine
            journal = journal_name(Pair(table, *engines, (), (), marker))
            quoted = name(session.engine, journal)
            rows = session.run_if_there(f"SELECT count(*) FROM {quoted}")
            if rows:
                count = (count or 0) + int(rows[0][0])
    return count
