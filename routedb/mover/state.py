"""What a move has in the home database: a row that tells how far it has come.

`routedb_moves` is written by one mover at a time: it holds a lock of the server, which
the server lets go of when the mover's connection dies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from routedb import errors
from routedb.config.model import ClusterConfig, TableRule
from routedb.config.placements import Place, Placement, rule_of
from routedb.mover import placements
from routedb.mover.sessions import Session, home_of
from routedb.moving.phases import Phase, Step, after
from routedb.moving.spelling import string

MOVES = (
    "CREATE TABLE IF NOT EXISTS routedb_moves (name varchar(100) NOT NULL PRIMARY KEY, "
    "phase varchar(20) NOT NULL, source varchar(100) NOT NULL, "
    "target varchar(100) NOT NULL, spec text NOT NULL)"
)

_CLOCK = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
    "mysql": "SELECT UNIX_TIMESTAMP(NOW(6))",
}


@dataclass(frozen=True, slots=True)
class Move:
    """A move as its row has it."""

    name: str
    phase: Phase
    source: str  # a database's name
    target: str
    tables: tuple[str, ...] = ()
    token: str = ""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    target_fingerprints: Mapping[str, str] = field(default_factory=dict)
    has_reverse: bool = True
    places: Mapping[str, Place] = field(default_factory=dict)  # of each table, there
    old_places: Mapping[str, Place] = field(default_factory=dict)
    placed: tuple[str, ...] = ()  # what had placements before
    differences: tuple[str, ...] = ()
    error: str = ""
    waiting: str = ""  # what the copy waits for
    definitions: str = ""  # the user's own, of the tables at the target
    applied_at: float = 0.0  # what was written before is applied; by the home's clock

    def marker(self, table: str) -> str:
        """Return what is in the names of all that is made for `table`."""
        return f"{self.token[:8]}_{self.tables.index(table)}"

    def rules(self, config: ClusterConfig, at_target: bool) -> dict[str, TableRule]:
        """Return the rule of each table in the cluster of `config`, `at_target` or at
        the source. Raises ConfigError where it can be none there."""
        places = self.places if at_target else self.old_places
        return {
            table: rule_of(Placement(table, place, 0, self.name), config)
            for table, place in places.items()
        }


class Moves:
    """The rows of `routedb_moves` of `config`'s home database, over one session."""

    def __init__(self, config: ClusterConfig) -> None:
        self.session = Session(home_of(config))

    def make(self) -> None:
        """Make the table, and that of placements, of which all processes learn long
        before there is anything in it. What is there is left alone: another user may
        have made it, who has the right to."""
        if self.session.run_if_there("SELECT 1 FROM routedb_moves LIMIT 1") is None:
            self.session.run(MOVES)
        placements.make(self.session)

    def lock(self, name: str) -> None:
        """Be the mover of `name` until `close`. Raises OperationalError when another
        is."""
        quoted = string(self.session.engine, f"routedb move {name}")
        if self.session.engine == "postgresql":
            text = f"SELECT pg_try_advisory_lock(hashtextextended({quoted}, 0))"
        else:
            text = f"SELECT GET_LOCK({quoted}, 0)"
        if not self.session.run(text)[0][0]:
            raise errors.OperationalError(f"another mover works on the move {name}")

    def check(self) -> float:
        """Return the seconds of the server's clock. Raises OperationalError where the
        session, and the lock with it, is gone."""
        ((seconds,),) = self.session.run(_CLOCK[self.session.engine])
        return float(seconds)

    def find(self, name: str) -> Move | None:
        """Return the move called `name`; None when there is none."""
        rows = self._rows(f"WHERE name = {string(self.session.engine, name)}")
        return rows[0] if rows else None

    def all(self) -> list[Move]:
        """Return all moves, by name."""
        return self._rows("ORDER BY name")

    def _rows(self, where: str) -> list[Move]:
        try:
            rows = self.session.run(
                f"SELECT name, phase, source, target, spec FROM routedb_moves {where}"
            )
        except errors.ProgrammingError:  # there is no such table
            return []
        return [_move(row) for row in rows]

    def write(self, move: Move) -> Move:
        """Write the row of `move`, and return it."""
        engine = self.session.engine
        said = asdict(move)
        spec = json.dumps(
            {key: said[key] for key in said if key not in ("name", "phase")},
            ensure_ascii=True,
        )
        values = (move.name, move.phase.value, move.source, move.target, spec)
        listed = ", ".join(string(engine, value) for value in values)
        with self.session.transaction():
            self.session.run(
                f"DELETE FROM routedb_moves WHERE name = {string(engine, move.name)}"
            )
            self.session.run(f"INSERT INTO routedb_moves VALUES ({listed})")
        return move

    def forget(self, name: str) -> None:
        """Delete the row of the move called `name`."""
        quoted = string(self.session.engine, name)
        self.session.run(f"DELETE FROM routedb_moves WHERE name = {quoted}")

    def step(self, move: Move, step: Step, **changes: Any) -> Move:
        """Write the phase of `move` after `step`, with other `changes` of its fields,
        and return it."""
        return self.write(replace(move, phase=after(move.phase, step), **changes))

    def close(self) -> None:
        """Let go of the lock."""
        self.session.close()


def _move(row: tuple[Any, ...]) -> Move:
    name, phase, _, _, spec = row
    said = json.loads(spec)
    for key in ("tables", "placed", "differences"):
        said[key] = tuple(said[key])
    return Move(name, Phase(phase), **said)
