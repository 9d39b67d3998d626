"""What is known of libpq, and what psycopg2 does while it lets no other thread run.

Its `cancel()` waits for the server: while that accepts and never answers, the whole
program stands still, and nothing in it could end the wait. So the same functions of the
same libpq are called here, by way of ctypes.

An asynchronous connect looks the host's name up in that way. So it is looked up here.
"""

from __future__ import annotations

import ctypes
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

Cancel = Callable[[Any, float], None]  # on a connection, within so many seconds

# First bytes of what a server sends unasked (PostgreSQL manual, Message Formats): the
# end of the line, an error, and NOTIFY, notice or parameter; or a record of TLS.
FAREWELLS = frozenset({b"", b"E"})

UNASKED = FAREWELLS | {b"A", b"N", b"S", b"\x15", b"\x16", b"\x17"}

KEEPALIVES = ("keepalives", "tcp_user_timeout", "service=")

SHORTEST_TIMEOUT_S = 2  # libpq takes 1 as 2 (manual, connect_timeout)

_ROOM = 256  # for what libpq says, as its manual advises


def addresses(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return what to add to libpq's parameters so that it looks no name up.

    Raises OSError when nobody knows the name.
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
    told. `path` is that of psycopg2's module, which knows its libpq."""
    try:
        return _Canceller(path, error).cancel
    except (OSError, AttributeError):  # on this system it does not show it
        return lambda raw, timeout_s: raw.cancel()


class _Canceller:
    def __init__(self, path: str, error: type[Exception]) -> None:
        # The connection is looked at without letting others run: one might close it.
        self._get = ctypes.PyDLL(path).PQgetCancel
        self._get.argtypes, self._get.restype = [ctypes.c_void_p], ctypes.c_void_p
        libpq = ctypes.CDLL(path)
        self._cancel, self._free = libpq.PQcancel, libpq.PQfreeCancel
        self._cancel.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._free.argtypes = [ctypes.c_void_p]
        self._error = error

    def cancel(self, raw: Any, timeout_s: float) -> None:
        """The thread that asks is left alone when it takes too long."""
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
