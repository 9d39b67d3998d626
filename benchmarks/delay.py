"""A TCP line that is longer than it is: what goes through arrives later."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager


@contextmanager
def delayed(port: int, round_trip_s: float) -> Iterator[int]:
    """Yield a port of this machine that leads to `port`, with `round_trip_s` more for
    each question and its answer."""
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        threading.Thread(
            target=_serve, args=[door, port, round_trip_s], daemon=True
        ).start()
        yield int(door.getsockname()[1])


def _serve(door: socket.socket, port: int, round_trip_s: float) -> None:
    while True:
        try:
            client, _ = door.accept()
        except OSError:  # closed
            return
        server = socket.create_connection(("127.0.0.1", port))
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            args = [one, other, round_trip_s / 2]
            threading.Thread(target=_pass_on, args=args, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, delay_s: float) -> None:
    try:
        while data := source.recv(65_536):
            time.sleep(delay_s)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one of the two is gone
        target.close()
