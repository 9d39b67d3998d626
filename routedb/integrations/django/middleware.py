"""Carry a user's consistency tokens from one request to the next.

    MIDDLEWARE = ["routedb.integrations.django.middleware.ConsistencyMiddleware", …]

Requests of one user reach different processes. After one that wrote, a cookie holds the
tokens of the databases; the next request reads from replicas that hold what was
written, else from the writer. Put it above what reads from a database, sessions and
authentication included. Settings, all optional:

    ROUTEDB_COOKIE = "routedb"       its name
    ROUTEDB_COOKIE_AGE = 60          seconds; replicas that are read from lag less
    ROUTEDB_COOKIE_READS = False     True: after every request, so that no read of a
                                     user goes back; costs a round trip a request
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, unquote

from django.conf import settings
from django.db import connections
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse

from routedb import errors
from routedb.frontends.connection import Connection

_BETWEEN = "|"  # separates databases in a cookie; no token has one
_pending: ContextVar[dict[str, str] | None] = ContextVar("routedb_tokens", default=None)


class ConsistencyMiddleware:
    """Read what this user has written, in whichever process."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._cookie: str = getattr(settings, "ROUTEDB_COOKIE", "routedb")
        self._age_s: int = getattr(settings, "ROUTEDB_COOKIE_AGE", 60)
        self._is_for_reads: bool = getattr(settings, "ROUTEDB_COOKIE_READS", False)
        connection_created.connect(
            _on_connection_created, dispatch_uid="routedb-consistency"
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with the tokens of its cookie, and set the new ones."""
        tokens = _read(request.COOKIES.get(self._cookie, ""))
        reset = _pending.set(tokens)
        try:
            before = {alias: _begin(alias, conn) for alias, conn in _open()}
            response = self._get_response(request)
            new = dict(self._tokens(before))
        finally:
            _pending.reset(reset)
        if new:
            self._write(response, {**tokens, **new}, request.is_secure())
        return response

    def _tokens(self, before: dict[str, int]) -> Iterator[tuple[str, str]]:
        """Yield the token of each database that this request has written to."""
        for alias, connection in _open():
            writes = connection.session.tracker.writes
            if not (self._is_for_reads or writes > before.get(alias, 0)):
                continue
            try:
                yield alias, connection.token()
            except errors.Error:  # still in a transaction, or the writer is away
                continue

    def _write(
        self, response: HttpResponse, tokens: dict[str, str], is_secure: bool
    ) -> None:
        value = _BETWEEN.join(f"{quote(a, safe='')}={t}" for a, t in tokens.items())
        response.set_cookie(
            self._cookie,
            value,
            max_age=self._age_s,
            secure=is_secure,
            httponly=True,
            samesite="Lax",
        )


def _open() -> Iterator[tuple[str, Connection]]:
    """Yield the connections of this thread that are routedb's, and open."""
    for wrapper in connections.all(initialized_only=True):
        connection = wrapper.connection
        if isinstance(connection, Connection) and not connection.is_closed:
            yield wrapper.alias, connection


def _begin(alias: str, connection: Connection) -> int:
    """Apply the user's token to an open connection; return its count of writes."""
    _apply_token(alias, connection)
    return connection.session.tracker.writes


def _on_connection_created(sender: Any, connection: Any, **more: Any) -> None:
    """Apply the token to a connection that opens during a request."""
    if isinstance(connection.connection, Connection):
        _apply_token(connection.alias, connection.connection)


def _apply_token(alias: str, connection: Connection) -> None:
    token = (_pending.get() or {}).get(alias)
    if token is not None and not connection.in_transaction:
        try:
            connection.after(token)
        except errors.ProgrammingError:  # the cookie is not of our making
            return


def _read(cookie: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in cookie.split(_BETWEEN) if "=" in part)
    return {unquote(alias): token for alias, _, token in pairs}
