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
from routedb.sharding.functions import Locate, complaint, locator
from routedb.sharding.literals import Unreadable, read_literal
from routedb.sharding.values import Unfit, canonical, integer_of


class Literal(NamedTuple):
    """The literal of this number in the text."""

    number: int


class Positional(NamedTuple):
    """The parameter at this place."""

    place: int


class Named(NamedTuple):
    """The parameter of this name."""

    name: str


class Constant(NamedTuple):
    """NULL, TRUE or FALSE."""

    value: bool | None


class Negated(NamedTuple):
    """Minus a literal."""

    term: Literal


class Converted(NamedTuple):
    """A term that a cast brings to a key type."""

    term: Term
    type: str


Term = Literal | Positional | Named | Constant | Negated | Converted


class Values(NamedTuple):
    """What the terms of one text stand for."""

    dialect: str
    literals: Sequence[str]
    params: Any  # None, a sequence, or a mapping


def value_of(term: Term, values: Values) -> object:
    """Return the value a term stands for; None for NULL. Raises Unfit."""
    return _READ[type(term)](term, values)


def _literal(term: Literal, values: Values) -> object:
    text = values.literals[term.number]
    if values.params is not None and "%" in text:
        text = text.replace("%%", "%")
        if "%" in text:
            raise Unfit("is a literal with a placeholder inside")
    try:
        return read_literal(text, values.dialect)
    except Unreadable as exc:
        raise Unfit(f"is {exc}") from None


def _named(term: Named, values: Values) -> object:
    try:
        return values.params[term.name]
    except KeyError:
        raise errors.ProgrammingError(
            f"the statement has a placeholder %({term.name})s, and the parameters have "
            "no such name"
        ) from None


def _negated(term: Negated, values: Values) -> object:
    value = _literal(term.term, values)
    if not isinstance(value, (int, Decimal)):
        raise Unfit("is no number after a minus sign")
    return -value


def _converted(term: Converted, values: Values) -> object:
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


_READ: dict[type, Callable[[Any, Values], object]] = {
    Literal: _literal,
    Positional: lambda term, values: values.params[term.place],
    Named: _named,
    Constant: lambda term, _: term.value,
    Negated: _negated,
    Converted: _converted,
}


@dataclass(frozen=True, slots=True)
class OneOf:
    """The key is one of these values. NULL is never equal to anything, so it adds none.

    `is_list`: each term stands for a list of values. `is_stored`: rows are stored under
    these values, so NULL is refused.
    """

    terms: tuple[Term, ...]
    is_list: bool = False
    is_stored: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All of these hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these holds."""

    parts: tuple[Condition, ...]


Condition = OneOf | Every | Some


class Key(NamedTuple):
    """A sharded table's key."""

    table: str
    column: str
    function: ShardFunction
    locate: Locate

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


def key_of(table: str, rule: TableRule) -> Key:
    """Return the key that `rule` gives a table."""
    assert rule.function is not None
    assert rule.shard_key is not None
    return Key(table, rule.shard_key, rule.function, locator(rule.function))


def shards_of(
    condition: Condition, key: Key, values: Values, shards: int
) -> frozenset[int]:
    """Return the shards that can hold rows for which `condition` is true."""
    if isinstance(condition, OneOf):
        return frozenset(
            locate_value(value, key, shards)
            for value in _listed(condition, key, values)
            if value is not None or condition.is_stored
        )
    sets = [shards_of(part, key, values, shards) for part in condition.parts]
    if isinstance(condition, Every):
        return frozenset.intersection(*sets)
    return frozenset.union(*sets)


def locate_value(value: object, key: Key, shards: int) -> int:
    """Return the shard of a value. Raises ShardError that names the key."""
    if value is None:
        raise errors.ShardError(
            f"{key}: a row is not stored under a shard key that is NULL: give a value"
        )
    try:
        return key.locate(value, shards)
    except Unfit as exc:
        raise errors.ShardError(
            f"{key}: {complaint(value, exc, key.function)}"
        ) from None


def read_term(term: Term, key: Key, values: Values) -> object:
    """Return a term's value. Raises ShardError that names the key."""
    try:
        return value_of(term, values)
    except Unfit as exc:
        raise errors.ShardError(
            f"{key}: the value it is compared with, or set to, {exc}: give a plain "
            "literal or a parameter of the column's type"
        ) from None


def _listed(condition: OneOf, key: Key, values: Values) -> list[object]:
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


def check_params(params: Any, positional: int, named: bool) -> None:
    """Raise ProgrammingError when parameters and placeholders cannot fit."""
    if positional:
        given = "none" if params is None else _count(params)
        if given != positional:
            raise errors.ProgrammingError(
                f"the statement has {positional} placeholders (%s) and {given} "
                "parameters were given"
            )
    elif named and not isinstance(params, Mapping):
        found = "no parameters" if params is None else f"a {type(params).__name__}"
        raise errors.ProgrammingError(
            f"the statement has named placeholders and needs a mapping, found {found}"
        )


def _count(params: Any) -> int | str:
    if isinstance(params, Sequence) and not isinstance(params, (str, bytes)):
        return len(params)
    return f"a {type(params).__name__} as"
