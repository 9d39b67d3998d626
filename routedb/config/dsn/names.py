"""The names of nodes in errors, logs and explanations, unless the user gives one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import count, zip_longest
from typing import Any

# The variables that libpq reads (PostgreSQL manual, Environment Variables).
_LIBPQ = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "service": "PGSERVICE",
}


def node_name(engine: str, where: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Return a name for a node made of its address `where`, never of a secret.

    `environ` is read for what the driver of `engine` takes from it. The name need not
    be unique.
    """
    return _NAMES[engine](where, environ)


def unique_name(name: str, taken: Collection[str]) -> str:
    """Return `name`, with a number when it is among `taken`."""
    unique = name
    for number in count(2):
        if unique not in taken:
            break
        unique = f"{name} #{number}"
    return unique


def _postgresql(where: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    said = {key: environ[name] for key, name in _LIBPQ.items() if environ.get(name)}
    said |= {key: str(value) for key, value in where.items() if value}
    database = said.get("database") or said.get("dbname") or said.get("user", "")
    host = said.get("host") or said.get("hostaddr")
    if not host and "service" in said:
        return f"service={said['service']}"
    return _server(host or "localhost", said.get("port", ""), "5432", database)


def _mysql(where: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    said = {key: str(value) for key, value in where.items() if value}
    database = said.get("db") or said.get("database") or ""
    local = said.get("unix_socket") or said.get("read_default_file")
    if local and "host" not in said:
        return f"{local}/{database}".rstrip("/")
    host = said.get("host", "localhost")
    return _server(host, said.get("port", ""), "3306", database)


def _named(where: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    return str(where["name"])


def _server(hosts: str, ports: str, default: str, database: str) -> str:
    """Write host:port/database; of several hosts, each with its port. One port given
    is that of every host, as for libpq."""
    each = ports.split(",")
    fill = each[0] if len(each) == 1 else ""
    pairs = zip_longest(hosts.split(","), each, fillvalue=fill)
    servers = ",".join(f"{_bracketed(host)}:{port or default}" for host, port in pairs)
    return f"{servers}/{database}".rstrip("/")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


_NAMES: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], str]] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "sqlite": _named,
    "fake": _named,
}
