"""The shape of a configuration, as msgspec checks it. Imported when a file is read.

Every class is a table of the file; an unknown key is an error. What goes beyond types
(allowed words, durations, rules that hide one another) is checked where it is used.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import msgspec

from routedb.config.document import Document, Path, near


class NodeEntry(msgspec.Struct, forbid_unknown_fields=True):
    """A node written as a table."""

    dsn: str
    weight: float = 1.0
    name: str | None = None


Nodes = list[str | NodeEntry]
Duration = str | float | None


class DatabaseEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One table under [databases]."""

    nodes: Nodes | None = None
    shards: list[str | NodeEntry | Nodes] | None = None
    reads: str | None = None
    consistency: str | None = None
    read_only: bool | None = None
    transaction_reads: str | None = None
    max_lag: Duration = None
    connect_timeout: Duration = None
    failover_timeout: Duration = None
    retry_after: Duration = None
    commit_check: bool | None = None
    options: dict[str, Any] | None = None


class TableEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One line under [tables], written as a table."""

    database: str
    shard_key: str | None = None
    reference: bool = False
    function: str | None = None
    key_type: str | None = None
    bounds: list[Any] | None = None
    values: list[list[Any]] | None = None


class ClusterEntry(msgspec.Struct, forbid_unknown_fields=True):
    """The top level. Tables under it are checked one by one, to be named in errors:
    msgspec writes [...] for a key of a dict."""

    databases: dict[str, Any]
    default: str | None = None
    dialect: str | None = None
    hints: bool = True
    shadow: bool = False
    tables: dict[str, Any] = {}
    functions: dict[str, Any] = {}


def check_shape(document: Document, top: dict[str, Any]) -> None:
    """Check the types and keys of a whole document, whose top level, with keywords but
    without those of a database, is `top`. Raises ConfigError."""
    _check(document, (), top, ClusterEntry)
    for name, database in top["databases"].items():
        _check(document, ("databases", name), database, DatabaseEntry)
    for pattern, rule in top.get("tables", {}).items():
        if not isinstance(rule, str):
            _check(document, ("tables", pattern), rule, TableEntry)


_PLACE = re.compile(r" - at (?:`key` in )?`\$?(?P<path>[^`]*)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"contains unknown field `(?P<key>[^`]*)`")
_MISSING = re.compile(r"missing required field `(?P<key>[^`]*)`")
_EXPECTED = re.compile(r"Expected `(?P<types>[^`]*)`")
_WORDS = {  # msgspec's words for types, and TOML's
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "object": "a table",
    "str": "a string",
}


def _check(document: Document, path: Path, value: object, kind: type) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as exc:
        _refuse(document, path, str(exc), kind)


def _refuse(document: Document, path: Path, text: str, kind: type) -> NoReturn:
    place = _PLACE.search(text)
    steps = _STEP.findall(place["path"]) if place else []
    inside: Path = tuple(name or int(number) for name, number in steps)
    unknown = _UNKNOWN.search(text)
    if unknown is not None:
        _refuse_key(document, (*path, *inside), unknown["key"], kind)
    missing = _MISSING.search(text)
    if missing is not None:
        here = (*path, *inside, missing["key"])
        document.refuse(here, "is missing", found=False)
    expected = _EXPECTED.search(text)
    types = expected["types"].split(" | ") if expected else []
    words = [_WORDS.get(name, name) for name in types if name != "null"]
    document.refuse(
        (*path, *inside), f"expected {' or '.join(words)}" if words else text
    )


def _refuse_key(document: Document, path: Path, key: str, kind: type) -> NoReturn:
    inside_node = path[2:3] in (("nodes",), ("shards",))
    fields = msgspec.structs.fields(NodeEntry if inside_node else kind)
    allowed = [field.encode_name for field in fields]
    hint = near(key, allowed)
    if kind is ClusterEntry and key in DatabaseEntry.__struct_fields__:
        hint = "; it is an option of a database: write it under [databases.NAME]"
    what = f"no such key; allowed are {', '.join(allowed)}{hint}"
    document.refuse((*path, key), what, found=False)
