"""Moving tables between databases while every application goes on.

A function for each verb of `routedb move`; each may be cut short at any moment and run
again. `config` is what `routedb.connect` takes, or a `ClusterConfig`. The guide is
docs/moving.rst.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from routedb import errors
from routedb.config.model import ClusterConfig
from routedb.mover.cutting import Switching
from routedb.mover.mover import Mover
from routedb.mover.planning import Plan
from routedb.mover.planning import plan as _plan
from routedb.mover.progress import Progress
from routedb.mover.state import Move, Moves
from routedb.mover.status import Status, status_of
from routedb.moving.pace import CHUNK_ROWS, pace_of
from routedb.moving.phases import BEFORE_CUT, Phase
from routedb.runtime import Source, read_config

__all__ = [
    "Move",
    "Plan",
    "Progress",
    "Status",
    "abort",
    "finish",
    "plan",
    "run",
    "start",
    "status",
    "switch",
    "undo",
    "verify",
]

Tell = Callable[[Progress], None]
Rule = Mapping[str, Any] | None


def _nobody(_: Progress) -> None:
    """Tell nobody."""


def plan(
    config: Source | ClusterConfig,
    tables: Iterable[str],
    to: str,
    rule: Rule = None,
    ddl: str = "",
) -> Plan:
    """Return what moving `tables`, names or patterns, to the database `to` would do.

    Nothing is changed. `rule` is what `[tables]` would say of them beside the database,
    where that is sharded: `{"shard_key": "customer_id"}`. `ddl` is a script that makes
    the tables at the target as you want them. Raises ConfigError, or
    NotSupportedError for a direction that is not there.
    """
    return _plan(_read(config), tables, to, rule, ddl)


def start(
    config: Source | ClusterConfig,
    name: str,
    tables: Iterable[str] = (),
    to: str = "",
    chunk_rows: int = CHUNK_ROWS,
    tell: Tell = _nobody,
    rule: Rule = None,
    parallel: int = 1,
    rate: str = "",
    max_load: str = "",
    ddl: str = "",
) -> Move:
    """Copy `tables` to the database `to`, follow what is written, and compare.

    The move is called `name` from now on. One that is there is gone on with, whatever
    `tables`, `to`, `rule` and `ddl` say; these two are as for `plan`. Chunks have
    `chunk_rows` rows; `tell` is told of each step. `parallel` threads copy, no more
    than `rate` in a second ("20000" rows, "10MB"), and wait while the source is beyond
    `max_load` ("sessions=20,lag=5s": its active sessions, how far a replica is behind).
    Raises NotSupportedError for what is refused, OperationalError where both sides
    differ.
    """
    read = _read(config)
    pace = pace_of(chunk_rows, parallel, rate, max_load)
    with _locked(read, name) as moves:
        move = moves.find(name) or _begun(read, moves, name, tables, to, rule, ddl)
        with _mover(read, moves, move, tell) as mover:
            if mover.move.phase not in BEFORE_CUT:
                raise _wrong(mover.move, "started")
            mover.start(pace)
            return mover.move


def _begun(
    config: ClusterConfig,
    moves: Moves,
    name: str,
    tables: Iterable[str],
    to: str,
    rule: Rule,
    definitions: str,
) -> Move:
    listed = list(tables)
    if not listed or not to:
        raise errors.ConfigError(f"there is no move {name}: say which tables go where")
    planned = _plan(config, listed, to, rule, definitions)
    if planned.refusals:
        raise errors.NotSupportedError("; ".join(planned.refusals))
    names = tuple(table.name for table in planned.tables)
    for other in moves.all():
        shared = set(other.tables) & set(names)
        if shared and other.phase not in (Phase.DONE, Phase.ABORTED):
            raise errors.OperationalError(
                f"the move {other.name} has {', '.join(sorted(shared))} already"
            )
    return moves.write(
        Move(
            name,
            Phase.PLANNED,
            planned.source,
            to,
            names,
            secrets.token_hex(8),
            places=planned.places,
            old_places=planned.old_places,
            placed=planned.placed,
            definitions=definitions,
        )
    )


def status(config: Source | ClusterConfig, name: str | None = None) -> list[Status]:
    """Return how far the move called `name`, or each, has come. Raises ConfigError when
    there is none of this name."""
    read = _read(config)
    moves = Moves(read)
    try:
        found = moves.all() if name is None else [_known(moves, name)]
        now = moves.check()
    finally:
        moves.close()
    return [status_of(read, move, now) for move in found]


def verify(config: Source | ClusterConfig, name: str, tell: Tell = _nobody) -> Move:
    """Apply what is in the journal of the move called `name`, and compare all rows
    again; `tell` is told of each step. Raises OperationalError where they differ."""
    with _working(config, name, tell) as mover:
        if mover.move.phase not in (Phase.FOLLOWING, Phase.VERIFIED):
            raise _wrong(mover.move, "verified")
        mover.verify()
        return mover.move


def switch(
    config: Source | ClusterConfig,
    name: str,
    reverse: bool = True,
    tell: Tell = _nobody,
) -> Move:
    """Have the tables of the move called `name` live at its target from now on.

    Without `reverse` there is no way back. `tell` is told of each step. Raises
    OperationalError when the lock on the tables was not had.
    """
    with _working(config, name, tell) as mover:
        Switching(mover).switch(reverse)
        return mover.move


def undo(config: Source | ClusterConfig, name: str, tell: Tell = _nobody) -> Move:
    """Have the tables of the move called `name` live at its source again, with all that
    was written at the target; `tell` is told of each step."""
    with _working(config, name, tell) as mover:
        Switching(mover).undo()
        return mover.move


def run(
    config: Source | ClusterConfig,
    name: str,
    seconds: float | None = None,
    tell: Tell = _nobody,
) -> Move:
    """Serve the stream of the move called `name`, for `seconds` or until interrupted:
    to the target before the switch, back to the source after it. `tell` is told of each
    step."""
    deadline = None if seconds is None else time.monotonic() + seconds
    with _working(config, name, tell) as mover:
        Switching(mover).serve(deadline)
        return mover.move


def finish(config: Source | ClusterConfig, name: str, tell: Tell = _nobody) -> Move:
    """Drop the stream back of the move called `name` and give the old tables other
    names; `tell` is told of each step. There is no way back then."""
    with _working(config, name, tell) as mover:
        Switching(mover).finish()
        return mover.move


def abort(config: Source | ClusterConfig, name: str, tell: Tell = _nobody) -> Move:
    """Give the move called `name` up: the source is as before, and nothing is left of
    it; `tell` is told of each step. Refused once the tables live at the target."""
    with _working(config, name, tell) as mover:
        Switching(mover).abort()
        return mover.move


def _read(config: Source | ClusterConfig) -> ClusterConfig:
    return config if isinstance(config, ClusterConfig) else read_config(config, {})


def _known(moves: Moves, name: str) -> Move:
    found = moves.find(name)
    if found is None:
        raise errors.ConfigError(f"there is no move {name}")
    return found


def _wrong(move: Move, done: str) -> errors.Error:
    return errors.OperationalError(
        f"the move {move.name} is {move.phase.value}: it cannot be {done}"
    )


@contextmanager
def _working(config: Source | ClusterConfig, name: str, tell: Tell) -> Iterator[Mover]:
    """Be the mover of a move that is there."""
    read = _read(config)
    with (
        _locked(read, name) as moves,
        _mover(read, moves, _known(moves, name), tell) as mover,
    ):
        yield mover


@contextmanager
def _locked(config: ClusterConfig, name: str) -> Iterator[Moves]:
    moves = Moves(config)
    try:
        moves.make()
        moves.lock(name)
        yield moves
    finally:
        moves.close()


@contextmanager
def _mover(
    config: ClusterConfig, moves: Moves, move: Move, tell: Tell
) -> Iterator[Mover]:
    mover = Mover(config, moves, move, tell)
    try:
        yield mover
    except errors.Error as exc:
        found = moves.find(move.name)
        if found is not None:
            moves.write(replace(found, error=str(exc).strip()[:500]))
        raise
    else:
        if mover.move.error or mover.move.waiting:
            mover.move = moves.write(replace(mover.move, error="", waiting=""))
    finally:
        mover.close()
