"""MySQL and MariaDB: URLs become the keywords of MySQLdb.connect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routedb.config.dsn.address import Address, MalformedError
from routedb.config.dsn.url import Url, read_url

_FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_ALIASES = {"db": "database", "passwd": "password"}


def read_mysql(dsn: str) -> Address:
    """Read a URL; what stands after ? goes to mysqlclient, ssl_… as its ssl table."""
    url = read_url(dsn)
    if len(url.hosts) > 1:
        raise MalformedError(
            "mysqlclient connects to one host; write a list of DSNs, one for each"
        )
    options = _login(url)
    ssl: dict[str, str] = {}
    for key, value in url.query:
        if key.startswith("ssl_") and key != "ssl_mode":
            ssl[key.removeprefix("ssl_")] = value
        else:
            convert = _TYPES.get(key, _text)
            options[_ALIASES.get(key, key)] = convert(key, value)
    if ssl:
        options["ssl"] = ssl
    return Address("mysql", dsn, options, options)


def _login(url: Url) -> dict[str, Any]:
    host, port = url.hosts[0] if url.hosts else ("", "")
    options: dict[str, Any] = {
        "host": host,
        "port": int(port or 0),
        "user": url.user,
        "password": url.password,
        "database": url.database,
    }
    return {key: value for key, value in options.items() if value}


def _text(key: str, value: str) -> str:
    return value


def _number(key: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise MalformedError(f"option {key} is a whole number")
    return int(value)


def _flag(key: str, value: str) -> bool:
    if value.lower() not in _FLAGS:
        raise MalformedError(f"option {key} is true or false")
    return _FLAGS[value.lower()]


# The keywords of MySQLdb.connect that are not text (its docstring).
_TYPES: dict[str, Callable[[str, str], Any]] = {
    **dict.fromkeys(
        ("port", "connect_timeout", "read_timeout", "write_timeout", "client_flag"),
        _number,
    ),
    **dict.fromkeys(
        ("autocommit", "binary_prefix", "compress", "local_infile")
        + ("multi_statements", "ssl", "use_unicode"),
        _flag,
    ),
}
