"""The shape of a configuration file, as msgspec checks it. Imported when one is read.

Every class is a table of the file; an unknown key is an error. What goes beyond types
(allowed words, durations, rules that hide one another) is checked in `build`.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, NoReturn, TypeVar

import msgspec

from routedb import errors
from routedb.config.mask import mask


class NodeEntry(msgspec.Struct, forbid_unknown_fields=True):
    """A node written as a table."""

    dsn: str
    weight: float = 1.0
    name: str | None = None


Nodes = list[str | NodeEntry]


class DatabaseEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One table under [databases]."""

    nodes: Nodes | None = None
    shards: list[str | NodeEntry | Nodes] | None = None
    reads: str | None = None
    consistency: str | None = None
    read_only: bool | None = None
    transaction_reads: str | None = None
    max_lag: str | float | None = None
    connect_timeout: str | float | None = None
    failover_timeout: str | float | None = None
    retry_after: str | float | None = None
    options: dict[str, Any] | None = None


class TableEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One line under [tables], written as a table."""

    database: str
    shard_key: str | None = None
    function: str | None = None
    key_type: str | None = None
    bounds: list[Any] | None = None
    values: list[list[Any]] | None = None
    reference: bool = False


class ClusterEntry(msgspec.Struct, forbid_unknown_fields=True):
    """The top level. What is inside is checked one by one, to be named in errors."""

    databases: dict[str, Any]
    default: str | None = None
    dialect: str | None = None
    hints: bool = True
    tables: dict[str, Any] = {}
    functions: dict[str, str] = {}


T = TypeVar("T")

_PLACE = re.compile(r" - at `\$?(?P<path>[^`]*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")


def convert(value: object, kind: type[T], path: str, source: str) -> T:
    """Check `value` against `kind`. Raises ConfigError with the key's full path."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as exc:
        _refuse(str(exc), value, kind, path, source)


def _refuse(text: str, value: object, kind: Any, path: str, source: str) -> NoReturn:
    place = _PLACE.search(text)
    inside = place["path"] if place else ""
    full = f"{path}{inside}".lstrip(".") or "the file"
    unknown = _UNKNOWN.search(text)
    if unknown is not None:
        allowed = _fields(kind, inside)
        near = difflib.get_close_matches(unknown["key"], allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        where = f"{full}.{unknown['key']}" if full != "the file" else unknown["key"]
        raise errors.ConfigError(
            f"{source}: {where} is not a known key{hint}; allowed are "
            f"{', '.join(allowed)}"
        ) from None
    said = _PLACE.sub("", text)
    found = _found(value, inside)
    raise errors.ConfigError(f"{source}: {full}: {said}{found}") from None


def _fields(kind: Any, inside: str) -> list[str]:
    """Return the keys allowed at the place: of a node's table, or of `kind` itself."""
    at = NodeEntry if inside.startswith((".nodes", ".shards")) else kind
    return [field.encode_name for field in msgspec.structs.fields(at)]


def _found(value: Any, inside: str) -> str:
    """Show what stands at the place, when it can be reached and is a plain value."""
    for step in re.findall(r"\.(\w+)|\[(\d+)\]", inside):
        try:
            value = value[step[0]] if step[0] else value[int(step[1])]
        except (KeyError, IndexError, TypeError):
            return ""
    if isinstance(value, str | int | float | bool):
        return f"; found {mask(repr(value))}"
    return ""
