"""Rows of a sharded table that have a partner in a copy, which is on the same shard.

Where a join, or a condition of a query in another one, wants a column of the sharded
table equal to one of the copy's, rows that have none are in no row of the result. So
the shards leave them out: the copy is there, with the conditions on it. Those that
`filters` knows; and what is about the copy alone, or compares it with queries over
copies, of parts that raise no error for any row.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from routedb.planner.catalog import Column, Copied, Sharded
from routedb.planner.filters import conjuncts_on, equal_columns, find_filter
from routedb.planner.plans import Bound
from routedb.planner.references import References, Use
from routedb.planner.results import SIDEWAYS, sum_type, type_of
from routedb.planner.spans import condition_span
from routedb.planner.typed import constant_type, typed

# Of one value for the same rows on each shard, and no error for any row.
_NODES = (
    *(exp.Select, exp.From, exp.Where, exp.Subquery, exp.Table, exp.TableAlias),
    *(exp.Identifier, exp.Column, exp.Literal, exp.Null, exp.Boolean, exp.Paren),
    *(exp.Tuple, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT),
    *(exp.GTE, exp.Is, exp.Between, exp.In, exp.Exists, exp.Lower),
    *(exp.Upper, exp.Length, exp.Coalesce, exp.Nullif),
)
_AGGREGATES = (exp.Count, exp.Min, exp.Max, exp.Avg)
_SELECT_ARGS = frozenset({"expressions", "from_", "where"})


def among_copies(references: References, use: Use) -> Iterator[Bound]:
    """Yield conditions that rows of `use`, of a sharded table, have a partner in a
    copy: among the rows that the copy's own conditions leave. `references` knows the
    tables."""
    if not isinstance(use.placement, Sharded):
        return
    text = references.text
    for mine, other, its in equal_columns(references, use):
        place = other.placement
        is_near = isinstance(place, Copied) and place.database == use.placement.database
        one = references.column_of(use, references.names.column(mine.this))
        two = references.column_of(other, references.names.column(its.this))
        if not is_near or one is None or two is None or not is_same_type(one, two):
            continue
        conditions = list(_conditions(references, other))
        left, right = text.written(mine), text.written(its)
        table = table_text(references, other)
        if not conditions or left is None or right is None or "%" in table:
            continue
        where = " AND ".join(f"({each.sql})" for each in conditions)
        yield Bound(
            f"{left.sql} IN (SELECT {right.sql} FROM {table} WHERE {where})",
            tuple(slot for each in conditions for slot in each.slots),
        )


def _conditions(references: References, use: Use) -> Iterator[Bound]:
    """Yield the conditions that rows of `use`, of a copy, meet in all rows that
    matter."""
    text = references.text
    plain = find_filter(references, use).conjuncts
    for node in plain:
        written = text.written(node)
        if written is not None:
            yield written
    if text.dialect != "postgresql" or use.select is None or use.renames_columns:
        return
    for node in conjuncts_on(use):
        if not any(node is each for each in plain) and _is_near(node, use, references):
            span = condition_span(text, node)
            if span is not None:
                yield text.piece(*span)


def _is_near(node: exp.Expr, use: Use, references: References) -> bool:
    """Tell whether a condition is about `use` and other copies of its database alone,
    and may be looked at for any row."""
    return all(_is_steady(each, use, references) for each in _walk(node))


def _walk(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield a node and those below it, but for what makes a day of the text."""
    yield node
    if constant_type(node) is None:
        for each in node.iter_expressions():
            yield from _walk(each)


def _is_steady(node: exp.Expr, use: Use, references: References) -> bool:
    if isinstance(node, exp.Table):
        found = [each for each in references.uses if each.node is node]
        place = found[0].placement if found else None
        return isinstance(place, Copied) and place.database == use.placement.database
    if isinstance(node, exp.Column):
        return _is_known(node, use, references)
    if isinstance(node, exp.Select):
        return {name for name, value in node.args.items() if value} <= _SELECT_ARGS
    if isinstance(node, _AGGREGATES):
        return isinstance(node.this, exp.Column) and _is_exact(node, references)
    if isinstance(node, exp.Like):
        pattern = node.expression
        return isinstance(pattern, exp.Literal) and "\\" not in pattern.name
    if isinstance(node, exp.Substring):
        bounds = (node.args.get("start"), node.args.get("length"))
        return all(isinstance(each, exp.Literal) for each in bounds)
    return isinstance(node, _NODES) or constant_type(node) is not None


def _is_known(node: exp.Column, use: Use, references: References) -> bool:
    """Tell whether a column is one of `use`, or of a table of its own query."""
    if references.text.slot(node) is not None:
        return True
    select = node.find_ancestor(exp.Select)
    if not isinstance(select, exp.Select):
        return False
    owner = references.owner(node, select)
    return owner is use if select is use.select else owner is not None


def _is_exact(node: exp.Expr, references: References) -> bool:
    """Tell whether an aggregate is the same in whatever order its rows come."""
    select = node.find_ancestor(exp.Select)
    assert isinstance(select, exp.Select)
    column = typed(node.this, select, references)
    if column is None:
        return False
    is_added = isinstance(node, exp.Avg)
    return not is_added or sum_type(column, "postgresql") is not None


def table_text(references: References, use: Use) -> str:
    """Return a `use` of a table as it is written in the text of `references`, with its
    alias."""
    text, node = references.text, use.node
    start, _ = text.span(node.args.get("db") or node.this)
    _, end = text.span(node.this)
    written = text.source[start:end]
    alias = node.args.get("alias")
    if alias is None:
        return written
    start, end = text.span(alias.this)
    return f"{written} AS {text.source[start:end]}"


def is_same_type(one: Column, two: Column) -> bool:
    """Tell whether the values of `one` and of `two` compare alike in and out of the
    tables."""
    is_plain = one.collation is None and two.collation is None
    return is_plain and one.type == two.type and type_of(one) in SIDEWAYS
