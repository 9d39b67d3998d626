"""From one DSN to the engine that opens it and what its driver is to be given.

What libpq and mysqlclient understand passes through untouched; only what must be known
to name the node, and to choose the driver, is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from routedb import errors
from routedb.config.mask import mask


class Address(NamedTuple):
    """What one DSN says. `name` tells the node apart in messages; it has no secrets."""

    engine: str
    dsn: str
    name: str
    options: dict[str, Any]
    is_read_only: bool = False


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):/(?:/|$)")
_URL = re.compile(
    r"(?P<scheme>[^:]+)://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^/?#]*?))?@(?!.*@))?"
    r"(?P<hosts>[^/?#]*)(?:/(?P<path>[^?#]*))?(?:\?(?P<query>[^#]*))?$",
    re.DOTALL,
)
_KEYWORD = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)\s*")


def parse_dsn(dsn: str) -> Address:
    """Take one DSN apart. Raises ConfigError, whose text has no password."""
    scheme = _SCHEME.match(dsn)
    if scheme is None:
        return _keywords(dsn)
    parse = _SCHEMES.get(scheme.group(1).lower())
    if parse is None:
        raise errors.ConfigError(
            f"DSN {mask(dsn)!r}: unknown scheme {scheme.group(1)!r}; allowed are "
            f"{', '.join(_SCHEMES)}, or libpq keywords (host=… dbname=…)"
        )
    return parse(dsn)


def server_name(options: Mapping[str, Any], default_port: str) -> str:
    """Name a server by host, port and database, from libpq-like keywords."""
    host = options.get("host") or options.get("hostaddr") or options.get("service")
    host = host or options.get("unix_socket") or "localhost"
    port = options.get("port") or default_port
    database = options.get("dbname") or options.get("database") or options.get("db")
    return f"{host}:{port}/{database or options.get('user') or ''}".rstrip("/")


def _postgresql(dsn: str) -> Address:
    parts = _url(dsn)
    options = {
        "host": unquote(_hosts(parts["hosts"])),
        "port": _ports(dsn, parts["hosts"]),
        "dbname": unquote(parts["path"]),
        "user": unquote(parts["user"]),
        **dict(parse_qsl(parts["query"])),
    }
    rest = dsn.partition("://")[2]
    return Address(
        "postgresql", f"postgresql://{rest}", server_name(options, "5432"), {}
    )


def _keywords(dsn: str) -> Address:
    """A libpq keyword string: host=db1 dbname='my shop'."""
    found: dict[str, str] = {}
    position = 0
    while position < len(dsn):
        match = _KEYWORD.match(dsn, position)
        if match is None or match.end() == position:
            raise errors.ConfigError(
                f"DSN {mask(dsn)!r}: neither a URL (postgresql://…, mysql://…, "
                "sqlite:///…), nor libpq keywords (host=… dbname=…), nor the path of a "
                ".toml file"
            )
        found[match.group(1)] = match.group(2).strip("'")
        position = match.end()
    return Address("postgresql", dsn, server_name(found, "5432"), {})


def _mysql(dsn: str) -> Address:
    parts = _url(dsn)
    options: dict[str, Any] = {
        "host": unquote(_hosts(parts["hosts"])),
        "user": unquote(parts["user"]),
        "password": unquote(parts["password"]),
        "database": unquote(parts["path"]),
    }
    options = {key: value for key, value in options.items() if value}
    port = _ports(dsn, parts["hosts"])
    if port:
        options["port"] = int(port)
    ssl: dict[str, str] = {}
    for key, value in parse_qsl(parts["query"], keep_blank_values=True):
        if key.startswith("ssl_") and key != "ssl_mode":
            ssl[key.removeprefix("ssl_")] = value
        else:
            options[key] = _typed(dsn, key, value)
    if ssl:
        options["ssl"] = ssl
    return Address("mysql", dsn, server_name(options, "3306"), options)


# The keywords of MySQLdb.connect that are no text (its manual, Functions).
_NUMBERS = frozenset(
    {"port", "connect_timeout", "read_timeout", "write_timeout", "local_infile"}
    | {"client_flag", "max_allowed_packet"}
)
_FLAGS = frozenset(
    {"compress", "use_unicode", "autocommit", "binary_prefix", "multi_statements"}
)
_TRUE = frozenset({"1", "true", "yes", "on"})


def _typed(dsn: str, key: str, value: str) -> Any:
    if key in _FLAGS:
        return value.lower() in _TRUE
    if key not in _NUMBERS:
        return value
    try:
        return int(value)
    except ValueError:
        raise errors.ConfigError(
            f"DSN {mask(dsn)!r}: {key}={value!r} is not a whole number"
        ) from None


_SQLITE_URI = frozenset({"mode", "cache", "immutable", "vfs", "nolock", "psow"})
_SQLITE_KEYWORDS: dict[str, Callable[[str], Any]] = {
    "timeout": float,
    "detect_types": int,
    "cached_statements": int,
}


def _sqlite(dsn: str) -> Address:
    """SQLite as SQLAlchemy writes it: three slashes relative, four absolute."""
    rest = dsn.partition("://")[2]
    path, _, query = rest.partition("?")
    if path and not path.startswith("/"):
        raise errors.ConfigError(
            f"DSN {dsn!r}: a SQLite URL has no host; write sqlite:///relative.db, "
            "sqlite:////absolute.db or sqlite:///:memory:"
        )
    path = unquote(path[1:])
    uri: list[tuple[str, str]] = []
    options: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key in _SQLITE_URI:
            uri.append((key, value))
        elif key in _SQLITE_KEYWORDS:
            options[key] = _sqlite_keyword(dsn, key, value)
        elif key != "uri":
            allowed = sorted([*_SQLITE_URI, *_SQLITE_KEYWORDS, "uri"])
            raise errors.ConfigError(
                f"DSN {dsn!r}: unknown option {key!r}; allowed are {', '.join(allowed)}"
            )
    modes = dict(uri)
    options |= _sqlite_file(path or ":memory:", uri)
    is_read_only = modes.get("mode") == "ro" or modes.get("immutable") in _TRUE
    return Address("sqlite", dsn, path or ":memory:", options, is_read_only)


def _sqlite_keyword(dsn: str, key: str, value: str) -> Any:
    try:
        return _SQLITE_KEYWORDS[key](value)
    except ValueError:
        raise errors.ConfigError(
            f"DSN {dsn!r}: {key}={value!r} is not a number"
        ) from None


def _sqlite_file(path: str, uri: list[tuple[str, str]]) -> dict[str, Any]:
    if not uri and not path.startswith("file:"):
        return {"database": path}
    if not path.startswith("file:"):
        path = f"file:{quote(path)}"
    joined = "&".join(f"{key}={quote(value)}" for key, value in uri)
    sign = "&" if "?" in path else "?"
    return {"database": f"{path}{sign}{joined}" if joined else path, "uri": True}


def _fake(dsn: str) -> Address:
    name = dsn.partition("://")[2]
    if not name:
        raise errors.ConfigError(f"DSN {dsn!r}: write fake://name")
    return Address("fake", dsn, name, {})


_SCHEMES: dict[str, Callable[[str], Address]] = {
    "postgresql": _postgresql,
    "postgres": _postgresql,
    "postgresql+psycopg2": _postgresql,
    "mysql": _mysql,
    "mysql+mysqldb": _mysql,
    "mariadb": _mysql,
    "mariadb+mysqldb": _mysql,
    "sqlite": _sqlite,
    "sqlite+pysqlite": _sqlite,
    "fake": _fake,
}


def _url(dsn: str) -> dict[str, str]:
    match = _URL.match(dsn)
    if match is None:
        raise errors.ConfigError(
            f"DSN {mask(dsn)!r}: not a URL of the form scheme://user:password@host:port"
            "/database?option=value (write special characters of a password as %XX)"
        )
    return {key: value or "" for key, value in match.groupdict().items()}


def _hosts(hosts: str) -> str:
    """Return the hosts without ports; an IPv6 address keeps its brackets' content."""
    return ",".join(_split_port(host)[0] for host in hosts.split(",") if host)


def _ports(dsn: str, hosts: str) -> str:
    ports = [_split_port(host)[1] for host in hosts.split(",") if host]
    for port in ports:
        if port and not (port.isdecimal() and 0 < int(port) < 1 << 16):
            raise errors.ConfigError(
                f"DSN {mask(dsn)!r}: port {port!r} is not a number from 1 to 65535"
            )
    return ",".join(ports) if any(ports) else ""


def _split_port(host: str) -> tuple[str, str]:
    if host.startswith("["):
        address, _, port = host[1:].partition("]")
        return address, port.lstrip(":")
    name, _, port = host.partition(":")
    return name, port
