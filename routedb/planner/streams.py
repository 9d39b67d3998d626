"""Plans without a work node: the user's own text is asked of every shard.

Rows are strung together, in order where the text has one; of a statement that is
nothing but aggregates each shard answers one row, and the rows are added up.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.catalog import Cluster, Column
from routedb.planner.distribution import own_nodes, split_of
from routedb.planner.joins import NotSpread, Split, check_dialects
from routedb.planner.plans import (
    Bound,
    Combine,
    Fragment,
    GroupsPlan,
    Merge,
    OrderTerm,
    Slot,
    Spread,
    Total,
)
from routedb.planner.references import References, Use, from_items
from routedb.planner.results import SUMS, column_in, is_ordered, type_of
from routedb.planner.source_text import Edit
from routedb.planner.typed import typed

_BOUNDS = re.compile(r"[()]|\b(?:LIMIT|OFFSET|FETCH)\b", re.IGNORECASE).finditer
_COUNT = {"postgresql": "bigint", "mysql": "bigint", "sqlite": "integer"}
_COMBINE: dict[type[exp.Expr], Combine] = {
    exp.Count: Combine.COUNT,
    exp.Sum: Combine.SUM,
    exp.Min: Combine.MIN,
    exp.Max: Combine.MAX,
}


class _Shown(NamedTuple):
    """A column of the result: its folded alias, "" without, and whose column it is."""

    alias: str
    column: Column | None
    owner: Use | None


class _Cut(NamedTuple):
    """LIMIT and OFFSET, and the text that the shards get for them."""

    limit: int | Slot | None = None
    offset: int | Slot | None = None
    edits: tuple[Edit, ...] = ()
    total: Total | None = None  # the parameter of the edited text's LIMIT


def stream_plan(references: References, cluster: Cluster) -> GroupsPlan:
    """Return the plan that strings rows of the shards together, or adds them up.

    `references` knows the tables of the text, `cluster` where they are. Raises
    NotSpread, which says why not.
    """
    tree = references.text.tree
    check_dialects(references, cluster)
    if isinstance(tree, exp.Union):
        return _union_all(tree, references)
    if not isinstance(tree, exp.Select):
        raise NotSpread(f"{tree.key.upper()} is not understood")
    if _is_only_aggregates(tree):
        return _combined(tree, references)
    split = split_of(tree, references)
    order: tuple[OrderTerm, ...] = ()
    if tree.args.get("order") is not None:
        shown = _shown(tree, references)
        terms = tree.args["order"].expressions
        order = tuple(_order_term(each, shown, tree, references) for each in terms)
    cut = _cut(tree, references)
    text = references.text.edited(cut.edits)
    if cut.total is not None:
        text = Bound(text.sql, (*text.slots, cut.total))
    return GroupsPlan(
        references.text.dialect,
        (_fragment(text, split, references),),
        Merge.STREAM,
        order=order,
        limit=cut.limit,
        offset=cut.offset,
    )


def _union_all(tree: exp.Union, references: References) -> GroupsPlan:
    odd = {name for name, value in tree.args.items() if value} - {"this", "expression"}
    branches = [tree.this, tree.expression]
    while isinstance(branches[0], exp.Union) and not branches[0].args.get("distinct"):
        odd |= {name for name, value in branches[0].args.items() if value} - {
            "this",
            "expression",
        }
        branches[:1] = [branches[0].this, branches[0].expression]
    if odd or not all(isinstance(each, exp.Select) for each in branches):
        raise NotSpread("a set operation other than UNION ALL, or one in order")
    splits = [split_of(each, references) for each in branches]
    if any(each.args.get("limit") or each.args.get("order") for each in branches):
        raise NotSpread("LIMIT or ORDER BY inside of UNION ALL")
    if len({split.database for split in splits}) != 1:
        raise NotSpread("UNION ALL of two databases")
    text = references.text.edited(())
    fragment = Fragment(splits[0].database, text, Spread.EVERY, pushed=("all of it",))
    return GroupsPlan(references.text.dialect, (fragment,), Merge.STREAM)


def _fragment(text: Bound, split: Split, references: References) -> Fragment:
    choice = split.choice(references)
    return Fragment(split.database, text, Spread.EVERY, choice, pushed=("all of it",))


def _is_only_aggregates(tree: exp.Select) -> bool:
    shown = [each.unalias() for each in tree.expressions]
    return all(isinstance(each, (*_COMBINE, exp.Filter)) for each in shown) and not (
        tree.args.get("group")
    )


def _combined(tree: exp.Select, references: References) -> GroupsPlan:
    """Return the plan of a text that is nothing but aggregates."""
    said = {name for name, value in tree.args.items() if value}
    if not said <= {"expressions", "from_", "joins", "where"}:
        raise NotSpread("aggregates with more than FROM and WHERE")
    split = split_of(tree, references, is_combined=True)
    combine = tuple(
        _combine(each.unalias(), tree, references) for each in tree.expressions
    )
    fragment = _fragment(references.text.edited(()), split, references)
    return GroupsPlan(
        references.text.dialect, (fragment,), Merge.COMBINE, combine=combine
    )


def _combine(node: exp.Expr, tree: exp.Select, references: References) -> Combine:
    if isinstance(node, exp.Filter):
        node = node.this
    if node.args.get("expressions") or isinstance(node.this, exp.Distinct):
        raise NotSpread("an aggregate of DISTINCT values")
    how = _COMBINE.get(type(node))
    if how is None:
        raise NotSpread(f"{node.key.upper()} cannot be added up")
    if how is Combine.COUNT:
        return how
    column = typed(node.this, tree, references)
    dialect = references.text.dialect
    is_exact = column is not None and (
        type_of(column) in SUMS[dialect]
        if how is Combine.SUM
        else is_ordered(column, dialect)
    )
    if not is_exact:
        raise NotSpread(f"{node.key.upper()} of values that are not added up exactly")
    return how


def _order_term(
    node: exp.Expr, shown: list[_Shown], tree: exp.Select, references: References
) -> OrderTerm:
    """Return the column of the result that a term of ORDER BY is."""
    number = _result_number(node.this, shown, tree, references)
    if not is_ordered(shown[number].column, references.text.dialect):
        raise NotSpread("ORDER BY of values that Python may order otherwise")
    return OrderTerm(
        number, bool(node.args.get("desc")), bool(node.args.get("nulls_first"))
    )


def _result_number(
    node: exp.Expr, shown: list[_Shown], tree: exp.Select, references: References
) -> int:
    """Return the number of the column of the result, from 0, that `node` names."""
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        number = int(node.this) - 1
        if not 0 <= number < len(shown):
            raise NotSpread("ORDER BY of a column that is not there")
        return number
    if not isinstance(node, exp.Column) or references.text.slot(node) is not None:
        raise NotSpread("ORDER BY of an expression")
    name = references.names.column(node.this)
    named = [number for number, each in enumerate(shown) if each.alias == name]
    if named and node.args.get("table") is None:
        if len(named) > 1:
            raise NotSpread("ORDER BY of a name that two columns have")
        return named[0]
    column, owner = column_in(node, tree, references), references.owner(node, tree)
    for number, each in enumerate(shown):
        if owner is not None and each.owner is owner and each.column is column:
            return number
    raise NotSpread("ORDER BY of what is no column of the result")


def _shown(tree: exp.Select, references: References) -> list[_Shown]:
    """Return the columns of the result."""
    shown: list[_Shown] = []
    for each in tree.expressions:
        inner = each.unalias()
        alias = each.args["alias"] if isinstance(each, exp.Alias) else None
        is_column = isinstance(inner, exp.Column)
        if isinstance(inner, exp.Star) or (
            is_column and isinstance(inner.this, exp.Star)
        ):
            shown += _starred(inner, tree, references)
            continue
        owner = references.owner(inner, tree) if is_column else None
        column = column_in(inner, tree, references)
        if isinstance(inner, exp.Count):
            column = Column("", _COUNT[references.text.dialect])
        shown.append(_Shown(references.names.column(alias), column, owner))
    return shown


def _starred(node: exp.Expr, tree: exp.Select, references: References) -> list[_Shown]:
    """Return the columns of a star: of all tables, or of the one it is said of."""
    here = [use for use in references.uses if use.select is tree]
    items = from_items(tree)
    is_plain = not any(
        join.args.get("using") or join.method for join in tree.args.get("joins") or ()
    )
    if len(here) != len(items) or not is_plain or node.args.get("except_"):
        raise NotSpread("ORDER BY beside a star")
    uses = [use for item in items for use in here if use.node is item]
    if isinstance(node, exp.Column):
        alias = references.names.table(node.args.get("table"))
        uses = [use for use in uses if use.alias == alias]
    return [_Shown("", column, use) for use in uses for column in use.info.columns]


def _cut(tree: exp.Select, references: References) -> _Cut:
    """Read LIMIT and OFFSET, and write what the shards get: the first rows of each, so
    many that all those looked for are among them."""
    bounds = [tree.args.get("limit"), tree.args.get("offset")]
    if bounds == [None, None]:
        return _Cut()
    if own_nodes(tree, exp.Fetch) or (bounds[0] and bounds[0].args.get("expressions")):
        raise NotSpread("FETCH, or a LIMIT for each group")
    limit, offset = (
        None if bound is None else _number(bound.expression, references)
        for bound in bounds
    )
    text = references.text
    start = _start_of_bounds(text.masked.code)
    edit = Edit(start, len(text.source), "")
    if limit is None:
        return _Cut(None, offset, (edit,))
    known = [term for term in (limit, offset) if term is not None]
    numbers = [term for term in known if isinstance(term, int)]
    if len(numbers) == len(known):
        return _Cut(limit, offset, (edit._replace(text=f"LIMIT {sum(numbers)}"),))
    if text.is_named:  # a mapping has no place for a sum
        return _Cut(limit, offset, (edit,))
    total = Total(tuple(known))
    return _Cut(limit, offset, (edit._replace(text="LIMIT %s"),), total)


def _number(node: exp.Expr, references: References) -> int | Slot:
    slot = references.text.slot(node)
    if slot is not None:
        return slot
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        return int(node.this)
    raise NotSpread("LIMIT or OFFSET is no plain number")


def _start_of_bounds(code: str) -> int:
    depth = 0
    found = []
    for match in _BOUNDS(code):
        if match[0] in "()":
            depth += 1 if match[0] == "(" else -1
        elif depth == 0:
            found.append(match.start())
    if not found or ";" in code[found[0] :]:
        raise NotSpread("LIMIT stands where it is not looked for")
    return found[0]
