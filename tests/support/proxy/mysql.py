"""MySQL's packets, as MySQL and MariaDB send them (manual, Client/Server Protocol)."""

from __future__ import annotations

from tests.support.proxy.messages import Message

COMMANDS = {
    0x01: "Quit",
    0x02: "InitDB",
    0x03: "Query",
    0x0E: "Ping",
    0x16: "Prepare",
    0x17: "Execute",
    0x1B: "SetOption",
    0x1F: "ResetConnection",
}
LONGEST = 0xFFFFFF  # a payload of so many bytes goes on in the next packet
TLS, NO_EOF = 1 << 11, 1 << 24  # what a client says that it can
MORE_RESULTS = 0x0008  # of the status flags


class MySQLTalk:
    """The packets of one connection. An answer's rows are told from its columns and
    its end, so the reader follows each answer through."""

    def __init__(self) -> None:
        self._waiting = {True: b"", False: b""}  # by "is it the client's"
        self._goes_on = {True: "", False: ""}  # the kind of a packet that goes on
        self._has_greeted = False
        self._capabilities: int | None = None  # None before the client's first packet
        self._is_in = False  # the login is over
        self._columns = 0  # definitions still to come
        self._place = "first"  # of an answer: first, columns, rows
        self._is_opaque = False

    def from_client(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        return self._split(True, data)

    def from_server(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        return self._split(False, data)

    def starting(self, message: Message) -> tuple[bytes, bool]:
        """The server speaks first, and one that is starting hangs up instead."""
        return b"", True

    def _split(self, is_client: bool, data: bytes) -> list[Message]:
        found = []
        rest = self._waiting[is_client] + data
        while rest:
            if self._is_opaque:
                message = Message("Opaque", rest, rest)
            else:
                size = 4 + int.from_bytes(rest[:3], "little")
                if len(rest) < 4 or len(rest) < size:
                    break
                raw = rest[:size]
                message = Message(self._kind(is_client, raw), raw[4:], raw)
            found.append(message)
            rest = rest[len(message.raw) :]
        self._waiting[is_client] = rest
        return found

    def _kind(self, is_client: bool, raw: bytes) -> str:
        kind = self._goes_on[is_client] or (
            self._of_client(raw) if is_client else self._of_server(raw[4:])
        )
        self._goes_on[is_client] = kind if len(raw) == 4 + LONGEST else ""
        return kind

    def _of_client(self, raw: bytes) -> str:
        if self._capabilities is None:
            capabilities = int.from_bytes(raw[4:8], "little")
            if capabilities & TLS and len(raw) == 4 + 32:
                self._is_opaque = True
                return "SSLRequest"
            self._capabilities = capabilities
            return "Login"
        if not self._is_in:
            return "Password"
        self._place = "first"
        return COMMANDS.get(raw[4], "Other") if len(raw) > 4 else "Other"

    def _of_server(self, body: bytes) -> str:
        if not self._has_greeted:
            self._has_greeted = True
            return "Greeting"
        if not self._is_in:
            self._is_in = body[:1] == b"\x00"
            return {b"\x00": "OK", b"\xff": "ERR"}.get(body[:1], "Authentication")
        if body[:1] == b"\xff":
            return "ERR"
        return {"first": self._head, "columns": self._column, "rows": self._row}[
            self._place
        ](body)

    def _head(self, body: bytes) -> str:
        if body[:1] == b"\x00":
            return "OK"
        if body[:1] == b"\xfb":
            return "LocalInfile"
        self._columns, _ = _number(body)
        self._place = "columns"
        return "ColumnCount"

    def _column(self, body: bytes) -> str:
        if self._columns:
            self._columns -= 1
            if not self._columns and self._has_no_eof:
                self._place = "rows"
            return "Column"
        self._place = "rows"
        return "EOF"

    def _row(self, body: bytes) -> str:
        if body[:1] != b"\xfe" or len(body) >= LONGEST:
            return "Row"
        at = 1
        if self._has_no_eof:  # an OK in EOF's clothes: two numbers stand first
            for _ in range(2):
                _, size = _number(body[at:])
                at += size
            status = body[at : at + 2]
        else:
            status = body[3:5]
        has_more = int.from_bytes(status, "little") & MORE_RESULTS
        self._place = "first" if has_more else "rows"
        return "EOF"

    @property
    def _has_no_eof(self) -> bool:
        return bool((self._capabilities or 0) & NO_EOF)


def _number(body: bytes) -> tuple[int, int]:
    """Read a length-encoded integer: its value, and how many bytes it takes."""
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(body[0], 0)
    if not width:
        return body[0], 1
    return int.from_bytes(body[1 : 1 + width], "little"), 1 + width
