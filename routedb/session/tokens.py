"""Tokens: what a session has seen, as a short text for another session.

    1~main!!w1.3000060~orders!2!g0-1-100
    2~main!!w1.3000060~lKAGGmvBGTAwgBqgCDYyTQ

A version, then for each group its database, its shard and a position; at the end of
version 2 a signature. All of it fits a cookie or a URL as it is (RFC 6265, RFC 3986:
unreserved characters, `!` and `%`). The text comes back from outside and is checked:
what is no token is refused, and a position that never was makes a session read from the
writer, at worst. Who has configured keys accepts no text that is not signed by one of
them (HMAC-SHA256, RFC 2104). Who has none accepts both, so that keys can be introduced
one process after another.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
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

VERSION, SIGNED = "1", "2"
LONGEST = 16_384
MOST_ENTRIES = 512
MOST_PARTS = 64  # of one position: GTID domains, or servers with their ranges
_SIGNATURE_BYTES = 16
_UNKNOWN = "x"  # the group's servers report no position

# As servers count: nothing that Python could not write in decimal again.
_SHARD = re.compile(r"[0-9]{1,9}").fullmatch
_WAL = re.compile(r"w([0-9a-f]{1,8})\.([0-9a-f]{1,16})").fullmatch
_IS_TOO_LONG = re.compile(r"[0-9]{21}").search


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


def write_token(
    positions: Iterable[tuple[GroupRef, Position]], keys: Sequence[str] = ()
) -> str:
    """Return the text for these positions; a group may have several. The first of
    `keys` signs it, if there is one."""
    entries = (
        "!".join((_name(group.database), _number(group.shard), _pack(position)))
        for group, position in positions
    )
    body = "~".join((SIGNED if keys else VERSION, *entries))
    return f"{body}~{_signature(keys[0], body)}" if keys else body


def read_token(text: str, keys: Sequence[str] = ()) -> list[tuple[GroupRef, Position]]:
    """Return the positions in the token `text`.

    Raises ProgrammingError for what is no token, and when there are `keys`, for one
    that none of them has signed.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        raise _no_token(text)
    body, _, signature = text.rpartition("~")
    if not text.startswith(f"{SIGNED}~"):
        body, signature = text, ""
    if keys and not _is_signed(body, signature, keys):
        raise errors.ProgrammingError(
            "this token is not signed by a token_key of this configuration: pass on "
            "what connection.token() returned, unchanged, and give all processes that "
            "exchange tokens the same keys"
        )
    version, *entries = body.split("~")
    if version != (SIGNED if signature else VERSION) or len(entries) > MOST_ENTRIES:
        raise _no_token(text)
    try:
        return [_entry(entry) for entry in entries]
    except ValueError:
        raise _no_token(text) from None


def _signature(key: str, body: str) -> str:
    said = hmac.digest(key.encode(), b"routedb token\0" + body.encode(), "sha256")
    return urlsafe_b64encode(said[:_SIGNATURE_BYTES]).decode().rstrip("=")


def _is_signed(body: str, signature: str, keys: Sequence[str]) -> bool:
    """Compare with each key's, in a time that does not tell how much is right."""
    given = signature.encode("utf-8", "replace")
    text = body.encode("utf-8", "replace").decode()
    signed = [
        hmac.compare_digest(_signature(key, text).encode(), given) for key in keys
    ]
    return any(signed)


def _entry(text: str) -> tuple[GroupRef, Position]:
    name, number, packed = text.split("!")
    if number and not _SHARD(number):
        raise ValueError
    return GroupRef(unquote(name), int(number) if number else None), _unpack(packed)


def _name(database: str) -> str:
    return quote(database, safe="").replace("~", "%7E")


def _number(shard: int | None) -> str:
    return "" if shard is None else str(shard)


def _pack(position: Position) -> str:
    pack = _PACK.get(type(position))
    is_long = _parts(position) > MOST_PARTS  # it would not be read
    return _UNKNOWN if pack is None or is_long else pack(position)


def _parts(position: Position) -> int:
    """Return how many parts a position has that are compared one by one."""
    if isinstance(position, GtidPosition):
        return len(position.last)
    if isinstance(position, GtidSet):
        return sum(map(len, position.ranges.values()))
    return 1


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
    if wal := _WAL(text):
        return WalPosition(int(wal[1], 16), int(wal[2], 16))
    if not text.isascii() or _IS_TOO_LONG(text):
        raise ValueError
    read = {"g": body.replace(".", ","), "s": body.replace(".", ",").replace("_", ":")}
    found = read_gtids(read[kind]) if kind in read else None
    if found is None or _parts(found) > MOST_PARTS:
        raise ValueError
    return found


def _no_token(text: object) -> errors.ProgrammingError:
    shown = text[:40] if isinstance(text, str) else type(text).__name__
    return errors.ProgrammingError(
        f"{shown!r} is no token of routedb: pass on what connection.token() returned"
    )
