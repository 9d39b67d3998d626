"""PostgreSQL's messages, version 3 of the protocol (manual, Message Formats)."""

from __future__ import annotations

import struct

from tests.support.proxy.messages import Message

FRONTEND = {
    b"Q": "Query",
    b"P": "Parse",
    b"B": "Bind",
    b"E": "Execute",
    b"S": "Sync",
    b"X": "Terminate",
    b"p": "Password",
    b"d": "CopyData",
    b"c": "CopyDone",
    b"f": "CopyFail",
}
BACKEND = {
    b"R": "Authentication",
    b"S": "ParameterStatus",
    b"K": "BackendKeyData",
    b"Z": "ReadyForQuery",
    b"T": "RowDescription",
    b"D": "DataRow",
    b"C": "CommandComplete",
    b"E": "ErrorResponse",
    b"N": "NoticeResponse",
    b"A": "NotificationResponse",
    b"I": "EmptyQueryResponse",
    b"G": "CopyInResponse",
    b"H": "CopyOutResponse",
    b"d": "CopyData",
    b"c": "CopyDone",
}
FIRST = {
    196608: "Startup",
    80877102: "CancelRequest",
    80877103: "SSLRequest",
    80877104: "GSSENCRequest",
}
STARTING = "the database system is starting up"


class PostgreSQLTalk:
    """The messages of one connection."""

    def __init__(self) -> None:
        self._waiting = {True: b"", False: b""}  # by "is it the client's"
        self._has_begun = False  # the start-up message is through
        self._asked_for_cover = False  # the server says with one byte if it may be had
        self._is_opaque = False

    def from_client(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        return self._split(True, data)

    def from_server(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        return self._split(False, data)

    def starting(self, message: Message) -> tuple[bytes, bool]:
        """No cover for the line, and to the rest 57P03."""
        if message.kind in ("SSLRequest", "GSSENCRequest"):
            return b"N", False
        return error("57P03", STARTING), True

    def _split(self, is_client: bool, data: bytes) -> list[Message]:
        found = []
        rest = self._waiting[is_client] + data
        while rest:
            message = self._first(is_client, rest)
            if message is None:
                break
            found.append(message)
            rest = rest[len(message.raw) :]
        self._waiting[is_client] = rest
        return found

    def _first(self, is_client: bool, data: bytes) -> Message | None:
        """Return the first message, None while it is not complete."""
        if self._is_opaque:
            return Message("Opaque", data, data)
        if self._asked_for_cover and not is_client:
            self._asked_for_cover = False
            self._is_opaque = data[:1] in b"SG"
            return Message("Cover", data[:1], data[:1])
        if is_client and not self._has_begun:
            return self._opening(data)
        if len(data) < 5 or len(data) < 1 + _length(data[1:]):
            return None
        raw = data[: 1 + _length(data[1:])]
        kinds = FRONTEND if is_client else BACKEND
        return Message(kinds.get(raw[:1], "Other"), raw[5:], raw)

    def _opening(self, data: bytes) -> Message | None:
        """The first messages of a client bear no letter."""
        if len(data) < 8 or len(data) < _length(data):
            return None
        raw = data[: _length(data)]
        kind = FIRST.get(_length(raw[4:]), "Other")
        self._has_begun = kind in ("Startup", "CancelRequest")
        self._asked_for_cover = not self._has_begun
        return Message(kind, raw[8:], raw)


def error(code: str, text: str) -> bytes:
    """Return an ErrorResponse that ends a session."""
    fields = f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0".encode()
    return b"E" + struct.pack("!i", len(fields) + 4) + fields


def _length(data: bytes) -> int:
    return int.from_bytes(data[:4], "big")
