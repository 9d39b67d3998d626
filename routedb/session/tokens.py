"""Tokens: what a session has seen, as a short text for another session.

    1~main!!w1.3000060~orders!2!g0-1-100

A version, then for each group its database, its shard and a position. All of it fits a
cookie or a URL as it is (RFC 6265, RFC 3986: unreserved characters, `!` and `%`). The
text comes back from outside and is checked: what is no token is refused, and a position
that never was makes a session read from the writer, at worst.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from routedb import errors
from routedb.topology.positions import (
    GtidPosition,
    GtidSet,
    Position,
    WalPosition,
    read_gtids,
)

VERSION = "1"
LONGEST = 16_384
_UNKNOWN = "x"  # the group's servers report no position


class GroupRef(NamedTuple):
    """The name of a group: a database, and the number of a shard or None."""

    database: str
    shard: int | None


class UnknownPosition:
    """A position that is not known, so none covers it."""

    def covers(self, other: Any) -> bool:
        """It is at or beyond nothing."""
        return False


UNKNOWN_POSITION = UnknownPosition()


def write_token(positions: Iterable[tuple[GroupRef, Position]]) -> str:
    """Return the text for these positions; a group may have several."""
    entries = (
        "!".join((_name(group.database), _number(group.shard), _pack(position)))
        for group, position in positions
    )
    return "~".join((VERSION, *entries))


def read_token(text: str) -> list[tuple[GroupRef, Position]]:
    """Return the positions in a token. Raises ProgrammingError for what is no token."""
    if not isinstance(text, str) or len(text) > LONGEST:
        raise _no_token(text)
    version, *entries = text.split("~")
    if version != VERSION:
        raise _no_token(text)
    try:
        return [_entry(entry) for entry in entries]
    except ValueError:
        raise _no_token(text) from None


def _entry(text: str) -> tuple[GroupRef, Position]:
    name, number, packed = text.split("!")
    return GroupRef(unquote(name), int(number) if number else None), _unpack(packed)


def _name(database: str) -> str:
    return quote(database, safe="").replace("~", "%7E")


def _number(shard: int | None) -> str:
    return "" if shard is None else str(shard)


def _pack(position: Position) -> str:
    pack = _PACK.get(type(position))
    return _UNKNOWN if pack is None else pack(position)


_PACK: dict[type, Callable[[Any], str]] = {
    WalPosition: lambda at: f"w{at.timeline:x}.{at.lsn:x}",
    GtidPosition: lambda at: "g" + str(at).replace(",", "."),
    GtidSet: lambda at: "s" + str(at).replace(",", ".").replace(":", "_"),
}


def _unpack(text: str) -> Position:
    """Raises ValueError."""
    kind, body = text[:1], text[1:]
    if kind == _UNKNOWN and not body:
        return UNKNOWN_POSITION
    if kind == "w":
        timeline, lsn = (int(part, 16) for part in body.split("."))
        return WalPosition(timeline, lsn)
    read = {"g": body.replace(".", ","), "s": body.replace(".", ",").replace("_", ":")}
    found = read_gtids(read[kind]) if kind in read else None
    if found is None:
        raise ValueError
    return found


def _no_token(text: object) -> errors.ProgrammingError:
    shown = text[:40] if isinstance(text, str) else type(text).__name__
    return errors.ProgrammingError(
        f"{shown!r} is no token of routedb: pass on what connection.token() returned"
    )
