"""Where the values of a statement come from, and which shards they mean.

What a plan keeps is not values but terms: "literal 3", "parameter 0". A condition on a
key is a small tree of terms that is worked out against each text's own values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from routedb import errors
from routedb.config.model import ShardFunction, TableRule
from routedb.sharding.keys.shard_functions import Locate, bad_key_message, locator
from routedb.sharding.keys.values import BadKeyValue, canonical, integer_of
from routedb.sql.scanner.literals import UnreadableLiteral, read_literal


class LiteralTerm(NamedTuple):
    """The literal of this number in the text."""

    number: int


class PositionalParam(NamedTuple):
    """The parameter of this number, from 0."""

    ordinal: int


class NamedParam(NamedTuple):
    """The parameter of this name."""

    name: str


class ConstantTerm(NamedTuple):
    """NULL, TRUE or FALSE, or a value that the text does not have."""

    value: object


class NegatedTerm(NamedTuple):
    """Minus a literal."""

    term: LiteralTerm


class CastTerm(NamedTuple):
    """A term that a cast brings to a key type."""

    term: ValueTerm
    type: str


ValueTerm = (
    LiteralTerm | PositionalParam | NamedParam | ConstantTerm | NegatedTerm | CastTerm
)


class BoundValues(NamedTuple):
    """What the terms of one text stand for."""

    dialect: str
    literals: Sequence[str]
    params: Any  # None, a sequence, or a mapping
    here: int | None = None  # the shard that is asked about, where it is one of several


def value_of(term: ValueTerm, values: BoundValues) -> object:
    """Return the value that `term` stands for among `values`; None for NULL.

    Raises BadKeyValue when it cannot be told for certain.
    """
    return _READ[type(term)](term, values)


def _literal(term: LiteralTerm, values: BoundValues) -> object:
    text = values.literals[term.number]
    if values.params is not None and "%" in text:
        text = text.replace("%%", "%")
        if "%" in text:
            raise BadKeyValue("is a literal with a placeholder inside")
    try:
        return read_literal(text, values.dialect)
    except UnreadableLiteral as exc:
        raise BadKeyValue(f"is {exc}") from None


def _named(term: NamedParam, values: BoundValues) -> object:
    try:
        return values.params[term.name]
    except KeyError:
        raise errors.ProgrammingError(
            f"the statement has a placeholder %({term.name})s, and the parameters have "
            "no such name"
        ) from None


def _negated(term: NegatedTerm, values: BoundValues) -> object:
    value = _literal(term.term, values)
    if not isinstance(value, (int, Decimal)):
        raise BadKeyValue("is no number after a minus sign")
    return -value


def _converted(term: CastTerm, values: BoundValues) -> object:
    value = value_of(term.term, values)
    if value is None:
        return None
    form = canonical(value, term.type)
    return _CONVERTED[term.type](value, form)


# What a cast leaves of a value that is of the cast's type.
_CONVERTED: dict[str, Callable[[object, bytes], object]] = {
    "integer": lambda value, form: integer_of(form),
    "date": lambda value, form: form[1:].decode(),
    "text": lambda value, form: value,
    "uuid": lambda value, form: value,
}


_READ: dict[type, Callable[[Any, BoundValues], object]] = {
    LiteralTerm: _literal,
    PositionalParam: lambda term, values: values.params[term.ordinal],
    NamedParam: _named,
    ConstantTerm: lambda term, _: term.value,
    NegatedTerm: _negated,
    CastTerm: _converted,
}


@dataclass(frozen=True, slots=True)
class OneOf:
    """The key is one of these values. NULL is never equal to anything, so it adds none.

    `is_list`: each term stands for a list of values. `is_stored`: rows are stored under
    these values, so NULL is refused.
    """

    terms: tuple[ValueTerm, ...]
    is_list: bool = False
    is_stored: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of these hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Here:
    """The key is one of the shard that is asked about: a statement that is for several
    is asked about each of them."""


HERE = Here()

Condition = OneOf | AllOf | AnyOf | Here


class ShardKey(NamedTuple):
    """A sharded table's key."""

    table: str
    column: str
    function: ShardFunction
    locate: Locate

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


def key_of(table: str, rule: TableRule) -> ShardKey:
    """Return the key of `table` by `rule`, which has a shard key and a function."""
    assert rule.function is not None
    assert rule.shard_key is not None
    return ShardKey(table, rule.shard_key, rule.function, locator(rule.function))


def shards_of(
    condition: Condition, key: ShardKey, values: BoundValues, shards: int
) -> frozenset[int]:
    """Return the shards that can hold rows for which `condition` is true.

    `key` is what the condition is about, `values` has the literals and parameters of
    the text, `shards` is their number. Raises ShardError that names the key when one of
    them cannot be a key.
    """
    if isinstance(condition, Here):
        every = range(shards)
        return frozenset(every if values.here is None else (values.here,))
    if isinstance(condition, OneOf):
        return frozenset(
            locate_value(value, key, shards)
            for value in _listed(condition, key, values)
            if value is not None or condition.is_stored
        )
    sets = [shards_of(part, key, values, shards) for part in condition.parts]
    if isinstance(condition, AllOf):
        return frozenset.intersection(*sets)
    return frozenset.union(*sets)


def without_here(condition: Condition) -> Condition:
    """Return what `condition` says of values; HERE where it says nothing of them."""
    if isinstance(condition, AllOf):
        parts = tuple(part for part in condition.parts if part is not HERE)
        if not parts:
            return HERE
        return parts[0] if len(parts) == 1 else AllOf(parts)
    return condition


def locate_value(value: object, key: ShardKey, shards: int) -> int:
    """Return the shard, of so many `shards`, that holds `value` of `key`.

    Raises ShardError that names the key for NULL and what cannot be a key.
    """
    if value is None:
        raise errors.ShardError(
            f"{key}: a row is not stored under a shard key that is NULL: give a value"
        )
    try:
        return key.locate(value, shards)
    except BadKeyValue as exc:
        raise errors.ShardError(
            f"{key}: {bad_key_message(value, exc, key.function)}"
        ) from None


def read_term(term: ValueTerm, key: ShardKey, values: BoundValues) -> object:
    """Return the value that `term` stands for among `values`.

    Raises ShardError that names `key` when it cannot be told for certain.
    """
    try:
        return value_of(term, values)
    except BadKeyValue as exc:
        raise errors.ShardError(
            f"{key}: the value it is compared with, or set to, {exc}: give a plain "
            "literal or a parameter of the column's type"
        ) from None


def _listed(condition: OneOf, key: ShardKey, values: BoundValues) -> list[object]:
    found = [read_term(term, key, values) for term in condition.terms]
    if not condition.is_list:
        return found
    flat: list[object] = []
    for value in found:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise errors.ShardError(
                f"{key}: a list or tuple is needed for IN %s or ANY(%s), found a value "
                f"of type {type(value).__name__}"
            )
        flat += value
    return flat


def check_params(params: Any, positional_count: int, has_named: bool) -> None:
    """Raise ProgrammingError when `params` do not fit the placeholders of a text.

    `positional_count` is the number of its `%s`; `has_named`: it has `%(name)s`.
    """
    if positional_count:
        given = "none" if params is None else _count(params)
        if given != positional_count:
            raise errors.ProgrammingError(
                f"the statement has {positional_count} placeholders (%s) and {given} "
                "parameters were given"
            )
    elif has_named and not isinstance(params, Mapping):
        found = "no parameters" if params is None else f"a {type(params).__name__}"
        raise errors.ProgrammingError(
            f"the statement has named placeholders and needs a mapping, found {found}"
        )


def _count(params: Any) -> int | str:
    if isinstance(params, Sequence) and not isinstance(params, (str, bytes)):
        return len(params)
    return f"a {type(params).__name__} as"
