"""The rule that rows are to move by: what is asked for, on top of the one there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routedb import errors
from routedb.config import buckets
from routedb.config.model import TableRule
from routedb.config.placements import Place
from routedb.moving.spreading import place_of

# What one function's rule says means nothing to another.
_OF_FUNCTION = ("function", "bounds", "values", "buckets", "otherwise")


def wanted_place(
    database: str, shards: int, asked: Mapping[str, Any], old: TableRule | None
) -> Place:
    """Return the place in `database`, of so many `shards`, that is `asked` for: what a
    rule says beside the database, on top of that of the `old` rule where the table is
    there already.

    `shards` gives the buckets to the first so many shards, moving as few as can be;
    `keys` with `shard` gives these keys to that shard, whatever their buckets. Raises
    ConfigError.
    """
    said: dict[str, Any] = {}
    if old is not None:
        known = place_of(old, shards)
        assert not isinstance(known, str)
        was = known.get("function", "hash")
        is_other = asked.get("function", was) != was
        dropped = ("moving", *(_OF_FUNCTION if is_other else ()))
        same_key = (None, known.get("shard_key"), old.shard_key)
        if asked.get("shard_key") not in same_key:
            dropped = (*dropped, "key_type")
        said = {key: value for key, value in known.items() if key not in dropped}
    rule = {k: v for k, v in asked.items() if k not in ("shards", "keys", "shard")}
    said = {**said, **rule, "database": database}
    if "shards" in asked:
        said["buckets"] = _for_shards(said, shards, int(asked["shards"]))
    if "keys" in asked:
        said |= _for_keys(said, shards, list(asked["keys"]), int(asked["shard"]))
    return said


def _for_shards(said: Mapping[str, Any], shards: int, wanted: int) -> list[list[str]]:
    """Return the map by which the first so many shards have all buckets."""
    if not 1 <= wanted <= shards:
        raise errors.ConfigError(f"there are {shards} shards, not {wanted}")
    if said.get("function", "hash") not in ("hash", "directory"):
        raise errors.ConfigError("a number of shards is for function = 'hash'")
    if "buckets" in said or "function" in said:
        owners: Sequence[int] = _owners(said, shards)
        owners = buckets.moved(owners, buckets.plan(owners, wanted))
    else:
        owners = buckets.even(wanted)
    return buckets.written(owners, shards)


def _owners(said: Mapping[str, Any], shards: int) -> list[int]:
    if "buckets" in said:
        return buckets.read(said["buckets"])
    return buckets.even(shards)


def _for_keys(
    said: Mapping[str, Any], shards: int, keys: list[Any], shard: int
) -> dict[str, Any]:
    """Return the directory, or the list, in which `keys` are of this `shard`."""
    if not 0 <= shard < shards:
        raise errors.ConfigError(f"there is no shard {shard}: there are {shards}")
    function = said.get("function", "hash")
    if function == "hash":
        function = "directory"
    if function not in ("directory", "list"):
        raise errors.ConfigError(f"single keys do not move by function {function!r}")
    before = said.get("values", [[] for _ in range(shards)])
    values = [[key for key in own if key not in keys] for own in before]
    values[shard] = [*values[shard], *keys]
    return {"function": function, "values": values}
