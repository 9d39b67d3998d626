"""PostgreSQL: URLs and keyword strings. libpq gets them as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
    """Read a URL. Of several hosts libpq would choose one: see `each_host`."""
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


# What libpq chooses a host by: with one host a node there is nothing to choose.
_CHOOSING = {"target_session_attrs": "any", "load_balance_hosts": "disable"}
_LISTS = ("host", "hostaddr", "port")


def hosts_of(environ: Mapping[str, str], where: Mapping[str, Any]) -> dict[str, str]:
    """Return the hosts, addresses and ports that libpq takes from `environ` where
    `where` does not say them. A service, which is asked first, is libpq's to read."""
    if where.get("service") or environ.get("PGSERVICE"):
        return {}
    said = {key: environ.get(f"PG{key.upper()}", "") for key in _LISTS}
    return {key: value for key, value in said.items() if value and not where.get(key)}


def each_host(where: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each of several hosts what to connect with in their place; nothing
    when `where` names one.

    Positions are a server's, so each host is a node of its own. Raises MalformedError
    when there are more or fewer ports, or addresses, than hosts (PostgreSQL manual,
    Specifying Multiple Hosts).
    """
    lists = {key: str(where[key]).split(",") for key in _LISTS if where.get(key)}
    count = max(len(lists.get("host", ())), len(lists.get("hostaddr", ())))
    if count < 2:
        return []
    if len(lists.get("port", ())) == 1:
        lists["port"] *= count
    if any(len(values) != count for values in lists.values()):
        what = "there are as many ports and addresses as hosts, or one port for all"
        raise MalformedError(what)
    chosen = {key: value for key, value in _CHOOSING.items() if key in where}
    return [
        {**{key: values[n] for key, values in lists.items()}, **chosen}
        for n in range(count)
    ]
