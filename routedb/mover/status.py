"""How far a move has come, as its row, its chunks and its journals have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from routedb.config.model import ClusterConfig
from routedb.mover.sessions import Session, writer_of
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
    differences: tuple[str, ...]
    error: str


def status_of(config: ClusterConfig, move: Move) -> Status:
    """Return the status of `move`. Raises OperationalError when a database of it does
    not answer."""
    with (
        _session(config, move.source) as source,
        _session(config, move.target) as target,
    ):
        return Status(
            move.name,
            move.phase.value,
            move.source,
            move.target,
            move.tables,
            _copied(target, move),
            sum(_estimate(source, table) for table in move.tables),
            _journal(source, target, move),
            move.differences,
            move.error,
        )


@contextmanager
def _session(config: ClusterConfig, database: str) -> Iterator[Session]:
    session = Session(writer_of(config, database))
    try:
        yield session
    finally:
        session.close()


def _copied(session: Session, move: Move) -> int:
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


def _journal(source: Session, target: Session, move: Move) -> int | None:
    session, other = (target, source) if move.phase in _BACK else (source, target)
    count: int | None = None
    for table in move.tables:
        pair = Pair(table, session.engine, other.engine, (), (), move.marker(table))
        if session is target:
            pair = Pair(table, session.engine, other.engine, (), (), pair.marker + "r")
        journal = name(session.engine, journal_name(pair))
        rows = session.run_if_there(f"SELECT count(*) FROM {journal}")
        if rows:
            count = (count or 0) + int(rows[0][0])
    return count
