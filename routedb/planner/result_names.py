"""What PostgreSQL calls a column of a result that has no name of its own.

A column of a table gives its name, a function its own, a cast that of what it casts,
CASE that of its ELSE; what is none of these is `?column?`, and a weak name gives way to
it: that of a type, or of CASE.
"""

from __future__ import annotations

from sqlglot import exp

_UNNAMED = "?column?"
# Functions that sqlglot has one word for, and PostgreSQL as well.
_CALLED = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Min: "min",
    exp.Max: "max",
    exp.Avg: "avg",
    exp.Abs: "abs",
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Coalesce: "coalesce",
    exp.Nullif: "nullif",
    exp.Round: "round",
    exp.Floor: "floor",
    exp.Greatest: "greatest",
    exp.Least: "least",
    exp.TimestampTrunc: "date_trunc",
}
_TYPES = {
    exp.DataType.Type.SMALLINT: "int2",
    exp.DataType.Type.INT: "int4",
    exp.DataType.Type.BIGINT: "int8",
    exp.DataType.Type.DECIMAL: "numeric",
    exp.DataType.Type.DOUBLE: "float8",
    exp.DataType.Type.TEXT: "text",
    exp.DataType.Type.DATE: "date",
    exp.DataType.Type.TIMESTAMP: "timestamp",
    exp.DataType.Type.TIMESTAMPTZ: "timestamptz",
}
_OF_NO_NAME = (exp.Binary, exp.Neg, exp.Not, exp.Literal, exp.Null, exp.Between, exp.In)


def name_of(node: exp.Expr) -> str | None:
    """Return what a column of the result, `node`, is called; None where that is not
    certain."""
    found = _named(node)
    return None if found is None else found[0]


def _named(node: exp.Expr) -> tuple[str, bool] | None:
    """Return the name, and whether it is a strong one."""
    kind = type(node)
    if kind in (exp.Paren, exp.Filter):
        return _named(node.this)
    if kind is exp.Column:
        return str(node.this.name), True
    if kind in _CALLED:
        return _CALLED[kind], True
    if kind is exp.Case:
        default = node.args.get("default")
        inner = (_UNNAMED, False) if default is None else _named(default)
        return inner if inner is None or inner[1] else ("case", False)
    if kind is exp.Cast:
        inner, type_ = _named(node.this), _TYPES.get(node.args["to"].this)
        return (
            inner if inner is None or inner[1] else (type_ and (type_, False)) or None
        )
    return (_UNNAMED, False) if isinstance(node, _OF_NO_NAME) else None
