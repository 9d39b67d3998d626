"""What a protocol's reader makes of the bytes of one connection."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One message of either side. `raw` are its bytes as they came."""

    kind: str  # as the protocol's manual names it: "Query", "DataRow", "OK" …
    body: bytes
    raw: bytes


class Talk(Protocol):
    """One connection's messages, in the order in which both sides send them.

    Bytes of an unfinished message wait for the rest. What is not the protocol, such as
    TLS, comes out as "Opaque", as it is.
    """

    def from_client(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""

    def from_server(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""

    def starting(self, message: Message) -> tuple[bytes, bool]:
        """Return what a server that is still starting says when this message is due,
        and whether it closes the line then."""
