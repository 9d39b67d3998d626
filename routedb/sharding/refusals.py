"""How refusals are worded: what was found, and what may be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from routedb import errors

WAYS = "; if you know the shard, name it with /* routedb: shard=… */ or key=…"
EACH = "; or run it on one shard after the other with /* routedb: shard=… */"


def refuse(reason: str, ways: str = WAYS) -> NoReturn:
    """Raise ShardError with the `reason`, and the `ways` to do without."""
    raise errors.ShardError(reason + ways)


def refuse_unpinned(table: str, key: str, detail: str = "") -> NoReturn:
    """Raise ShardError for a use of `table` whose rows may be on any shard.

    `key` is its shard key, `detail` what is added to the reason.
    """
    refuse(
        f"table {table} is sharded by {key}, and nothing says which shard its rows are "
        f"on{detail}: add {key} = … or {key} IN (…) to the conditions that every row "
        "must meet, or join it by an equal key to a table that has one"
    )


def refuse_several(verb: str, tables: Iterable[str], shards: Iterable[int]) -> NoReturn:
    """Raise ShardError for `verb` on `tables`: the rows are on several `shards`."""
    numbers = ", ".join(map(str, sorted(shards)))
    refuse(
        f"{verb} on {', '.join(tables)}: the rows are on shards {numbers}, and running "
        "one statement on several shards and merging is not available; send one "
        "statement per shard",
        "",
    )


def refuse_elsewhere(verb: str, table: str, on: Iterable[int], here: int) -> NoReturn:
    """Raise ShardError for `verb`, which runs on several shards, and on the shard
    `here` would need rows of `table` that are `on` others."""
    numbers = ", ".join(map(str, sorted(on)))
    refuse(
        f"{verb} is for rows on several shards, and for those on shard {here} it needs "
        f"rows of {table} on shards {numbers}: join them by equal keys",
        "",
    )
