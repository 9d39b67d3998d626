"""A proxy that knows the messages, and can stop at any of them."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary, WeakSet

from tests.support.proxy.line import End, Proxy
from tests.support.proxy.messages import Message, Talk
from tests.support.proxy.mysql import MySQLTalk
from tests.support.proxy.postgresql import PostgreSQLTalk

TALKS: dict[str, type[Talk]] = {"postgresql": PostgreSQLTalk, "mysql": MySQLTalk}
PATIENCE_S = 30.0


class Stop:
    """Where one connection stops: before a request, or before a part of its answer.

    The request is the first message of a client, of this kind, that has `text` in it.
    With `answer`, it passes, and the line stops before the `nth` message of that kind
    that comes back; "" is any kind.
    """

    def __init__(
        self, wire: Wire, kind: str, text: bytes, answer: str | None, nth: int
    ) -> None:
        self.answer = answer
        self.left = nth
        self._wire = wire
        self._kind = kind
        self._text = text
        self._end: End | None = None
        self._reached = threading.Event()

    def is_for(self, message: Message) -> bool:
        """Tell whether this is the request that is waited for."""
        return message.kind == self._kind and self._text in message.body

    def reach(self, end: End) -> None:
        """Hold what comes from this end from now on."""
        self._end = end
        end.is_held = True
        self._reached.set()

    def wait(self, timeout: float = PATIENCE_S) -> None:
        """Wait until a connection has stopped here."""
        if not self._reached.wait(timeout):
            raise TimeoutError(f"no {self._kind} with {self._text!r} has come")

    def release(self) -> None:
        """Let the connection go on; one that was cut meanwhile does not."""
        self.wait(0)
        assert self._end is not None
        self._wire.go_on(self._end)

    def cut(self) -> None:
        """Reset the connection that has stopped here."""
        self.wait(0)
        assert self._end is not None
        self._wire.cut_one(self._end)


class Wire(Proxy):
    """Relay messages. `engine` is "postgresql" or "mysql"."""

    def __init__(self, host: str, port: int, engine: str) -> None:
        self._talk = TALKS[engine]
        self._talks: WeakKeyDictionary[End, Talk] = WeakKeyDictionary()
        self._stops: list[Stop] = []  # wait for their request
        self._answers: WeakKeyDictionary[End, Stop] = WeakKeyDictionary()  # by server
        self._held: WeakKeyDictionary[End, list[Message]] = WeakKeyDictionary()
        self._turned_away: WeakSet[End] = WeakSet()
        self._is_starting = False
        super().__init__(host, port)

    def stop(
        self,
        text: bytes,
        *,
        answer: str | None = None,
        nth: int = 1,
        kind: str = "Query",
    ) -> Stop:
        """Stop the connection that next sends such a request (see `Stop`)."""
        stop = Stop(self, kind, text, answer, nth)
        with self._lock:
            self._stops.append(stop)
        return stop

    def start_slowly(self) -> None:
        """Turn new connections away, as a server does that is starting, up to
        `accept`."""
        with self._lock:
            self._is_starting = True
            super().accept()

    def accept(self) -> None:
        """Work as at the beginning; what a blackhole held back arrives now."""
        with self._lock:
            self._is_starting = False
            super().accept()

    def go_on(self, end: End) -> None:
        """Pass on what was held of this end."""
        with self._lock:
            first, *rest = self._held.pop(end)
            end.is_held = False
            if end in self._ends:
                super()._take(end, first.raw)  # it has been looked at
                self._pass(end, rest)
                self._settle(end)

    def cut_one(self, end: End) -> None:
        """Reset one connection."""
        with self._lock:
            self._reset(end)

    def _begin(self, front: End, back: End) -> None:
        self._talks[front] = self._talks[back] = self._talk()
        if self._is_starting:
            self._turned_away |= {front, back}

    def _take(self, end: End, data: bytes) -> None:
        if not data:
            super()._take(end, data)
            return
        talk = self._talks[end]
        self._pass(
            end, talk.from_client(data) if end.is_client else talk.from_server(data)
        )

    def _pass(self, end: End, messages: list[Message]) -> None:
        for at, message in enumerate(messages):
            if end not in self._ends:  # cut on the way
                return
            if end in self._turned_away:
                self._turn_away(end, message)
                continue
            stop = self._stop_at(end, message)
            if stop is not None:
                self._held[end] = messages[at:]
                stop.reach(end)
                return
            super()._take(end, message.raw)

    def _stop_at(self, end: End, message: Message) -> Stop | None:
        """Return where the line stops before this message, if it does."""
        if not end.is_client:
            stop = self._answers.get(end)
            if stop is None or stop.answer not in ("", message.kind):
                return None
            stop.left -= 1
            return None if stop.left else self._answers.pop(end)
        stop = next((stop for stop in self._stops if stop.is_for(message)), None)
        if stop is None:
            return None
        self._stops.remove(stop)
        if stop.answer is None:
            return stop
        self._answers[end.peer] = stop
        return None

    def _turn_away(self, end: End, message: Message) -> None:
        answer, is_last = self._talks[end].starting(message)
        end.outgoing += answer
        end.has_ended = end.peer.has_ended = is_last
