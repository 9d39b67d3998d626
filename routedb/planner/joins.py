"""The rows of FROM: each on one shard, or made on several.

A row of FROM is *on* a shard when all of its parts from sharded tables are there; parts
from copies are everywhere.

Joins of what is left of the word and what is right of it:

=========== ============ ============ ==================================================
left        right        join         rows are on one shard
=========== ============ ============ ==================================================
sharded     copy         inner, LEFT  yes
sharded     copy         RIGHT, FULL  no: a row of the copy without a partner here may
                                      have one elsewhere, and would come from each shard
copy        sharded      inner, RIGHT yes
copy        sharded      LEFT, FULL   no, as above
sharded     sharded      any          when ON (for an inner join: or WHERE) has an
                                      equality of their keys, by the same function: then
                                      all partners of a row are on its shard
copy        copy         any          everywhere: counts as a copy
=========== ============ ============ ==================================================

A query that is all of FROM has the rows of its own FROM.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlglot import exp

from routedb.planner.catalog import Cluster, Copied, Sharded
from routedb.planner.filters import conjuncts_of, filled_items, find_filter
from routedb.planner.plans import ShardChoice
from routedb.planner.references import (
    References,
    Use,
    from_items,
    from_joins,
    query_in_from,
)

_KINDS = frozenset({"", "INNER", "CROSS", "OUTER", "STRAIGHT"})


class NotSpread(Exception):  # noqa: N818  (never leaves the planner)
    """The shards' answers together are not the answer; says why."""


class Split(NamedTuple):
    """The rows of a SELECT are on the shards of `database`.

    `anchors` are its sharded tables that no join fills with NULLs.
    """

    database: str
    anchors: tuple[Use, ...]

    def choice(self, references: References) -> ShardChoice | None:
        """Return which shards can have such rows, None for all. `references` knows
        whose columns those in the conditions are."""
        found = [find_filter(references, use).choice for use in self.anchors]
        known = [choice for choice in found if choice is not None]
        return min(known, key=lambda choice: len(choice.terms)) if known else None


def check_dialects(references: References, cluster: Cluster) -> None:
    """Raise NotSpread when a table of `references` is in a database that speaks another
    dialect than the text; `cluster` knows that."""
    for use in references.uses:
        place = cluster.databases[use.placement.database]
        if place.dialect != references.text.dialect:
            raise NotSpread("a table is in a database of another dialect")


def rows_of(select: exp.Select, references: References) -> Split:
    """Return where the rows of FROM of `select` are: work through the table of joins.

    `references` knows the tables. Raises NotSpread.
    """
    inner = query_in_from(select)
    if inner is not None and any(
        isinstance(use.placement, Sharded) for use in uses_inside(inner, references)
    ):
        return rows_of(inner, references)
    items = from_joins(select)
    joins = [join for _, join in items]
    if any(join is not None and _is_comma(join) for join in joins) and any(
        join is not None and join.side for join in joins
    ):
        raise NotSpread("a comma beside an outer join, which binds less")
    where = select.args.get("where")
    always = list(conjuncts_of(where.this if where is not None else None))
    left: list[Use] = []  # the sharded tables so far
    databases: set[str] = set()
    for item, join in items:
        uses = _uses_of(item, references)
        databases.update(use.placement.database for use in uses)
        right = [use for use in uses if isinstance(use.placement, Sharded)]
        if join is not None:
            _check_join(join, left, right, always, references)
        left += right
    if len(databases) != 1 or not left:
        raise NotSpread("its tables are not all on the shards of one database")
    filled = [item.node for item in filled_items(select)]
    anchors = tuple(use for use in left if use.node not in filled)
    return Split(databases.pop(), anchors)


def _uses_of(item: exp.Expr, references: References) -> list[Use]:
    """Return the uses in one item of FROM: a table, or a query over copies."""
    if item.args.get("joins"):
        raise NotSpread("a join in brackets")
    mine = [use for use in references.uses if use.node is item]
    if mine:
        if mine[0].renames_columns:
            raise NotSpread("an alias renames columns")
        return mine
    if not isinstance(item, exp.Subquery) or item.find(exp.Lateral):
        raise NotSpread("FROM has something else than tables")
    inside = uses_inside(item, references)
    if not inside or not all(isinstance(u.placement, Copied) for u in inside):
        raise NotSpread("a query in FROM is not over copies alone")
    return inside


def uses_inside(node: exp.Expr, references: References) -> list[Use]:
    """Return the uses in the query `node`; `references` are all.

    Raises NotSpread when it names a query of WITH.
    """
    tables = list(node.find_all(exp.Table))
    found = [
        use for use in references.uses if any(use.node is table for table in tables)
    ]
    if len(found) != len(tables):
        raise NotSpread("a query of WITH")
    return found


def _check_join(
    join: exp.Join,
    left: list[Use],
    right: list[Use],
    always: list[exp.Expr],
    references: References,
) -> None:
    side = str(join.side).upper()
    if join.method or str(join.kind).upper() not in _KINDS:
        raise NotSpread(f"a join of the kind {join.method or join.kind}")
    if not left and not right:
        return
    if left and right:
        conjuncts = list(conjuncts_of(join.args.get("on")))
        if not side:
            conjuncts += always
        if not any(
            _joins_keys(each, left, right, references) for each in conjuncts
        ) and not _uses_keys(join, left, right, references):
            raise NotSpread("sharded tables are joined otherwise than by their keys")
    elif side not in ("", "LEFT" if left else "RIGHT"):
        raise NotSpread("an outer join keeps all rows of a copy")


def _joins_keys(
    node: exp.Expr, left: list[Use], right: list[Use], references: References
) -> bool:
    if not isinstance(node, exp.EQ):
        return False
    one, two = key_use(node.this, references), key_use(node.expression, references)
    if one is None or two is None:
        return False
    is_across = (one in left and two in right) or (one in right and two in left)
    return is_across and same_function(one, two)


def _uses_keys(
    join: exp.Join, left: list[Use], right: list[Use], references: References
) -> bool:
    """Tell whether USING names the key of both sides."""
    using = join.args.get("using") or []
    for column in using:
        name = references.names.column(
            column.this if isinstance(column, exp.Column) else column
        )
        ones = [use for use in left if references.column_of(use, name) is not None]
        twos = [use for use in right if references.column_of(use, name) is not None]
        if len(ones) != 1 or len(twos) != 1:
            continue
        is_key = all(_key_name(use, references) == name for use in (*ones, *twos))
        # Nothing but tables stands left of it, so that no other has the column.
        select = join.parent
        before = from_items(select) if isinstance(select, exp.Select) else []
        before = before[: [item is join.this for item in before].index(True)]
        others = [use for use in references.uses if use.node in before]
        owners = [use for use in others if references.column_of(use, name) is not None]
        if is_key and len(others) == len(before) and owners == ones:
            return same_function(ones[0], twos[0])
    return False


def key_use(node: exp.Expr | None, references: References) -> Use | None:
    """Return the use whose shard key a column certainly is; None for other nodes.

    `references` knows the tables. The column may be one of an outer query's.
    """
    if not isinstance(node, exp.Column) or references.text.slot(node) is not None:
        return None
    select = node.find_ancestor(exp.Select)
    if not isinstance(select, exp.Select):
        return None
    use = references.owner(node, select)
    if use is None:
        use = references.outer_owner(node, select)
    if use is None or not isinstance(use.placement, Sharded):
        return None
    return (
        use
        if references.names.column(node.this) == _key_name(use, references)
        else None
    )


def _key_name(use: Use, references: References) -> str:
    assert isinstance(use.placement, Sharded)
    return references.names.written(use.placement.key)


def same_function(one: Use, two: Use) -> bool:
    """Tell whether equal keys of `one` and `two`, both sharded, are on one shard."""
    first, second = one.placement, two.placement
    assert isinstance(first, Sharded)
    assert isinstance(second, Sharded)
    return first.function == second.function and first.database == second.database


def _is_comma(join: exp.Join) -> bool:
    said = ("on", "using", "kind", "side", "method")
    return not any(join.args.get(name) for name in said)
