"""Where the rows of a sharded table go: from a key, as the streams have it, to a shard.

A row's shard is told by its primary key alone, as a deleted row leaves nothing else in
the journal. So the shard key has to be part of the primary key, and of what else is
unique: that is what routedb asks of the definitions of sharded tables anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from routedb.config import buckets
from routedb.config.model import ShardFunction, TableRule
from routedb.config.placements import Place
from routedb.moving.definitions import Table
from routedb.moving.keys import Key
from routedb.moving.pairs import Pair
from routedb.moving.texts import unescaped
from routedb.moving.types import Kind, kind_of
from routedb.sharding.keys.shard_functions import shard_of

_KINDS = frozenset(
    {
        *(Kind.INTEGER, Kind.DECIMAL, Kind.TEXT, Kind.CHAR, Kind.BYTES),
        *(Kind.DATE, Kind.STAMP, Kind.UUID),
    }
)
_KEPT = 100_000  # shards of keys that are remembered


class Spreading:
    """Finds the shard, of so many `shards`, of a row of `pair` by `rule`."""

    def __init__(self, pair: Pair, rule: TableRule, shards: int) -> None:
        assert rule.function is not None
        assert rule.shard_key is not None
        self._rule = rule
        self._function = rule.function
        self._shards = shards
        self._in_key = pair.key.index(rule.shard_key)
        field = pair.key_fields[self._in_key]
        self._in_row = pair.places[self._in_key]
        self._value = _VALUES.get(field.kind, _as_it_is)
        self._known: dict[bytes, int] = {}

    def for_pair(self, pair: Pair) -> Spreading:
        """Return the same for rows as another `pair` has them."""
        return Spreading(pair, self._rule, self._shards)

    def of_key(self, key: Key) -> int:
        """Return the shard of the row with this primary `key`. Raises ShardError where
        the value can be no shard key."""
        value = self._value(key[self._in_key])
        return shard_of(self._function, value, self._shards)

    def of_row(self, row: bytes) -> int:
        """Return the shard of a `row`, a line without its end. Raises ShardError."""
        said = row.split(b"\t", self._in_row + 1)[self._in_row]
        shard = self._known.get(said)
        if shard is None:
            text = unescaped(said)
            assert text is not None  # of a primary key
            shard = shard_of(self._function, self._value(text), self._shards)
            if len(self._known) < _KEPT:
                self._known[said] = shard
        return shard

    def split(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the lines of a `block` for each shard that has some of them."""
        parts: dict[int, list[bytes]] = {}
        for row in block[:-1].split(b"\n"):
            parts.setdefault(self.of_row(row), []).append(row)
        for shard, rows in parts.items():
            yield shard, b"\n".join(rows) + b"\n"


class Resettling:
    """Finds, of the rows of `pair` at shard `origin`, those that move to another one
    when `rules`, an old and a new one, are for so many `shards`."""

    def __init__(
        self, pair: Pair, rules: tuple[TableRule, TableRule], shards: int, origin: int
    ) -> None:
        self._old, self._new = (Spreading(pair, rule, shards) for rule in rules)
        self._origin = origin

    def moves(self, key: Key) -> bool:
        """Tell whether the row with this `key` is one of those."""
        if self._old.of_key(key) != self._origin:
            return False
        return self._new.of_key(key) != self._origin

    def is_foreign(self, key: Key) -> bool:
        """Tell whether the row with this `key` belongs to another shard now."""
        return self._old.of_key(key) != self._origin

    def split(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the lines of a `block` that move, for each shard that gets some."""
        for shard, rows in self._new.split(block):
            if shard == self._origin:
                continue
            own = [
                row
                for row in rows[:-1].split(b"\n")
                if self._old.of_row(row) == self._origin
            ]
            if own:
                yield shard, b"\n".join(own) + b"\n"


def _as_it_is(text: str) -> object:
    return text


_VALUES: dict[Kind, Callable[[str], object]] = {
    Kind.INTEGER: int,
    Kind.DECIMAL: Decimal,
    Kind.BYTES: lambda text: bytes.fromhex(text.removeprefix("\\x")),
}


def refusals(tables: Sequence[Table], rules: Mapping[str, TableRule]) -> list[str]:
    """Return why `tables` cannot be spread over shards by their `rules`, or be gathered
    from there; empty where they can, and where no rule is one of a sharded table."""
    found: list[str] = []
    for table in tables:
        rule = rules[table.name]
        if rule.is_reference:
            said = ["a reference table, which is whole on every shard, is not moved"]
        elif rule.shard_key is None:
            said = []
        else:
            said = [
                *_about_key(table, rule.shard_key),
                *_about_unique(table, rule.shard_key),
                *_about_foreign_keys(table, rules),
            ]
        found += [f"{table.name}: {each}" for each in said]
    return found


def refusals_within(tables: Sequence[Table]) -> list[str]:
    """Return why rows of `tables` cannot move between shards while the tables stay;
    empty where they can."""
    found: list[str] = []
    for table in tables:
        said = [
            f"its foreign key {key.name} would meet rows on their way"
            for key in table.foreign_keys
        ]
        said += [
            f"its trigger {each} would act on rows that come" for each in table.triggers
        ]
        said += [
            f"{each} would show rows twice"
            for each in table.left_behind
            if each.startswith("the view ")
        ]
        found += [f"{table.name}: {each}" for each in said]
    return found


def _about_key(table: Table, column: str) -> list[str]:
    if column not in {each.name for each in table.columns}:
        return [f"it has no column {column}, its shard key"]
    if column not in table.key:
        return [
            f"its primary key does not contain {column}, the shard key: which shard a "
            "deleted row was on could not be told"
        ]
    known = table.column(column)
    if kind_of(known, table.engine) not in _KINDS:
        return [f"its shard key {column} is of type {known.type}"]
    return []


def _about_unique(table: Table, column: str) -> list[str]:
    return [
        f"its unique index {index.name} does not contain {column}, the shard key: each "
        "shard would see to it for its own rows only"
        for index in table.indexes
        if index.is_unique and column not in index.columns
    ]


def _about_foreign_keys(table: Table, rules: Mapping[str, TableRule]) -> list[str]:
    found = []
    for key in table.foreign_keys:
        ends = rules.get(key.child), rules.get(key.parent)
        if key.child != table.name or None in ends:
            continue  # refused as a key to a table that is not moved
        child, parent = ends
        assert child is not None
        assert parent is not None
        pairs = zip(key.columns, key.parent_columns, strict=True)
        is_together = child.function == parent.function and any(
            pair == (child.shard_key, parent.shard_key) for pair in pairs
        )
        if not is_together:
            found.append(
                f"its foreign key {key.name} does not refer from shard key to shard key"
            )
    return found


def place_of(rule: TableRule, shards: int) -> Place:
    """Return what stands for `rule` in a placement; its database has so many `shards`.
    Equal rules are equal places."""
    if rule.is_reference:
        return {"database": rule.database, "reference": True}
    if rule.shard_key is None or rule.function is None:
        return rule.database
    said: dict[str, Any] = {
        "database": rule.database,
        "shard_key": '"' + rule.shard_key.replace('"', '""') + '"',
    }
    if rule.moving is not None:
        moving = rule.moving
        said["moving"] = {
            "hidden": moving.hidden,
            "key": list(moving.key),
            "guard": moving.guard,
        }
    return said | _said(rule.function, shards)


def _said(function: ShardFunction, shards: int) -> dict[str, Any]:
    said: dict[str, Any] = {"function": function.name}
    if function.type is not None:
        said["key_type"] = function.type
    if function.bounds:
        said["bounds"] = [_plain(each) for each in function.bounds]
    if function.values:
        said["values"] = [[_plain(key) for key in keys] for keys in function.values]
    if function.otherwise:
        said["otherwise"] = function.otherwise
    has_buckets = function.name == "hash" or function.otherwise == "hash"
    if has_buckets and function.buckets:
        owners = buckets.owners_of(function.buckets, shards)
        said["buckets"] = buckets.written(owners, shards)
    return said


def _plain(key: object) -> object:
    """Return a key as JSON can have it: a date is a text there, which is the same
    key."""
    return key if isinstance(key, (bool, int, float, str)) else str(key)
