"""URLs of servers: scheme://user:password@host:port,host:port/database?option=value."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from routedb.config.dsn.address import MalformedError

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_BRACKETS = re.compile(r"\[(?P<host>[^\[\]]*)\](?::(?P<port>.*))?")
_HIGHEST_PORT = 65535


class Url(NamedTuple):
    """The parts of a URL, percent-decoded; "" for what it does not say."""

    user: str
    password: str
    hosts: tuple[tuple[str, str], ...]  # host and port
    database: str
    query: tuple[tuple[str, str], ...]


def read_url(dsn: str) -> Url:
    """Take a server's URL apart, as libpq does. Raises MalformedError.

    A password with a raw @, / or ? in it would be read as something else, and shown as
    a host or a database: wherever that may have happened the URL is refused.
    """
    rest = dsn.partition("://")[2]
    authority = re.match(r"[^/?]*", rest)
    assert authority is not None  # it matches the empty text
    path, _, query = rest[authority.end() :].partition("?")
    login, at, hosts = authority.group().rpartition("@")
    if "@" in login or "@" in path:
        raise MalformedError(
            "an @ more than a URL has; in a user, password or database write special "
            "characters as %XX (@ as %40, / as %2F)"
        )
    bad = _BAD_PERCENT.search(rest)
    if bad is not None:
        raise MalformedError("a % stands before two hex digits; write % itself as %25")
    user, _, password = login.partition(":")
    return Url(
        unquote(user),
        unquote(password),
        tuple(_host(host) for host in hosts.split(",")) if hosts else (),
        unquote(path.removeprefix("/")),
        read_query(query),
    )


def read_query(query: str) -> tuple[tuple[str, str], ...]:
    """Split option=value&…, decoding %XX only: in a DSN, a + is a plus sign."""
    pairs = []
    for part in filter(None, query.split("&")):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise MalformedError("an option after ? is written option=value")
        pairs.append((unquote(key), unquote(value)))
    return tuple(pairs)


def _host(text: str) -> tuple[str, str]:
    brackets = _BRACKETS.fullmatch(text)
    if brackets is not None:
        host, port = brackets["host"], brackets["port"] or ""
    else:
        host, _, port = text.partition(":")
    if port and not (port.isascii() and port.isdecimal() and _is_port(int(port))):
        raise MalformedError(
            "a port is a number from 1 to 65535 (an IPv6 address stands in brackets, "
            "special characters of a password are written as %XX)"
        )
    return unquote(host), port


def _is_port(number: int) -> bool:
    return 0 < number <= _HIGHEST_PORT
