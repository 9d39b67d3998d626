"""Which of Spark's filters the server is given, as SQL of its own.

A filter that means the same on both sides is *exact*: Spark leaves it out. One that may
find more on the server, a text under a collation that calls different texts equal, goes
there too, and Spark looks at the rows once more. All others Spark alone does.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from routedb.integrations.spark.types import Field, Push
from routedb.moving.spelling import string

_COMPARED = {
    "EqualTo": "=",
    "GreaterThan": ">",
    "GreaterThanOrEqual": ">=",
    "LessThan": "<",
    "LessThanOrEqual": "<=",
}
_NEGATED = {"EqualTo": "<>"}
_INTEGERS = frozenset({"smallint", "int", "bigint"})
_MOST_VALUES = 1_000  # of an IN: a longer text costs more than the rows


class Pushed(NamedTuple):
    """A condition in SQL; `is_exact`: it finds what Spark's filter finds."""

    sql: str
    is_exact: bool


class Shape(NamedTuple):
    """A filter, without Spark's classes: `kind` is the class's name."""

    kind: str
    column: str
    value: Any = None
    is_negated: bool = False


def shape_of(given: Any) -> Shape | None:
    """Return what a filter of Spark's says; None for one inside a nested column."""
    is_negated = type(given).__name__ == "Not"
    inner = given.child if is_negated else given
    path: tuple[str, ...] = getattr(inner, "attribute", ())
    if len(path) != 1:
        return None
    return Shape(
        type(inner).__name__, path[0], getattr(inner, "value", None), is_negated
    )


def push(engine: str, fields: Mapping[str, Field], shape: Shape) -> Pushed | None:
    """Return what of `shape` the server, of `engine`, is asked, whose columns are
    `fields` by name; None: nothing."""
    field = fields.get(shape.column)
    if field is None:
        return None
    if shape.kind in ("IsNull", "IsNotNull"):
        is_null = (shape.kind == "IsNull") is not shape.is_negated
        return Pushed(f"{field.column} IS {'' if is_null else 'NOT '}NULL", True)
    if field.push is Push.NONE:
        return None
    if field.push is Push.EXACT:
        return _exact(engine, field, shape)
    return _text(engine, field, shape)


def _exact(engine: str, field: Field, shape: Shape) -> Pushed | None:
    signs = _NEGATED if shape.is_negated else _COMPARED
    if shape.kind in signs:
        literal = _literal(engine, field, shape.value)
        sign = signs[shape.kind]
        return (
            None
            if literal is None
            else Pushed(f"{field.column} {sign} {literal}", True)
        )
    if shape.kind == "In":
        return _in(engine, field, shape, is_exact=True)
    return None


def _text(engine: str, field: Field, shape: Shape) -> Pushed | None:
    is_exact = field.push is Push.TEXT
    if shape.is_negated and not is_exact:
        return None  # what the server finds equal may differ here
    if shape.kind == "In":
        return _in(engine, field, shape, is_exact)
    if not isinstance(shape.value, str) or "\0" in shape.value:
        return None
    if shape.kind == "EqualTo":
        sign = "<>" if shape.is_negated else "="
        value = string(engine, shape.value)
        return Pushed(f"{field.column} {sign} {value}", is_exact)
    if shape.kind == "StringStartsWith" and not shape.is_negated:
        return Pushed(_prefix(engine, field, shape.value), is_exact)
    return None


def _prefix(engine: str, field: Field, value: str) -> str:
    """Return a LIKE without an escape that a session might read otherwise."""
    for mark in ("|", "%", "_"):
        value = value.replace(mark, f"|{mark}")
    return f"{field.column} LIKE {string(engine, value + '%')} ESCAPE '|'"


def _in(engine: str, field: Field, shape: Shape, is_exact: bool) -> Pushed | None:
    values: Iterable[Any] = shape.value or ()
    # NULL finds nothing in IN, and under NOT it hides everything: that is Spark's.
    found = [value for value in values if value is not None]
    if not found or len(found) > _MOST_VALUES:
        return None
    if shape.is_negated and len(found) != len(list(values)):
        return None
    literals = [_literal(engine, field, value) for value in found]
    if any(literal is None for literal in literals):
        return None
    word = "NOT IN" if shape.is_negated else "IN"
    listed = ", ".join(literal for literal in literals if literal is not None)
    return Pushed(f"{field.column} {word} ({listed})", is_exact)


def _literal(engine: str, field: Field, value: Any) -> str | None:
    """Return `value` in SQL of `engine`, to compare with `field`; None where that would
    not be the same comparison."""
    kind = field.spark
    if kind in _INTEGERS or kind.startswith("decimal"):
        return _number(value)
    if kind == "double":
        is_plain = isinstance(value, float) and math.isfinite(value)
        return f"{value!r}" if is_plain and "e" not in repr(value) else None
    if kind == "boolean":
        return str(value).upper() if isinstance(value, bool) else None
    if kind == "string":
        is_text = isinstance(value, str) and "\0" not in value
        return string(engine, value) if is_text else None
    if kind == "date":
        is_date = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
        return string(engine, value.isoformat()) if is_date else None
    return _moment(engine, kind, value)


def _number(value: Any) -> str | None:
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else None
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_whole else None


def _moment(engine: str, kind: str, value: Any) -> str | None:
    if not isinstance(value, dt.datetime):
        return None
    if (kind == "timestamp") is not (value.tzinfo is not None):
        return None
    if value.tzinfo is not None:
        value = value.astimezone(dt.timezone.utc).replace(tzinfo=None)
        zone = "+00" if engine == "postgresql" else ""
        return string(engine, value.isoformat(" ") + zone)
    return string(engine, value.isoformat(" "))
