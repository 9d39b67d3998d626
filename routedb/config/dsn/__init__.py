"""From one DSN to the engine that opens it and the arguments of its driver.

What libpq and mysqlclient understand passes through untouched; only what must be known
to choose the driver and to name the node is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from routedb.config.document import suggest
from routedb.config.dsn.address import Address, MalformedError
from routedb.config.dsn.mysql import read_mysql
from routedb.config.dsn.names import node_name, unique_name
from routedb.config.dsn.postgresql import (
    each_host,
    hosts_of,
    read_keywords,
    read_postgresql,
)
from routedb.config.dsn.sqlite import read_sqlite

__all__ = [
    "Address",
    "MalformedError",
    "each_host",
    "hosts_of",
    "node_name",
    "parse_dsn",
    "unique_name",
]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")


def parse_dsn(dsn: str) -> Address:
    """Take one DSN apart. Raises MalformedError."""
    if "\0" in dsn:
        raise MalformedError("a DSN holds no NUL byte")
    try:
        dsn.encode()
    except UnicodeEncodeError:  # which would show all of it, the password too
        what = "a DSN is UTF-8; this one holds a byte that is not (write it as %XX)"
        raise MalformedError(what) from None
    scheme = _SCHEME.match(dsn)
    if scheme is None:
        return read_keywords(dsn)
    read = _READERS.get(scheme.group(1).lower())
    if read is None:
        raise MalformedError(
            f"unknown scheme; allowed are {', '.join(_READERS)}, or libpq "
            f"keywords (host=… dbname=…){suggest(scheme.group(1), _READERS)}"
        )
    return read(dsn)


def _read_fake(dsn: str) -> Address:
    name = dsn.partition("://")[2]
    if not name:
        raise MalformedError("the scripted fake has a name; write fake://name")
    return Address("fake", dsn, {"name": name})


_READERS: dict[str, Callable[[str], Address]] = {
    "postgresql": read_postgresql,
    "postgres": read_postgresql,
    "postgresql+psycopg2": read_postgresql,
    "mysql": read_mysql,
    "mysql+mysqldb": read_mysql,
    "mariadb": read_mysql,
    "mariadb+mysqldb": read_mysql,
    "sqlite": read_sqlite,
    "sqlite+pysqlite": read_sqlite,
    "fake": _read_fake,
}
