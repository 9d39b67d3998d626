"""How far a table is copied: rows of `routedb_chunks`, at the target.

A chunk's row is written in the transaction of its rows, so both are there or neither.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from routedb.mover.ends import Target
from routedb.mover.sessions import Session
from routedb.moving.keys import Key
from routedb.moving.spelling import string

_CHUNKS = (
    "CREATE TABLE IF NOT EXISTS routedb_chunks (move varchar(100) NOT NULL, "
    "moved varchar(100) NOT NULL, number integer NOT NULL, low_key text, "
    "last_key text, copied bigint NOT NULL, PRIMARY KEY (move, moved, number))"
)


class Gap(NamedTuple):
    """What is there behind chunks that are missing: the number of the next chunk, and
    the key that it begins after."""

    number: int
    low: Key


class Copied(NamedTuple):
    """How far a table is copied, from its beginning on."""

    chunks: int = 0
    rows: int = 0  # with those behind a gap
    upto: Key | None = None  # the last key
    is_all: bool = False
    gap: Gap | None = None


class Torn(NamedTuple):
    """A chunk that some shards have."""

    last: Key | None  # its last key
    having: frozenset[int]  # the numbers of these shards


def make(session: Session) -> None:
    """Make the table of chunks at the target."""
    session.run(_CHUNKS)


def copied(target: Target, move: str, table: str) -> Copied:
    """Return how far `table` of `move` is copied to `target`: up to the last chunk that
    is at all of its shards."""
    found = [_rows(session, move, table) for session in target.parts]
    whole = set.intersection(*(set(rows) for rows in found))
    rows = found[0]
    count = sum(rows[number].copied for number in whole)
    reached, last = 0, None
    for number in sorted(whole):
        if rows[number].low != last:
            low = _key(rows[number].low)
            assert low is not None  # only the first begins at the beginning
            return Copied(reached, count, _key(last), gap=Gap(number, low))
        reached, last = number, rows[number].last
    return Copied(reached, count, _key(last), bool(whole) and last is None)


def torn(target: Target, move: str, table: str, number: int) -> Torn | None:
    """Return what is known of chunk `number` of `table` of `move`, where some shards of
    `target` have committed it, and others have not."""
    found = [_rows(session, move, table) for session in target.parts]
    having = [place for place, rows in enumerate(found) if number in rows]
    if not having:
        return None
    return Torn(_key(found[having[0]][number].last), frozenset(having))


def numbers(session: Session, move: str, table: str) -> set[int]:
    """Return the numbers of the chunks of `table` of `move` that `session` has."""
    return set(_rows(session, move, table))


def note(
    target: Target,
    move: str,
    table: str,
    number: int,
    ends: tuple[Key | None, Key | None],
    count: int,
) -> None:
    """Note in `target`'s transaction that chunk `number` of `table` of `move` is there:
    `count` rows, between the `ends`, after one key and up to another; None is the
    beginning, and the end."""
    engine = target.engine
    low, last = (
        "NULL" if key is None else string(engine, json.dumps(key)) for key in ends
    )
    named = f"{string(engine, move)}, {string(engine, table)}"
    target.run(
        f"INSERT INTO routedb_chunks VALUES ({named}, {number}, {low}, {last}, {count})"
    )


def forget(session: Session, move: str) -> None:
    """Delete what is noted of `move`, and the table once nothing is in it."""
    named = string(session.engine, move)
    deleted = f"DELETE FROM routedb_chunks WHERE move = {named}"
    if session.run_if_there(deleted) is None:  # never made, or dropped already
        return
    if not session.run("SELECT 1 FROM routedb_chunks LIMIT 1"):
        session.run("DROP TABLE routedb_chunks")


class _Row(NamedTuple):
    """A chunk, with its keys as texts."""

    low: str | None
    last: str | None
    copied: int


def _rows(session: Session, move: str, table: str) -> dict[int, _Row]:
    """Return the chunks, by number."""
    engine = session.engine
    rows = session.run(
        "SELECT number, low_key, last_key, copied FROM routedb_chunks WHERE "
        f"move = {string(engine, move)} AND moved = {string(engine, table)}"
    )
    return {row[0]: _Row(*row[1:]) for row in rows}


def _key(text: str | None) -> Key | None:
    return None if text is None else tuple(json.loads(text))
