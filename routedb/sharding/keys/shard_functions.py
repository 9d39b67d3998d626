"""The shard functions: from a key's value to the number of its shard."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any

from routedb.config.buckets import BUCKETS, owners_of
from routedb.config.model import ClusterConfig, ShardFunction, TableRule
from routedb.errors import ConfigError, ShardError
from routedb.sharding.keys.values import BadKeyValue, canonical, integer_of

Locate = Callable[[Any, int], int]  # value that is not NULL, number of shards


def check_rules(config: ClusterConfig) -> None:
    """Check that every shard function of `config` can be used.

    Raises ConfigError for bounds and values that are no keys of their `key_type`, or
    that keys cannot be told by.
    """
    for rule in config.tables:
        if rule.function is not None:
            try:
                locator(rule.function)
            except ShardError as exc:
                where = f'{config.source}: tables."{rule.pattern}"'
                raise ConfigError(f"{where}: {exc}") from None


def shard_of(function: ShardFunction, value: Any, shards: int) -> int:
    """Return the number of the shard that holds `value`, which is not NULL.

    `function` is the one of the table's rule, `shards` their number. Raises ShardError
    when the value cannot be a key of this function.
    """
    try:
        return locator(function)(value, shards)
    except BadKeyValue as problem:
        raise ShardError(
            f"shard key: {bad_key_message(value, problem, function)}"
        ) from None


def shard_for_key_hint(rule: TableRule, text: str, shards: int) -> int:
    """Return the shard, of so many `shards`, of the key that a hint gives as `text`.

    `rule` is that of the table, and has a shard key. Raises ShardError when the text
    cannot be such a key.
    """
    assert rule.function is not None
    try:
        return locator(rule.function)(text, shards)
    except BadKeyValue as problem:
        why = bad_key_message(text, problem, rule.function)
        raise ShardError(
            f"hint key=: as {rule.shard_key} of table {rule.pattern}, {why}"
        ) from None


def bad_key_message(
    value: object, problem: BadKeyValue, function: ShardFunction
) -> str:
    """Return the words for `problem` with `value` as a key of `function`.

    They name the type of the value; the value itself is never shown.
    """
    declared = f"key_type is {function.type}" if function.type else "no key_type"
    return (
        f"a value of type {type(value).__name__} {problem} "
        f"(function {function.name}, {declared}); pass a value of the column's type, "
        'or declare key_type = "…" in the table\'s rule'
    )


@lru_cache(maxsize=1024)
def locator(function: ShardFunction) -> Locate:
    """Compile `function`. What it returns raises BadKeyValue.

    Raises ShardError when a bound or a listed value is no key.
    """
    try:
        return _COMPILERS[function.name](function)
    except BadKeyValue as problem:
        declared = f" of key_type {function.type}" if function.type else ""
        raise ShardError(
            f"function {function.name}: one of its bounds or values {problem}"
            f"{declared}; correct the table's rule"
        ) from None


def _hash(function: ShardFunction) -> Locate:
    key_type = function.type
    from_bytes = int.from_bytes

    # By the number of shards, of which a function has one.
    maps: dict[int, list[int]] = {}

    def locate(value: Any, shards: int) -> int:
        owners = maps.get(shards)
        if owners is None:
            owners = maps[shards] = owners_of(function.buckets, shards)
        form = canonical(value, key_type)
        hashed = from_bytes(blake2b(form, digest_size=8).digest(), "big")
        return owners[hashed % BUCKETS]

    return locate


def _modulo(function: ShardFunction) -> Locate:
    key_type = function.type

    def locate(value: Any, shards: int) -> int:
        return integer_of(canonical(value, key_type)) % shards

    return locate


def _range(function: ShardFunction) -> Locate:
    rank = _RANKS[_sort_of(function.type, function.bounds)]
    key_type = function.type
    bounds = [rank(canonical(bound, key_type)) for bound in function.bounds]
    if any(high <= low for low, high in pairwise(bounds)):
        raise BadKeyValue("is not above the one before it, as keys are compared")

    def locate(value: Any, shards: int) -> int:
        return bisect_right(bounds, rank(canonical(value, key_type)))

    return locate


def _listed(function: ShardFunction) -> dict[bytes, int]:
    """Return the shards of the keys that are listed, by their forms."""
    key_type = function.type
    shard_by_form: dict[bytes, int] = {}
    for shard, values in enumerate(function.values):
        for value in values:
            if shard_by_form.setdefault(canonical(value, key_type), shard) != shard:
                raise BadKeyValue("is the same key as one of another shard")
    return shard_by_form


def _directory(function: ShardFunction) -> Locate:
    if function.otherwise == "refuse":
        return _list(function)
    key_type = function.type
    shard_by_form = _listed(function)
    others = _hash(function)

    def locate(value: Any, shards: int) -> int:
        shard = shard_by_form.get(canonical(value, key_type))
        return others(value, shards) if shard is None else shard

    return locate


def _list(function: ShardFunction) -> Locate:
    key_type = function.type
    shard_by_form = _listed(function)

    def locate(value: Any, shards: int) -> int:
        shard = shard_by_form.get(canonical(value, key_type))
        if shard is None:
            raise BadKeyValue("is on no shard's list")
        return shard

    return locate


def _sort_of(key_type: str | None, bounds: Iterable[object]) -> str:
    """Say how keys between bounds are compared: as the bounds are written."""
    if key_type is not None:
        return "number" if key_type in _NUMBERS else "text"
    forms = {canonical(bound)[:1] for bound in bounds}
    return "number" if forms <= {b"i", b"n"} else "text"


_NUMBERS = frozenset({"integer", "numeric", "boolean"})


def _number_rank(form: bytes) -> Decimal:
    if form[:1] not in b"in":
        raise BadKeyValue("is no number, and the bounds are")
    number = Decimal(form[1:].decode())
    if number.is_nan():
        raise BadKeyValue("is not a number between bounds")
    return number


def _text_rank(form: bytes) -> bytes:
    """UTF-8 sorts by code point; a number among texts sorts by its digits."""
    return form[1:]


_RANKS: dict[str, Callable[[bytes], Any]] = {"number": _number_rank, "text": _text_rank}
_COMPILERS: dict[str, Callable[[ShardFunction], Locate]] = {
    "hash": _hash,
    "modulo": _modulo,
    "range": _range,
    "list": _list,
    "directory": _directory,
}
