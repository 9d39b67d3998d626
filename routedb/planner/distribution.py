"""What can be asked of every shard alike, so that the answers together are the answer.

A row of FROM is *on* a shard when all of its parts from sharded tables are there; parts
from copies are everywhere. If each row that the one database would make is made on
exactly one shard, then what is done to single rows (WHERE, expressions) may be done
there, and what is done to sets of rows when no set has rows of two shards.

Of joins `joins` has the table. Sets of rows, where a *key* is the shard key's column of
a table that no join fills with NULLs (rows whose key is NULL could be on any shard):

=============== ========================================================================
DISTINCT        when a key is among the columns: equal rows have equal keys
GROUP BY        when a key is among its columns; not with ROLLUP, CUBE, GROUPING SETS,
                whose further groups have rows of all shards
a window        when a key is among the columns of its PARTITION BY
UNION ALL       of two that may be asked of every shard
subqueries      over copies; or with the key of each of its sharded tables equal to an
                outer key, in its WHERE: all of its rows are then where the outer one
                is; or keys that a key is IN: an equal one is on its shard
=============== ========================================================================

Functions are those of a list: one of chance or of time would be another on each shard.
Days that the text says, and what has a type by `typed`, are the same as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from routedb.planner.catalog import Sharded
from routedb.planner.filters import conjuncts_of
from routedb.planner.joins import (
    NotSpread,
    Split,
    key_use,
    rows_of,
    same_function,
    uses_inside,
)
from routedb.planner.references import References, Use, query_in_from
from routedb.planner.typed import constant_type, is_interval, is_steady

# Of one value for the same arguments, whatever the server, the session and the time.
# Connectors, conditions and casts are functions to sqlglot as well.
_FUNCTIONS = (
    *(exp.And, exp.Or, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Exists),
    *(exp.Abs, exp.Lower, exp.Upper, exp.Length, exp.Substring, exp.Trim),
    *(exp.Round, exp.Floor, exp.Ceil, exp.Greatest, exp.Least),
)
AGGREGATES = (exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg)
_RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank)
# All that may stand in a statement that is asked of every shard.
_NODES = (
    *(exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order),
    *(exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.Subquery, exp.Union),
    *(exp.Alias, exp.TableAlias, exp.Table, exp.Identifier, exp.Column, exp.Star),
    *(exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Tuple, exp.Neg, exp.Not),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.Between, exp.In),
    *(exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe),
    *(exp.Window, exp.WindowSpec, exp.Filter, *_FUNCTIONS, *AGGREGATES, *_RANKS),
)
_SELECT_ARGS = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "distinct", "order"}
    | {"limit", "offset"}
)
_GROUP_ARGS = frozenset({"expressions"})


def split_of(
    select: exp.Select, references: References, is_combined: bool = False
) -> Split:
    """Return where the rows of `select` are, when it may be asked of every shard.

    `references` knows the tables. `is_combined`: its groups are put together
    afterwards, so they may have rows of several. Raises NotSpread.
    """
    odd = [name for name, value in select.args.items() if value]
    if not _SELECT_ARGS.issuperset(odd):
        raise NotSpread(f"{', '.join(sorted({*odd} - _SELECT_ARGS))} is not understood")
    split = rows_of(select, references)
    inner = query_in_from(select)
    if inner is not None and _has_shards(inner, references):
        split_of(inner, references)
    for node in _walk(select):
        _check_node(node, references)
    _check_nested(select, split, references)
    _check_sets(select, split, references, is_combined)
    return split


def own_nodes(select: exp.Select, *kinds: type[exp.Expr]) -> list[exp.Expr]:
    """Return the nodes of these `kinds` in `select`, without those of its queries."""
    return [
        node
        for node in select.find_all(*kinds)
        if node.find_ancestor(exp.Select) is select
    ]


def _walk(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield a node and those below it, but for days that the text says, and types."""
    yield node
    if constant_type(node) is not None or is_interval(node):
        return
    kinds = (exp.DataType, exp.Var)
    for each in node.iter_expressions():
        if not isinstance(each, kinds):
            yield from _walk(each)


def _is_steady(node: exp.Expr, references: References) -> bool:
    """Tell whether `node` is no more than what is known to be the same everywhere."""
    if isinstance(node, _NODES):
        return True
    dialect = references.text.dialect
    if dialect != "postgresql":
        return dialect == "mysql" and constant_type(node) is not None
    select = node.find_ancestor(exp.Select)
    if isinstance(node, exp.Interval):  # beside a day
        node = node.parent or node
    return isinstance(select, exp.Select) and is_steady(node, select, references)


def _check_node(node: exp.Expr, references: References) -> None:
    """Raise NotSpread for what is not known to mean the same on every shard."""
    if not _is_steady(node, references):
        raise NotSpread(f"{node.key.upper()} may be another on each shard")
    if isinstance(node, exp.In) and node.args.get("field") is not None:
        raise NotSpread("IN a whole table")
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
        name = references.names.column(node.this)
        is_slot = references.text.slot(node) is not None
        if not is_slot and name not in references.known:
            raise NotSpread(f"{node.name} is no column of a table")


def _has_shards(query: exp.Select, references: References) -> bool:
    found = uses_inside(query, references)
    return any(isinstance(use.placement, Sharded) for use in found)


def _check_nested(select: exp.Select, split: Split, references: References) -> None:
    """Work through the row of subqueries, but for those of a query in FROM, for which
    that has been done."""
    inner = query_in_from(select)
    done = set()
    if inner is not None and _has_shards(inner, references):
        done = {id(query) for query in inner.find_all(exp.Select)}
    for query in select.find_all(exp.Select):
        if query is select or id(query) in done:
            continue
        uses = [use for use in references.uses if use.select is query]
        if any(use.placement.database != split.database for use in uses):
            raise NotSpread("a subquery is over another database")
        uses_inside(query, references)
        for aggregate in own_nodes(query, exp.AggFunc):
            # One of outer columns is the outer query's.
            if any(
                references.owner(column, query) is None
                for column in aggregate.find_all(exp.Column)
                if references.text.slot(column) is None
            ):
                raise NotSpread("an aggregate in a subquery")
        sharded = [use for use in uses if isinstance(use.placement, Sharded)]
        if (
            sharded
            and not _is_correlated(query, select, sharded, split, references)
            and not _is_key_list(query, select, split, references)
        ):
            raise NotSpread("a subquery has rows of all shards")


def _is_correlated(
    query: exp.Select,
    select: exp.Select,
    sharded: list[Use],
    split: Split,
    references: References,
) -> bool:
    """Tell whether WHERE makes each key of `query` one of `select`'s, around it."""
    if query.parent_select is not select:
        return False
    where = query.args.get("where")
    bound: list[Use] = []
    for conjunct in conjuncts_of(where.this if where is not None else None):
        if not isinstance(conjunct, exp.EQ):
            continue
        ends = [key_use(e, references) for e in (conjunct.this, conjunct.expression)]
        for inner, outer in (ends, reversed(ends)):
            if inner in sharded and outer in split.anchors:
                assert inner is not None
                assert outer is not None
                if same_function(inner, outer):
                    bound.append(inner)
    return all(use in bound for use in sharded)


def _is_key_list(
    query: exp.Select, select: exp.Select, split: Split, references: References
) -> bool:
    """Tell whether `query` is what a key of `select` is IN, and has keys itself.

    Not below NOT: what a list without the key does not say is that none has it.
    """
    around = query.parent.parent if isinstance(query.parent, exp.Subquery) else None
    if not isinstance(around, exp.In) or around.args.get("query") is not query.parent:
        return False
    inner = split_of(query, references)
    if query.args.get("limit") is not None or query.args.get("offset") is not None:
        return False
    shown = [each.unalias() for each in query.expressions]
    ours = key_use(around.this, references)
    its = key_use(shown[0], references) if len(shown) == 1 else None
    if ours not in split.anchors or its not in inner.anchors:
        return False
    assert ours is not None
    assert its is not None
    is_direct = around.find_ancestor(exp.Select) is select
    return is_direct and not around.find_ancestor(exp.Not) and same_function(ours, its)


def _check_sets(
    select: exp.Select, split: Split, references: References, is_combined: bool
) -> None:
    """Work through the table of sets of rows, but for the subqueries."""
    distinct = select.args.get("distinct")
    shown = [each.unalias() for each in select.expressions]
    if (
        distinct is not None
        and (not is_combined or distinct.args.get("on"))
        and (distinct.args.get("on") or not _has_key(shown, split, references))
    ):
        raise NotSpread("DISTINCT without the shard key")
    windows = own_nodes(select, exp.Window)
    for window in windows:
        parts = window.args.get("partition_by") or []
        if window.args.get("alias") or not _has_key(parts, split, references):
            raise NotSpread("a window without the shard key in PARTITION BY")
    group = select.args.get("group")
    if is_combined:
        if group is not None and {n for n, v in group.args.items() if v} != _GROUP_ARGS:
            raise NotSpread("ROLLUP, CUBE or GROUPING SETS")
    elif group is not None:
        odd = {name for name, value in group.args.items() if value} - _GROUP_ARGS
        if odd or not _has_key(group.expressions, split, references):
            raise NotSpread("GROUP BY without the shard key")
    elif select.args.get("having") is not None or not all(
        _is_windowed(each) for each in own_nodes(select, exp.AggFunc)
    ):
        raise NotSpread("an aggregate over the rows of all shards")


def _is_windowed(node: exp.Expr) -> bool:
    around = node.parent
    while isinstance(around, (exp.Filter, exp.IgnoreNulls, exp.RespectNulls)):
        around = around.parent
    return isinstance(around, exp.Window)


def _has_key(nodes: list[exp.Expr], split: Split, references: References) -> bool:
    """Tell whether one of `nodes` is a key. A name alone may mean a column of the
    result that has this name."""
    return any(
        isinstance(node, exp.Column)
        and not is_result_name(node, references)
        and key_use(node, references) in split.anchors
        for node in nodes
    )


def is_result_name(node: exp.Expr, references: References) -> bool:
    """Tell whether `node` may mean a column of the result, by the name it has there.

    `references` knows those names.
    """
    return (
        isinstance(node, exp.Column)
        and node.args.get("table") is None
        and references.names.column(node.this) in references.results
    )
