"""Which shard holds a key: hash, modulo, range and list.

A function and a number of shards are made into a locator once; what runs per statement
is the locator.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from hashlib import md5
from typing import Any

from routedb import errors
from routedb.config.model import ShardFunction, TableRule
from routedb.sharding.normal import UNSIGNED_64, Form, Unfit, normalise

Locator = Callable[[object], int]


def shard_of(
    function: ShardFunction, value: object, shards: int, where: str = "the shard key"
) -> int:
    """Return the number of the shard that holds the rows whose key is `value`.

    Raises ShardError, which names `where` and the value's type but not the value.
    """
    try:
        return locator(function, shards)(value)
    except Unfit as exc:
        raise unfit(where, value, exc) from None


def shard_for_key_hint(rule: TableRule, text: str, shards: int) -> int:
    """Return the shard that a hint `key=text` names, for a table under `rule`."""
    if rule.function is None:
        raise errors.HintError(
            f"hint key=: tables under rule {rule.pattern!r} have no shard_key"
        )
    where = f"hint key= for {rule.pattern}.{rule.shard_key}"
    return shard_of(rule.function, text, shards, where)


def unfit(where: str, value: object, reason: Unfit) -> errors.ShardError:
    """Return the error for a value that has no certain shard. It hides the value."""
    if value is None:
        return errors.ShardError(
            f"{where}: NULL is on no shard; give every row a key that is not NULL"
        )
    found = type(value).__name__
    return errors.ShardError(
        f"{where}: its shard is not certain: wanted {reason}, found a value of type "
        f"{found}; pass it as the type of the column, or declare key_type for the table"
    )


@lru_cache(maxsize=1024)
def locator(function: ShardFunction, shards: int) -> Locator:
    """Return the callable from a key's value to its shard. It raises Unfit."""
    try:
        make = _MAKERS[function.name]
    except KeyError:
        known = ", ".join(_MAKERS)
        raise errors.ConfigError(
            f"shard function {function.name!r} is not known; known are {known}"
        ) from None
    return make(function, shards)


def hash64(form: Form) -> int:
    """Return the 64-bit hash of a normalised key: the first half of its text's MD5.

    MD5 because SQL has it too: rows can be told apart by shard inside a server.
    """
    digest = md5(str(form).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big")


def _hash(function: ShardFunction, shards: int) -> Locator:
    type_ = function.type

    def locate(value: object) -> int:
        # hash64 without the calls, for the commonest key: this runs every time.
        form = value
        if type(value) is not int or not -UNSIGNED_64 < value < UNSIGNED_64:
            form = normalise(value, type_)
        digest = md5(str(form).encode(), usedforsecurity=False).digest()
        return int.from_bytes(digest[:8], "big") % shards

    return locate if type_ in (None, "integer", "numeric") else _typed(type_, shards)


def _typed(type_: str | None, shards: int) -> Locator:
    return lambda value: hash64(normalise(value, type_)) % shards


def _modulo(function: ShardFunction, shards: int) -> Locator:
    if function.type not in (None, "integer"):
        raise errors.ConfigError(
            f'shard function modulo needs key_type = "integer", found {function.type!r}'
        )
    return lambda value: normalise_integer(value) % shards


def normalise_integer(value: object) -> int:
    """Return the whole number that `value` stands for. Raises Unfit."""
    form = normalise(value, "integer")
    assert isinstance(form, int)
    return form


def _range(function: ShardFunction, shards: int) -> Locator:
    if len(function.bounds) != shards - 1:
        raise errors.ConfigError(
            f"shard function range: {shards} shards need {shards - 1} bounds, found "
            f"{len(function.bounds)}"
        )
    type_ = function.type or _type_of(function.bounds)
    bounds: list[Any] = [_configured(bound, type_) for bound in function.bounds]
    if any(low >= high for low, high in zip(bounds, bounds[1:], strict=False)):
        raise errors.ConfigError(
            "shard function range: bounds must rise, compared as keys of type "
            f"{type_} are"
        )
    return lambda value: bisect_right(bounds, normalise(value, type_))


def _list(function: ShardFunction, shards: int) -> Locator:
    if len(function.values) != shards:
        raise errors.ConfigError(
            f"shard function list: {shards} shards need {shards} lists of values, "
            f"found {len(function.values)}"
        )
    flat = [value for values in function.values for value in values]
    type_ = function.type or _type_of(flat)
    homes: dict[Form, int] = {}
    for shard, values in enumerate(function.values):
        for value in values:
            if homes.setdefault(_configured(value, type_), shard) != shard:
                raise errors.ConfigError(
                    f"shard function list: {value!r} is, compared as a key of type "
                    f"{type_}, on two shards"
                )

    def locate(value: object) -> int:
        try:
            return homes[normalise(value, type_)]
        except KeyError:
            raise Unfit("one of the values listed for the shards") from None

    return locate


_MAKERS: dict[str, Callable[[ShardFunction, int], Locator]] = {
    "hash": _hash,
    "modulo": _modulo,
    "range": _range,
    "list": _list,
}

# The type that keys are compared in when none is declared, by that of the bounds.
_TYPES: dict[type, str] = {
    int: "integer",
    float: "numeric",
    str: "text",
    datetime: "timestamp",
    date: "date",
    bool: "boolean",
    bytes: "bytes",
}


def _type_of(values: Any) -> str:
    found = {_TYPES.get(type(value), "numeric") for value in values}
    if found == {"integer", "numeric"}:
        return "numeric"
    if len(found) > 1:
        raise errors.ConfigError(
            f"shard function: values of several types ({', '.join(sorted(found))}); "
            "write them in one type, or declare key_type"
        )
    return found.pop() if found else "integer"


def _configured(value: object, type_: str) -> Form:
    """Read a bound or a listed value. A float of TOML stands for what was written."""
    if isinstance(value, float) and type_ == "numeric":
        value = repr(value)
    try:
        return normalise(value, type_)
    except Unfit as exc:
        raise errors.ConfigError(
            f"shard function: {value!r} is no key of type {type_}: wanted {exc}"
        ) from None
