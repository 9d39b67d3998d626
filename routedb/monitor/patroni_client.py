"""Requests to a Patroni about its cluster, over HTTP, by the standard library.

Plain `http.client`: no proxy of the environment, no redirect, no connection kept open
between two requests.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from base64 import b64encode
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import unquote, urlsplit

from routedb.adapters import sockets
from routedb.config.mask import mask
from routedb.config.model import Discovery
from routedb.topology.membership import (
    Membership,
    UnexpectedAnswerError,
    read_membership,
)

_LARGEST = 4_000_000  # bytes of an answer; a cluster of ten members has 3,000
_OK = 200
_TROUBLES = (OSError, HTTPException, ValueError, UnexpectedAnswerError)


class PatroniUnreachableError(Exception):
    """No Patroni has answered; the text says why of each, without passwords."""


class PatroniClient:
    """Asks one of several Patronis, first the one that answered last.

    `discovery` has their URLs; one `ask` may take `timeout_s` seconds. `ask` is called
    by one thread; `interrupt` by any other, and no `ask` succeeds after it.
    """

    def __init__(self, discovery: Discovery, timeout_s: float) -> None:
        self._discovery = discovery
        self._timeout_s = timeout_s
        self._first = 0
        self._lock = threading.Lock()  # guards the fields below
        self._socket: socket.socket | None = None  # of the request under way
        self._is_over = False

    def ask(self) -> Membership:
        """Return the members, within the timeout. Raises PatroniUnreachableError.

        Each Patroni gets an equal share of the time that is left, so that one which
        hangs leaves some to the others.
        """
        urls, deadline = self._discovery.urls, time.monotonic() + self._timeout_s
        reasons = []
        for turn in range(len(urls)):
            number = (self._first + turn) % len(urls)
            share_s = (deadline - time.monotonic()) / (len(urls) - turn)
            try:
                membership = self._fetch(urls[number], max(share_s, 0.01))
            except _TROUBLES as exc:
                reasons.append(f"{mask(urls[number])}: {_reason(exc)}")
                continue
            self._first = number
            return membership
        raise PatroniUnreachableError("; ".join(reasons))

    def interrupt(self) -> None:
        """End the request under way, and let no other begin."""
        with self._lock:
            self._is_over = True
            self._shut_down()

    def _fetch(self, url: str, timeout_s: float) -> Membership:
        until = time.monotonic() + timeout_s
        connection = self._open(url, timeout_s)
        sock = self._socket
        # A timeout of the socket bounds one wait; the timer bounds a slow answer too.
        alarm = threading.Timer(until - time.monotonic(), self._expire, [sock])
        alarm.daemon = True
        alarm.start()
        try:
            return read_membership(_get(connection, url))
        except _TROUBLES:  # one of them is a request that the timer has ended
            if time.monotonic() < until:
                raise
            raise TimeoutError(f"no answer within {timeout_s:.1f} s") from None
        finally:
            alarm.cancel()
            with self._lock:
                self._socket = None
            connection.close()

    def _open(self, url: str, timeout_s: float) -> HTTPConnection:
        connection = _connection(url, timeout_s, self._discovery.ca)
        connection.connect()
        with self._lock:
            if not self._is_over:
                # Kept here: the connection forgets it once the answer has begun.
                self._socket = connection.sock
                return connection
        connection.close()
        raise TimeoutError("interrupted")

    def _expire(self, sock: socket.socket) -> None:
        with self._lock:
            if self._socket is sock:
                self._shut_down()

    def _shut_down(self) -> None:
        # Inside the lock: once it is released the owner may close the socket, and its
        # descriptor may be reused for another.
        if self._socket is not None:
            sockets.shut_down(self._socket.fileno())


def _connection(url: str, timeout_s: float, ca: str | None) -> HTTPConnection:
    parts = urlsplit(url)
    assert parts.hostname is not None  # the configuration was checked
    if parts.scheme == "http":
        return HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    context = ssl.create_default_context(cafile=ca)
    return HTTPSConnection(
        parts.hostname, parts.port, timeout=timeout_s, context=context
    )


def _get(connection: HTTPConnection, url: str) -> object:
    parts = urlsplit(url)
    headers = {"Accept": "application/json", "Connection": "close"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    connection.request("GET", f"{parts.path.rstrip('/')}/cluster", headers=headers)
    response = connection.getresponse()
    body = response.read(_LARGEST)
    if response.status != _OK:
        raise UnexpectedAnswerError(f"it answers {response.status} {response.reason}")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UnexpectedAnswerError("its answer to /cluster is not JSON") from None


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnexpectedAnswerError | TimeoutError):
        return str(exc) or "no answer in time"
    text = mask(str(exc)).strip()
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__
