"""What an UPDATE, or an ON CONFLICT, sets: columns and their values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from routedb.sharding.refusals import refuse


def assignments(
    nodes: Sequence[exp.Expr],
) -> Iterator[tuple[exp.Expr, exp.Expr | None]]:
    """Yield each column that is set, and its value; None when it is not one by one."""
    for node in nodes:
        if not isinstance(node, exp.EQ):
            refuse("SET of something that is no column is not understood")
        columns, value = node.this, node.expression
        if isinstance(columns, exp.Paren):
            columns, value = columns.this, None
        if isinstance(columns, (exp.Bracket, exp.Dot)):  # a part of a column
            columns, value = columns.find(exp.Column) or columns, None
        if not isinstance(columns, exp.Tuple):
            yield columns, value
            continue
        values: Sequence[exp.Expr | None] = [None] * len(columns.expressions)
        if isinstance(value, exp.Tuple) and len(value.expressions) == len(values):
            values = value.expressions
        yield from zip(columns.expressions, values, strict=True)
