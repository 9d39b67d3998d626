"""A scripted Patroni: an HTTP server that answers what the test says, or badly."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any


class Rest(ThreadingHTTPServer):
    """`says` is what GET /cluster answers: a document, or bytes to send as they are,
    or a number as the status, or None to say nothing at all."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, says: Any, context: SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.says = says
        self.asked: list[tuple[str, str | None]] = []  # path, authorization
        self.is_asked = threading.Semaphore(0)
        self.is_over = threading.Event()
        self.scheme = "http"
        if context is not None:
            self.scheme = "https"
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that break off are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Rest

    def do_GET(self) -> None:
        rest = self.server
        rest.asked.append((self.path, self.headers["Authorization"]))
        rest.is_asked.release()
        says = rest.says
        if says is None:
            rest.is_over.wait(30)
        elif says == "drip":
            self._drip()
        elif isinstance(says, bytes):
            self.wfile.write(says)
        elif isinstance(says, int):
            self.send_error(says)
        else:
            self._answer(json.dumps(says).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        """Send a byte now and then: never silent for long, and never done."""
        self.send_response(200)
        self.end_headers()
        while not self.server.is_over.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The tests' output stays clean."""


@contextmanager
def saying(says: Any, context: SSLContext | None = None) -> Iterator[Rest]:
    """A Patroni that answers this, for the length of a block."""
    rest = Rest(says, context)
    thread = threading.Thread(target=rest.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        yield rest
    finally:
        rest.is_over.set()
        rest.shutdown()
        rest.server_close()
        thread.join()


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which connections are refused."""
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def blackhole() -> Iterator[str]:
    """An address that accepts, by the kernel's word only, and never answers."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"


def members_at(
    ports: Sequence[int], leader: int = 0, **tags: dict[str, Any]
) -> dict[str, Any]:
    """What Patroni answers when servers are at these ports; `tags` by member name."""
    return {
        "members": [
            {
                "name": f"p{number}",
                "role": "leader" if number == leader else "replica",
                "state": "running",
                "host": "127.0.0.1",
                "port": port,
                "tags": tags.get(f"p{number}", {}),
            }
            for number, port in enumerate(ports)
        ]
    }
