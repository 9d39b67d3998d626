"""SQL of the simplest conditions, without sqlglot's generator.

What goes down is nearly always comparisons of columns with values. sqlglot copies the
tree and makes a generator for each of them, which takes longer than to plan all the
rest. What is written here is what it writes, letter by letter; whatever is not known
for certain is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from sqlglot import Dialect, exp

_PLAIN_NAME = re.compile(r"routedb_place_\d+|[a-z_]\w{0,62}", re.I | re.A).fullmatch
_PLAIN_TEXT = re.compile(r"[^'\\\x00-\x1f]*").fullmatch

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.And: " AND ",
    exp.Or: " OR ",
    exp.EQ: " = ",
    exp.NEQ: " <> ",
    exp.LT: " < ",
    exp.LTE: " <= ",
    exp.GT: " > ",
    exp.GTE: " >= ",
}


class _NotPlain(Exception):  # noqa: N818  (never leaves this module)
    """sqlglot is to write it."""


def plain_sql(node: exp.Expr, dialect: str) -> str | None:
    """Return `node` in SQL of `dialect`, one of sqlglot's, as that writes it; None
    where it is more than comparisons of columns with values."""
    try:
        return _writer(dialect).written(node)
    except _NotPlain:
        return None


class _Writer:
    def __init__(self, dialect: str) -> None:
        self._quote = "`" if dialect == "mysql" else '"'
        generator = Dialect.get_or_raise(dialect).generator_class
        self._reserved = generator.RESERVED_KEYWORDS  # it puts these in quotes

    def written(self, node: object) -> str:
        """Return `node` in SQL. Raises _NotPlain."""
        if not isinstance(node, exp.Expr) or node.comments:
            raise _NotPlain
        kind = type(node)
        operator = _OPERATORS.get(kind)
        if operator is not None:
            _check_args(node, "this", "expression")
            left, right = node.args.get("this"), node.args.get("expression")
            return f"{self.written(left)}{operator}{self.written(right)}"
        write = _WRITTEN.get(kind)
        if write is None:
            raise _NotPlain
        return write(self, node)

    def name(self, node: exp.Expr) -> str:
        """Return an identifier."""
        _check_args(node, "this", "quoted")
        name = node.args.get("this")
        if not isinstance(name, str):
            raise _NotPlain
        if node.args.get("quoted"):
            if self._quote in name:
                raise _NotPlain
            return f"{self._quote}{name}{self._quote}"
        if _PLAIN_NAME(name) is None or name.lower() in self._reserved:
            raise _NotPlain
        return name

    def column(self, node: exp.Expr) -> str:
        """Return a column, behind its table's name or without."""
        _check_args(node, "this", "table")
        inner, table = node.args.get("this"), node.args.get("table")
        if not isinstance(inner, exp.Identifier):
            raise _NotPlain
        name = self.written(inner)
        return name if table is None else f"{self.written(table)}.{name}"

    def literal(self, node: exp.Expr) -> str:
        """Return a number or a text."""
        _check_args(node, "this", "is_string")
        value = node.args.get("this")
        if not isinstance(value, str) or _PLAIN_TEXT(value) is None:
            raise _NotPlain
        if node.args.get("is_string"):
            return f"'{value}'"
        if not value.isdigit() or not value.isascii():
            raise _NotPlain
        return value

    def null(self, node: exp.Expr) -> str:
        """Return NULL."""
        return "NULL"

    def negated(self, node: exp.Expr) -> str:
        """Return NOT and what is behind it. (IS NOT is said in two ways.)"""
        _check_args(node, "this")
        if isinstance(node.args.get("this"), exp.Is):
            raise _NotPlain
        return f"NOT {self.written(node.args.get('this'))}"

    def in_brackets(self, node: exp.Expr) -> str:
        """Return what stands in brackets."""
        _check_args(node, "this")
        return f"({self.written(node.args.get('this'))})"

    def is_(self, node: exp.Expr) -> str:
        """Return IS NULL."""
        _check_args(node, "this", "expression")
        if not isinstance(node.args.get("expression"), exp.Null):
            raise _NotPlain
        return f"{self.written(node.args.get('this'))} IS NULL"

    def between(self, node: exp.Expr) -> str:
        """Return BETWEEN."""
        _check_args(node, "this", "low", "high")
        of, low, high = (node.args.get(name) for name in ("this", "low", "high"))
        return (
            f"{self.written(of)} BETWEEN {self.written(low)} AND {self.written(high)}"
        )

    def listed(self, node: exp.Expr) -> str:
        """Return IN with a list of values."""
        _check_args(node, "this", "expressions")
        values = ", ".join(map(self.written, node.args.get("expressions") or ()))
        if not values:
            raise _NotPlain
        return f"{self.written(node.args.get('this'))} IN ({values})"


_writer = lru_cache(_Writer)

_WRITTEN: dict[type[exp.Expr], Callable[[_Writer, exp.Expr], str]] = {
    exp.Identifier: _Writer.name,
    exp.Column: _Writer.column,
    exp.Literal: _Writer.literal,
    exp.Null: _Writer.null,
    exp.Not: _Writer.negated,
    exp.Paren: _Writer.in_brackets,
    exp.Is: _Writer.is_,
    exp.Between: _Writer.between,
    exp.In: _Writer.listed,
}


def _check_args(node: exp.Expr, *names: str) -> None:
    if any(value and name not in names for name, value in node.args.items()):
        raise _NotPlain
