"""A TCP proxy between a client and a server, for breaking the line at will."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from enum import Enum
from typing import TypeVar
from urllib.parse import urlsplit

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# With this linger a close is a reset: the other end sees ECONNRESET, not an end.
RESET = struct.pack("ii", 1, 0)
BUFFER = 1 << 20

P = TypeVar("P", bound="Proxy")


class Lost(Enum):
    """What of an exchange is lost when the line is cut."""

    REQUEST = 1
    ANSWER = 2


class End:
    """One of the two sockets of a relayed connection."""

    def __init__(self, sock: socket.socket, is_client: bool) -> None:
        self.sock = sock
        self.is_client = is_client
        self.peer = self
        self.outgoing = bytearray()
        self.has_ended = False  # nothing more to read from it
        self.is_shut = False  # nothing more to write to it
        self.is_doomed = False  # cut as soon as anything comes from it
        self.is_held = False  # what comes from it waits

    def interest(self) -> int:
        """Say what to wait for; an unread peer is not read for."""
        is_open = not (self.has_ended or self.is_held)
        reads = is_open and len(self.peer.outgoing) < BUFFER
        return (READ if reads else 0) | (WRITE if self.outgoing else 0)


class Proxy:
    """Relay connections to a server from a port of its own, in a thread.

    Each method has taken effect when it returns.
    """

    def __init__(
        self, host: str, port: int, at: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        self._target = (host, port)
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._ends: set[End] = set()
        self._is_blackhole = False
        self._trap: tuple[bytes, Lost] | None = None
        self._is_closed = False
        self._deaf: list[socket.socket] = []  # the listener, and who fills its queue
        self._listener = socket.create_server(at)
        self.host: str = at[0]
        self.port: int = self._listener.getsockname()[1]
        self._selector.register(self._listener, READ)
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def through(self, dsn: str) -> str:
        """Return the URL with this proxy in the place of the server."""
        parts = urlsplit(dsn)
        login = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{login}@{self.host}:{self.port}").geturl()

    @property
    def connections(self) -> int:
        """How many connections pass through now."""
        with self._lock:
            return len(self._ends) // 2

    def cut(self) -> None:
        """Reset all connections, on both sides."""
        with self._lock:
            for end in list(self._ends):
                self._reset(end)

    def refuse(self) -> None:
        """Refuse new connections from now on; the present ones stay."""
        with self._lock:
            if self._listener.fileno() >= 0:
                self._watch(self._listener, 0)
                self._listener.close()

    def blackhole(self) -> None:
        """Let nothing pass any more in either direction, and say nothing about it."""
        with self._lock:
            self._is_blackhole = True
            self._watch_all()

    def vanish(self) -> None:
        """Be a blackhole for new connections too: nobody answers their first packet.

        Linux drops it where as many wait to be accepted as may.
        """
        self.refuse()
        with self._lock:
            self.blackhole()
            address = (self.host, self.port)
            self._deaf = [socket.create_server(address, backlog=0)]
            for _ in range(3):
                waiting = socket.socket()
                waiting.setblocking(False)
                waiting.connect_ex(address)
                self._deaf.append(waiting)

    def accept(self) -> None:
        """Work as at the beginning; what a blackhole held back arrives now."""
        with self._lock:
            self._is_blackhole = False
            while self._deaf:
                self._deaf.pop().close()
            if self._listener.fileno() < 0:
                self._listener = socket.create_server((self.host, self.port))
            self._watch_all()

    def lead_to(self, host: str, port: int) -> None:
        """Lead new connections to another server from now on."""
        self._target = (host, port)

    def lose_request(self, pattern: bytes) -> None:
        """Cut the connection that next sends these bytes before the server has them."""
        self._trap = (pattern, Lost.REQUEST)

    def lose_answer(self, pattern: bytes) -> None:
        """Cut the connection that next sends these bytes once the server answers."""
        self._trap = (pattern, Lost.ANSWER)

    def close(self) -> None:
        """Reset all connections and end the thread."""
        self.refuse()
        self.cut()
        with self._lock:
            self._is_closed = True
            while self._deaf:
                self._deaf.pop().close()
        self._thread.join(timeout=10)

    def __enter__(self: P) -> P:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._is_closed:
            ready = self._selector.select(timeout=0.1)
            with self._lock:
                for key, events in ready:
                    self._handle(key, events)
        self._selector.close()

    def _handle(self, key: selectors.SelectorKey, events: int) -> None:
        if self._is_blackhole:
            return  # the switch came after the select
        end: End | None = key.data
        if end is None:
            self._welcome()
        elif end in self._ends:
            try:
                if events & WRITE:
                    del end.outgoing[: end.sock.send(end.outgoing)]
                if events & READ:
                    self._take(end, end.sock.recv(65536))
            except BlockingIOError:
                pass
            except OSError:
                self._reset(end)
            self._settle(end)

    def _welcome(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # refused since, or gone again
            return
        front = End(client, is_client=True)
        try:
            back = End(socket.create_connection(self._target, 5), is_client=False)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
            return
        front.peer, back.peer = back, front
        self._begin(front, back)
        for end in (front, back):
            end.sock.setblocking(False)
            end.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends.add(end)
            self._watch(end.sock, end.interest(), end)

    def _begin(self, front: End, back: End) -> None:
        """Take note of a new connection; nothing has been said on it yet."""

    def _take(self, end: End, data: bytes) -> None:
        if end.is_doomed:
            self._reset(end)
            return
        if self._trap and end.is_client and self._trap[0] in data:
            lost, self._trap = self._trap[1], None
            if lost is Lost.REQUEST:
                self._reset(end)
                return
            end.peer.is_doomed = True
        end.has_ended = not data
        end.peer.outgoing += data

    def _settle(self, end: End) -> None:
        """Wait for the right things next; pass an end on when all before it is out."""
        if end not in self._ends:
            return
        for source in (end, end.peer):
            target = source.peer
            if source.has_ended and not target.outgoing and not target.is_shut:
                target.is_shut = True
                try:
                    target.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    self._reset(end)
                    return
        both = (end, end.peer)
        if all(each.has_ended and each.is_shut for each in both):
            self._drop(end)
            return
        for each in both:
            self._watch(each.sock, each.interest(), each)

    def _reset(self, end: End) -> None:
        for each in {end, end.peer} & self._ends:
            each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._drop(end)

    def _drop(self, end: End) -> None:
        for each in {end, end.peer} & self._ends:
            self._watch(each.sock, 0)
            self._ends.discard(each)
            each.sock.close()

    def _watch_all(self) -> None:
        for end in self._ends:
            self._watch(end.sock, 0 if self._is_blackhole else end.interest(), end)
        if self._listener.fileno() >= 0:
            self._watch(self._listener, 0 if self._is_blackhole else READ)

    def _watch(self, sock: socket.socket, events: int, end: End | None = None) -> None:
        is_watched = sock in self._selector.get_map()
        if not events:
            if is_watched:
                self._selector.unregister(sock)
        elif is_watched:
            self._selector.modify(sock, events, end)
        else:
            self._selector.register(sock, events, end)
