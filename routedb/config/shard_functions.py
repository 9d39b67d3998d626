"""How a table's key chooses its shard: `function`, `key_type`, `bounds`, `values`."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from routedb.config import buckets
from routedb.config.document import Document, Path
from routedb.config.model import ShardFunction

FUNCTIONS = ("hash", "modulo", "range", "list", "directory")
OTHERWISE = ("hash", "refuse")  # where a directory has no line for a key
KEY_TYPES = (
    "integer",
    "numeric",
    "text",
    "uuid",
    "date",
    "timestamp",
    "boolean",
    "bytes",
)
SHARDING_KEYS = ("function", "key_type", "bounds", "values", "buckets", "otherwise")

# Who may have a key: the first needs it where it is in `_NEEDED`.
_OWNERS = {
    "bounds": ("range",),
    "values": ("list", "directory"),
    "buckets": ("hash", "directory"),
    "otherwise": ("directory",),
}
_NEEDED = ("bounds", "values")
_SCALARS: dict[type, str] = {
    bool: "true or false",
    int: "whole numbers",
    float: "numbers with a fraction",
    Decimal: "decimals",
    str: "strings",
    bytes: "bytes",
    UUID: "UUIDs",
    datetime.datetime: "timestamps",
    datetime.date: "dates",
}


def read_function(
    document: Document, path: Path, entry: Mapping[str, Any], shards: int
) -> ShardFunction:
    """Build the function of the sharded table at `path` of `document`.

    `entry` is the table's rule as written, `shards` the number of its database's
    shards. Raises ConfigError.
    """
    name = _name(entry)
    document.choose((*path, "function"), name, FUNCTIONS)
    key_type = entry.get("key_type")
    if key_type is not None:
        document.choose((*path, "key_type"), key_type, KEY_TYPES)
    if name == "modulo" and key_type not in (None, "integer"):
        document.refuse((*path, "key_type"), "modulo takes keys of type integer")
    _check_owned(document, path, entry, name)
    check = _CHECKS.get(name)
    if check is not None:
        check(document, path, entry, shards)
    bounds = tuple(entry.get("bounds", ()))
    values = tuple(tuple(keys) for keys in entry.get("values", ()))
    owned = _buckets(document, (*path, "buckets"), entry.get("buckets"), shards)
    otherwise = ""
    if name == "directory":
        otherwise = str(entry.get("otherwise", OTHERWISE[0]))
        document.choose((*path, "otherwise"), otherwise, OTHERWISE)
    if otherwise == "refuse" and "buckets" in entry:
        document.refuse((*path, "buckets"), "belongs to otherwise = 'hash'")
    return ShardFunction(name, key_type, bounds, values, owned, otherwise)


def _check_owned(
    document: Document, path: Path, entry: Mapping[str, Any], name: str
) -> None:
    """Check that the function `name` has the keys that it needs, and no other's."""
    for key, owners in _OWNERS.items():
        if key in entry and name not in owners:
            document.refuse(
                (*path, key), f"belongs to function = {owners[0]!r}, not {name!r}"
            )
        if key not in entry and name in owners and key in _NEEDED:
            document.refuse((*path, key), f"is missing: function {name!r} needs it")


def _name(entry: Mapping[str, Any]) -> str:
    """Return the function's name; when it is not written, it follows from the keys that
    only one function has."""
    if "function" in entry:
        return str(entry["function"])
    return next((_OWNERS[key][0] for key in _NEEDED if key in entry), "hash")


def _check_bounds(
    document: Document, path: Path, entry: Mapping[str, Any], shards: int
) -> None:
    here: Path = (*path, "bounds")
    bounds = entry["bounds"]
    if len(bounds) != shards - 1:
        what = f"between {shards} shards there are {shards - 1} bounds"
        document.refuse(here, f"{what}, not {len(bounds)}")
    _check_one_type(document, here, bounds)
    try:
        rising = all(low < high for low, high in pairwise(bounds))
    except TypeError:  # timestamps with and without a zone
        document.refuse(here, "bounds must be comparable with one another")
    if not rising:
        document.refuse(here, "bounds must rise")


def _check_values(
    document: Document, path: Path, entry: Mapping[str, Any], shards: int
) -> None:
    here: Path = (*path, "values")
    values = entry["values"]
    if len(values) != shards:
        what = f"{shards} shards have {shards} lists of keys"
        document.refuse(here, f"{what}, not {len(values)}")
    _check_one_type(document, here, [key for keys in values for key in keys])
    owners: dict[Any, int] = {}
    for shard, keys in enumerate(values):
        for number, key in enumerate(keys):
            if key in owners:
                what = f"a key has one shard; shard {owners[key]} has it already"
                document.refuse((*here, shard, number), what)
            owners[key] = shard


def _buckets(
    document: Document, path: Path, said: list[list[Any]] | None, shards: int
) -> str:
    """Return the text of the map that is written at `path`."""
    if said is None:
        return buckets.EVEN
    if len(said) != shards:
        what = f"{shards} shards have {shards} lists of buckets"
        document.refuse(path, f"{what}, not {len(said)}", found=False)
    try:
        return buckets.text_of(buckets.read(said), shards)
    except ValueError as exc:
        document.refuse(path, str(exc), found=False)


def _check_one_type(document: Document, path: Path, keys: list[Any]) -> None:
    for key in keys:
        if type(key) not in _SCALARS or key != key:  # noqa: PLR0124  (NaN)
            known = ", ".join(_SCALARS.values())
            document.refuse(path, f"keys are of one type of {known}")
    kinds = {type(key): _SCALARS[type(key)] for key in keys}
    if len(kinds) > 1:
        document.refuse(
            path, f"keys are of one type, not {' and '.join(kinds.values())}"
        )


_CHECKS: dict[str, Callable[[Document, Path, Mapping[str, Any], int], None]] = {
    "range": _check_bounds,
    "list": _check_values,
    "directory": _check_values,
}
