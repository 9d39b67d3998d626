"""What `routedb shards` shows of buckets: which shard has which, by each map."""

from __future__ import annotations

from typing import NamedTuple

from routedb.config import buckets
from routedb.config.model import DatabaseConfig
from routedb.routing import Rules


class BucketMap(NamedTuple):
    """A map of buckets in use: the patterns of its `tables`, and the runs of buckets of
    each shard as text, with how many these are."""

    tables: tuple[str, ...]
    shards: tuple[tuple[str, int], ...]


def bucket_maps(rules: Rules, database: DatabaseConfig) -> list[BucketMap]:
    """Return the maps by which `rules` find keys in `database`."""
    tables: dict[str, list[str]] = {}
    for rule in rules.tables:
        function = rule.function
        if rule.database != database.name or function is None:
            continue
        if function.name == "hash" or function.otherwise == "hash":
            tables.setdefault(function.buckets, []).append(rule.pattern)
    count = len(database.groups)
    return [
        BucketMap(tuple(patterns), _shards(text, count))
        for text, patterns in tables.items()
    ]


def _shards(text: str, count: int) -> tuple[tuple[str, int], ...]:
    owners = buckets.owners_of(text, count)
    shown = buckets.written(owners, count)
    return tuple((",".join(shown[n]), owners.count(n)) for n in range(count))


def lines(database: str, found: list[BucketMap]) -> list[str]:
    """Return what is printed of the maps of `database` that were `found`."""
    said = []
    for each in found:
        said.append(f"{database}: buckets of {', '.join(each.tables)}")
        for shard, (runs, size) in enumerate(each.shards):
            said.append(f"  {database}[{shard}]  {size:6,}  {runs}".rstrip())
    return said


def as_json(found: list[BucketMap]) -> list[dict[str, object]]:
    """Return the maps that were `found`, for one JSON object."""
    return [
        {
            "tables": list(each.tables),
            "shards": [{"buckets": size, "runs": runs} for runs, size in each.shards],
        }
        for each in found
    ]
