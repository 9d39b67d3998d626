"""How far a table is copied: rows of `routedb_chunks`, at the target.

A chunk's row is written in the transaction of its rows, so both are there or neither.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from routedb.mover.sessions import Session
from routedb.moving.keys import Key
from routedb.moving.spelling import string

_CHUNKS = (
    "CREATE TABLE IF NOT EXISTS routedb_chunks (move varchar(100) NOT NULL, "
    "moved varchar(100) NOT NULL, number integer NOT NULL, last_key text, "
    "copied bigint NOT NULL, PRIMARY KEY (move, moved, number))"
)


class Copied(NamedTuple):
    """How far a table is copied."""

    chunks: int = 0
    rows: int = 0
    upto: Key | None = None  # the last key
    is_all: bool = False


def make(session: Session) -> None:
    """Make the table of chunks at the target."""
    session.run(_CHUNKS)


def copied(session: Session, move: str, table: str) -> Copied:
    """Return how far `table` of `move` is copied to where `session` is."""
    rows = session.run(
        "SELECT number, last_key, copied FROM routedb_chunks "
        f"WHERE {_of(session, move, table)} ORDER BY number"
    )
    if not rows:
        return Copied()
    number, last, _ = rows[-1]
    key = None if last is None else tuple(json.loads(last))
    return Copied(number, sum(row[2] for row in rows), key, last is None)


def note(
    session: Session, move: str, table: str, number: int, last: Key | None, count: int
) -> None:
    """Note in `session`'s transaction that chunk `number` of `table` of `move` is
    there: `count` rows, up to the key `last`; None is the end."""
    engine = session.engine
    text = "NULL" if last is None else string(engine, json.dumps(last))
    named = f"{string(engine, move)}, {string(engine, table)}"
    session.run(
        f"INSERT INTO routedb_chunks VALUES ({named}, {number}, {text}, {count})"
    )


def forget(session: Session, move: str) -> None:
    """Delete what is noted of `move`, and the table once nothing is in it."""
    named = string(session.engine, move)
    deleted = f"DELETE FROM routedb_chunks WHERE move = {named}"
    if session.run_if_there(deleted) is None:  # never made, or dropped already
        return
    if not session.run("SELECT 1 FROM routedb_chunks LIMIT 1"):
        session.run("DROP TABLE routedb_chunks")


def _of(session: Session, move: str, table: str) -> str:
    engine = session.engine
    return f"move = {string(engine, move)} AND moved = {string(engine, table)}"
