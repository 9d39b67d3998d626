"""Operations on a driver's socket by its descriptor alone."""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

_FAREWELL_S = 0.5
_PROBES = 3  # unanswered ones until a connection is dead


def has_input(descriptor: int) -> bool:
    """Tell whether data has arrived, or the connection is closed. No round trip.

    On an idle link unread data is an error message, or an unsolicited one.
    """
    poll = _system_poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def watch(descriptor: int) -> Callable[[], object]:
    """Return a call that does what `has_input` does, for less, while the socket is
    open. It raises RuntimeError when another thread is within."""
    poll = _system_poll()
    poll.register(descriptor, select.POLLIN)
    return partial(poll.poll, 0)


def _system_poll() -> Any:
    """Return a poll object that answers at once: gevent's, in the place of the system's
    once it has patched `select`, lets all other greenlets run first."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is None:
        return select.poll()
    return gevent.get_original("select", "poll")()


def wait(descriptor: int, is_writing: bool, timeout_s: float | None = None) -> bool:
    """Wait until the socket `descriptor` can be read, or, if `is_writing`, written to.

    Returns False when it cannot after `timeout_s` seconds; None waits without bound.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if is_writing else select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else max(0, timeout_s * 1000)))


def identity(descriptor: int) -> int | None:
    """Return what distinguishes this socket from a later one with the same descriptor;
    None for a descriptor that is not open."""
    try:
        return os.fstat(descriptor).st_ino
    except OSError:
        return None


def shut_down(descriptor: int, expected: int | None = None) -> None:
    """Make calls that wait on the socket `descriptor`, in other threads, fail now.

    `expected` is the identity that it must have, where its driver may have closed it by
    itself and the descriptor may be reused.
    """
    try:
        with socket.socket(fileno=os.dup(descriptor)) as twin:
            if expected is None or identity(twin.fileno()) == expected:
                twin.shutdown(socket.SHUT_RDWR)
    except OSError:  # closed already: no call waits
        return


def keep_alive(descriptor: int, silent_s: float) -> None:
    """Enable TCP keep-alive on the socket `descriptor`: probe after `silent_s` seconds
    without data, and close the connection after about as long again; likewise when what
    was sent is not acknowledged for as long as both together."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as twin:
            if twin.family not in (socket.AF_INET, socket.AF_INET6):
                return
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _keep_alive(silent_s).items():
                if hasattr(socket, name):  # not every system has all
                    twin.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except OSError:  # closed already: the next call raises
        return


def _keep_alive(silent_s: float) -> dict[str, int]:
    every_s = max(1, round(silent_s / _PROBES))
    return {
        "TCP_KEEPIDLE": max(1, round(silent_s)),
        "TCP_KEEPINTVL": every_s,
        "TCP_KEEPCNT": _PROBES,
        "TCP_USER_TIMEOUT": round((silent_s + every_s * _PROBES) * 1000),
    }


@contextmanager
def seen_off(descriptor: int) -> Iterator[None]:
    """Close a connection within the block; then wait a moment until the other side has
    closed it too: until then a server counts the session."""
    try:
        twin = socket.socket(fileno=os.dup(descriptor))
    except OSError:  # closed already
        yield
        return
    with twin:
        yield
        twin.settimeout(_FAREWELL_S)
        try:
            while twin.recv(4096):
                continue
        except OSError:  # it takes longer, or the connection is broken
            return


def silence(descriptor: int) -> None:
    """Put /dev/null in the place of a socket that a parent process also uses.

    What the driver sends on it later, also at garbage collection, reaches no server.
    The descriptor stays open, so it cannot be reused for another file.
    """
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, descriptor)
        os.close(null)
    except OSError:
        return


def peek(descriptor: int) -> bytes | None:
    """Return the first unread byte, and leave it there; b"" when the connection is
    closed, None when nothing has arrived."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as twin:
            return twin.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:  # closed, or silenced
        return b""
