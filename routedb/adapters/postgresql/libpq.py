"""Facts about libpq, and replacements for calls in which psycopg2 keeps the GIL.

Its `cancel()` waits for the server with the GIL held: while a server accepts and never
answers, the whole program is blocked. So the same functions of the same libpq are
called here, by ctypes.

An asynchronous connect looks up the host's name with the GIL held, so it is done here.
"""

from __future__ import annotations

import ctypes
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

Cancel = Callable[[Any, float], None]  # (raw, timeout_s)

# First bytes of a server's unsolicited messages (PostgreSQL manual, Message Formats):
# the end of the stream, an error, and NOTIFY, notice or parameter; or a TLS record.
FAREWELLS = frozenset({b"", b"E"})

UNASKED = FAREWELLS | {b"A", b"N", b"S", b"\x15", b"\x16", b"\x17"}

KEEPALIVES = ("keepalives", "tcp_user_timeout", "service=")

SHORTEST_TIMEOUT_S = 2  # libpq takes 1 as 2 (manual, connect_timeout)

_ROOM = 256  # for libpq's message, as its manual advises


def addresses(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return what to add to libpq's parameters so that it does no name lookup.

    Raises OSError when the name cannot be resolved.
    """
    host = str(parameters.get("host") or "")
    is_name = host and host[0] not in "/@" and "," not in host
    if not is_name or "hostaddr" in parameters or "service" in parameters:
        return {}
    told = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    found = list(dict.fromkeys(str(each[4][0]) for each in told))
    return {"host": ",".join([host] * len(found)), "hostaddr": ",".join(found)}


def canceller(path: str, error: type[Exception]) -> Cancel:
    """Return the function that cancels, and raises `error` when the server cannot be
    reached. `path` is that of psycopg2's module, which has its libpq loaded."""
    try:
        return _Canceller(path, error).cancel
    except (OSError, AttributeError):  # not accessible on this system
        return lambda raw, timeout_s: raw.cancel()


class _Canceller:
    def __init__(self, path: str, error: type[Exception]) -> None:
        # The GIL is held while the connection is read: another thread might close it.
        self._get = ctypes.PyDLL(path).PQgetCancel
        self._get.argtypes, self._get.restype = [ctypes.c_void_p], ctypes.c_void_p
        libpq = ctypes.CDLL(path)
        self._cancel, self._free = libpq.PQcancel, libpq.PQfreeCancel
        self._cancel.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._free.argtypes = [ctypes.c_void_p]
        self._error = error

    def cancel(self, raw: Any, timeout_s: float) -> None:
        """Cancel in a thread, which is abandoned after `timeout_s` seconds."""
        request = self._get(raw.pgconn_ptr)
        if request is None:  # it is not connected: nothing runs
            return
        said = ctypes.create_string_buffer(_ROOM)
        told: list[bool] = []

        def ask() -> None:
            told.append(bool(self._cancel(request, said, _ROOM)))
            self._free(request)

        thread = threading.Thread(target=ask, name="routedb-cancel", daemon=True)
        thread.start()
        thread.join(timeout_s)
        if not told:
            raise self._error(f"no answer to a cancel request for {timeout_s:g} s")
        if not told[0]:
            raise self._error(said.value.decode(errors="replace").strip())
