"""Which database of its server a node's links show: as its driver chooses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routedb.config.dsn import parse_dsn
from routedb.config.model import NodeConfig

UNKNOWN = ""  # a file, or the name of the process's user, decides
NONE = "none"  # MySQL's links begin without one

_KEYS = ("dbname", "database", "db")
_FILES = ("service", "read_default_file", "read_default_group")  # may name one


def namespaces(
    nodes: Sequence[NodeConfig], environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the databases that these nodes of one group show, each with the name of
    the first node that does; those that cannot be told are left out. `environ` is what
    drivers read."""
    found: dict[str, str] = {}
    for node in nodes:
        shown = namespace(node, environ)
        if shown != UNKNOWN:
            found.setdefault(shown, node.name)
    return found


def namespace(node: NodeConfig, environ: Mapping[str, str]) -> str:
    """Return the database that links to `node` show, or UNKNOWN, or NONE; `environ` is
    what drivers read.

    libpq takes PGDATABASE where none is given, else the user's name (PostgreSQL manual,
    Database Connection Control Functions).
    """
    if node.engine not in ("postgresql", "mysql"):
        return UNKNOWN
    said = {**parse_dsn(node.dsn).where, **node.options}
    given = next((said[key] for key in _KEYS if said.get(key)), None)
    if given is not None:
        return str(given)
    if any(said.get(key) for key in _FILES):
        return UNKNOWN
    if node.engine == "mysql":
        return NONE
    if environ.get("PGSERVICE"):
        return UNKNOWN
    user = said.get("user") or environ.get("PGUSER")
    return str(environ.get("PGDATABASE") or user or UNKNOWN)
