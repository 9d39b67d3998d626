"""PostgreSQL: URLs and keyword strings. libpq gets them as they are."""

from __future__ import annotations

import re

from routedb.config.dsn.address import Address, MalformedError
from routedb.config.dsn.url import read_url

# keyword = value; a value with blanks stands in single quotes, \ escapes one character
# (PostgreSQL manual, Connection Strings).
_KEYWORD = re.compile(
    r"\s*(?P<key>[^\s='\"]+)\s*=\s*"
    r"(?:'(?P<quoted>(?:[^'\\]|\\.)*)'(?=\s|$)|(?P<plain>(?:[^\s'\\]|\\.)*)(?=\s|$))\s*",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def read_postgresql(dsn: str) -> Address:
    """Read a URL. Several hosts are one node: libpq chooses among them."""
    url = read_url(dsn)
    where = {
        "host": ",".join(host for host, _ in url.hosts),
        "port": ",".join(port for _, port in url.hosts),
        "dbname": url.database,
        "user": url.user,
    }
    said = {key: value for key, value in where.items() if value.strip(",")}
    # libpq knows two schemes; that of SQLAlchemy names the driver as well.
    plain = f"postgresql://{dsn.partition('://')[2]}"
    return Address("postgresql", plain, {**said, **dict(url.query)})


def read_keywords(dsn: str) -> Address:
    """Read a keyword string: host=db1 dbname='my shop'."""
    where: dict[str, str] = {}
    position = 0
    while position < len(dsn):
        match = _KEYWORD.match(dsn, position)
        if match is None:
            raise MalformedError(
                "expected a URL (postgresql://…, mysql://…, sqlite:///…), libpq "
                "keywords (host=… dbname='…'), or the path of a .toml file"
            )
        value = match["plain"] if match["quoted"] is None else match["quoted"]
        where[match["key"]] = _ESCAPED.sub(r"\1", value)
        position = match.end()
    return Address("postgresql", dsn, where)
