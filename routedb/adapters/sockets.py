"""What can be done to a driver's socket by its descriptor alone."""

from __future__ import annotations

import os
import select
import socket


def has_input(descriptor: int) -> bool:
    """Tell whether something has arrived, or the line is closed. No round trip.

    On an idle link a byte that waits is a farewell, or something unasked for.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def wait(descriptor: int, is_writing: bool, timeout_s: float | None = None) -> bool:
    """Wait until a socket can be read, or written to; tell whether it can."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if is_writing else select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else max(0, timeout_s * 1000)))


def identity(descriptor: int) -> int | None:
    """Return what tells this socket from a later one of the same number; None for a
    number that is nobody's."""
    try:
        return os.fstat(descriptor).st_ino
    except OSError:
        return None


def shut_down(descriptor: int, expected: int | None = None) -> None:
    """Make whoever waits on this socket, in another thread, fail now.

    `expected` is the identity that it must have, where its driver may have closed it by
    itself and the number may be another's.
    """
    try:
        with socket.socket(fileno=os.dup(descriptor)) as twin:
            if expected is None or identity(twin.fileno()) == expected:
                twin.shutdown(socket.SHUT_RDWR)
    except OSError:  # closed already: nobody waits
        return


def silence(descriptor: int) -> None:
    """Put /dev/null in the place of a socket that a parent process also uses.

    Whatever the driver does to it later, a farewell at garbage collection included,
    reaches nobody. The number stays taken, so it cannot become another file's.
    """
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, descriptor)
        os.close(null)
    except OSError:
        return


def peek(descriptor: int) -> bytes | None:
    """Return the first byte that waits to be read, and leave it there; b"" at the end
    of the line, None when nothing has arrived."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as twin:
            return twin.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:  # closed, or silenced
        return b""
