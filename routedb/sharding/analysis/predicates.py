"""What a condition says about shard keys, when it is known to be true.

Only `=` and IN with plain values and with other keys say anything. Each predicate,
being true, also says that the keys in it are not NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp

from routedb.sharding.analysis.column_scope import ColumnScope, Source
from routedb.sharding.keys.value_terms import (
    AllOf,
    AnyOf,
    CastTerm,
    Condition,
    ConstantTerm,
    LiteralTerm,
    NegatedTerm,
    OneOf,
    ValueTerm,
)


class KeyPredicate(NamedTuple):
    """The key of `source` meets the condition."""

    source: Source
    condition: Condition


class EqualKeys(NamedTuple):
    """Two sources have equal keys, and the same shard function."""

    left: Source
    right: Source


Predicate = KeyPredicate | EqualKeys


def touches(predicates: Iterable[Predicate], sources: Sequence[Source]) -> bool:
    """Tell whether one of `predicates` keeps a row of `sources` from being all NULL."""
    return any(
        source in sources
        for predicate in predicates
        for source in (
            (predicate.source,)
            if isinstance(predicate, KeyPredicate)
            else (predicate.left, predicate.right)
        )
    )


def are_equal(left: Source, right: Source, predicates: Sequence[Predicate]) -> bool:
    """Tell whether `predicates` say that the keys of `left` and `right` are equal."""
    return right in _equals(
        left,
        [predicate for predicate in predicates if isinstance(predicate, EqualKeys)],
    )


def condition_for(source: Source, predicates: Sequence[Predicate]) -> Condition | None:
    """Return what `predicates` say about the key of `source`, None if nothing."""
    same = _equals(
        source,
        [predicate for predicate in predicates if isinstance(predicate, EqualKeys)],
    )
    found = tuple(
        predicate.condition
        for predicate in predicates
        if isinstance(predicate, KeyPredicate) and predicate.source in same
    )
    return _all(found)


def _equals(source: Source, pairs: list[EqualKeys]) -> list[Source]:
    reached = [source]
    for here in reached:  # grows while it is walked
        for left, right in pairs:
            for a, b in ((left, right), (right, left)):
                if a is here and b not in reached:
                    reached.append(b)
    return reached


def _all(conditions: tuple[Condition, ...]) -> Condition | None:
    if len(conditions) > 1:
        return AllOf(conditions)
    return conditions[0] if conditions else None


class PredicateReader:
    """Reads conditions and values in a tree of sqlglot."""

    def __init__(self, terms: Mapping[str, ValueTerm], dialect: str) -> None:
        """`terms` are what the tags in the tree, of a text in `dialect`, stand for."""
        self._terms = terms
        self._casts = _CASTS if dialect == "postgresql" else {}

    def predicates(self, node: exp.Expr | None, scope: ColumnScope) -> list[Predicate]:
        """Return the predicates that hold for rows for which `node` is true.

        `scope` knows which of its columns are shard keys. What says nothing of them
        gives none.
        """
        if isinstance(node, exp.Paren):
            return self.predicates(node.this, scope)
        if isinstance(node, exp.And):
            return self.predicates(node.this, scope) + self.predicates(
                node.expression, scope
            )
        if isinstance(node, exp.Or):
            return self._either(node, scope)
        if isinstance(node, exp.EQ):
            return self._equal(node.this, node.expression, scope)
        if isinstance(node, exp.In):
            return self._within(node, scope)
        return []

    def term(self, node: exp.Expr | None) -> ValueTerm | None:
        """Return the term a node is, None when it is more than a plain value."""
        if isinstance(node, exp.Paren):
            return self.term(node.this)
        if isinstance(node, exp.Literal):
            return self._terms.get(str(node.this))
        if isinstance(node, exp.Null):
            return ConstantTerm(None)
        if isinstance(node, exp.Boolean):
            return ConstantTerm(bool(node.this))
        if isinstance(node, exp.Neg):
            inner = self.term(node.this)
            return NegatedTerm(inner) if isinstance(inner, LiteralTerm) else None
        if type(node) is exp.Cast:
            return self._cast(node)
        return None

    def _cast(self, node: exp.Cast) -> ValueTerm | None:
        inner = self.term(node.this)
        to = node.args["to"]
        if inner is None or to.expressions or node.args.get("format"):
            return None
        type_ = self._casts.get(to.this)
        return CastTerm(inner, type_) if type_ is not None else None

    def _either(self, node: exp.Or, scope: ColumnScope) -> list[Predicate]:
        branches = [self.predicates(part, scope) for part in _disjuncts(node)]
        first = [
            predicate.source
            for predicate in branches[0]
            if isinstance(predicate, KeyPredicate)
        ]
        predicates: list[Predicate] = []
        for source in dict.fromkeys(first):
            found = [_about(source, branch) for branch in branches]
            if all(found):
                predicates.append(
                    KeyPredicate(source, AnyOf(tuple(c for c in found if c)))
                )
        return predicates

    def _equal(
        self,
        left: exp.Expr | None,
        right: exp.Expr | None,
        scope: ColumnScope,
    ) -> list[Predicate]:
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            if len(left.expressions) != len(right.expressions):
                return []
            pairs = zip(left.expressions, right.expressions, strict=True)
            return [
                predicate for a, b in pairs for predicate in self._equal(a, b, scope)
            ]
        source, other = scope.key_of(left), scope.key_of(right)
        if source is not None and other is not None:
            is_alike = source.rule is not None and other.rule is not None
            if is_alike and source.rule.function == other.rule.function:  # type: ignore[union-attr]
                return [EqualKeys(source, other)]
            return []
        if source is None:
            source, right = other, left
        if source is None:
            return []
        condition = self._value(right)
        return [KeyPredicate(source, condition)] if condition is not None else []

    def _value(self, node: exp.Expr | None) -> Condition | None:
        """Return what `key = node` says."""
        if isinstance(node, exp.Any):
            return self._any(node.this)
        term = self.term(node)
        return OneOf((term,)) if term is not None else None

    def _any(self, node: exp.Expr | None) -> Condition | None:
        """Return what `key = ANY (node)` says."""
        if isinstance(node, exp.Paren):
            return self._any(node.this)
        if isinstance(node, exp.Array):
            return self._members(node.expressions)
        if isinstance(node, exp.Cast) and node.args["to"].this is exp.DType.ARRAY:
            return self._any(node.this)
        return self._list(node)

    def _list(self, node: exp.Expr | None) -> Condition | None:
        term = self.term(node)
        if term is None or isinstance(
            term, (LiteralTerm, ConstantTerm, NegatedTerm, CastTerm)
        ):
            return None
        return OneOf((term,), is_list=True)

    def _within(self, node: exp.In, scope: ColumnScope) -> list[Predicate]:
        if isinstance(node.this, exp.Tuple):
            return self._rows_within(node, scope)
        source = scope.key_of(node.this)
        if source is None:
            return []
        condition = (
            self._members(node.expressions)
            if node.expressions
            else self._list(node.args.get("field"))
        )
        return [KeyPredicate(source, condition)] if condition is not None else []

    def _rows_within(self, node: exp.In, scope: ColumnScope) -> list[Predicate]:
        """(a, key) IN ((1, 2), (3, 4)) says of the key what the OR of equals does."""
        predicates: list[Predicate] = []
        rows = node.expressions
        for ordinal, column in enumerate(node.this.expressions):
            source = scope.key_of(column)
            cells = [
                row.expressions[ordinal]
                for row in rows
                if isinstance(row, exp.Tuple) and len(row.expressions) > ordinal
            ]
            if source is None or not rows or len(cells) != len(rows):
                continue
            condition = self._members(cells)
            if condition is not None:
                predicates.append(KeyPredicate(source, condition))
        return predicates

    def _members(self, nodes: Sequence[exp.Expr]) -> Condition | None:
        terms = [self.term(node) for node in nodes]
        known = tuple(term for term in terms if term is not None)
        return OneOf(known) if known and len(known) == len(terms) else None


def _about(source: Source, predicates: Iterable[Predicate]) -> Condition | None:
    return _all(
        tuple(
            predicate.condition
            for predicate in predicates
            if isinstance(predicate, KeyPredicate) and predicate.source is source
        )
    )


def _disjuncts(node: exp.Expr | None) -> Iterator[exp.Expr | None]:
    if isinstance(node, exp.Paren):
        yield from _disjuncts(node.this)
    elif isinstance(node, exp.Or):
        yield from _disjuncts(node.this)
        yield from _disjuncts(node.expression)
    else:
        yield node


# Casts that leave a value what it is, if it is one of that type at all: it is read as
# that type, which refuses every other value. Elsewhere than in PostgreSQL a cast may
# cut a value to what fits.
_CASTS = {
    exp.DType.BIGINT: "integer",
    exp.DType.INT: "integer",
    exp.DType.SMALLINT: "integer",
    exp.DType.TEXT: "text",
    exp.DType.VARCHAR: "text",
    exp.DType.UUID: "uuid",
    exp.DType.DATE: "date",
}
