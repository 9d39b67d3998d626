"""The conditions that go down to where a table is read, and what they say of its key.

The remainder is the user's text, with all of its conditions, so a condition that goes
down is only a saving: it must keep every row that can matter, and fail for none. Which
may go, of the conjuncts of each clause:

========================= ============ ==============================================
clause                    about        because
========================= ============ ==============================================
WHERE                     a table that a row that does not meet it is in no row of the
                          no join      result: a conjunct that is not true drops it
                          fills with
                          NULLs
ON of an inner join       the same     as WHERE
ON of a LEFT join         the joined   a row that does not meet it is joined to none;
                          table        the rows of the other side come out anyway
========================= ============ ==============================================

Not: a conjunct of WHERE on a table that a join fills with NULLs (`u.x IS NULL` is true
of rows that are made when the rows of `u` do not match, and must not be made because
they were filtered); one on the preserved side of a LEFT join; anything of a RIGHT or
FULL join; anything inside of brackets in FROM.

What a conjunct may be made of is a list too: comparisons of columns with values, and
with days that the text says. No function, no arithmetic, no other cast: they may raise
an error for rows that another condition keeps them from, and sqlglot might write them
otherwise than they were. On PostgreSQL LIKE as well, of a text without a backslash,
whose last would be an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.catalog import Sharded
from routedb.planner.plans import Constant, ShardChoice, Slot
from routedb.planner.references import Filter, References, Use, from_joins
from routedb.planner.typed import COMPARISONS, constant_type, is_same_time
from routedb.sharding.keys.shard_functions import locator
from routedb.sharding.keys.value_terms import ShardKey

_PLAIN = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Null,
    exp.Boolean,
    exp.Paren,
    exp.Neg,
    exp.And,
    exp.Or,
    exp.Not,
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.Is,
    exp.Between,
    exp.In,
)


class _Item(NamedTuple):
    """One item of FROM, and whether a join fills it with NULLs."""

    node: exp.Expr
    join: exp.Join | None
    is_filled: bool


def _always(node: exp.Expr) -> bool:
    return True


def find_filter(
    references: References,
    use: Use,
    may: Callable[[exp.Expr], bool] = _always,
) -> Filter:
    """Return the conjuncts that may be applied where the table of `use` is read.

    `references` knows whose column each is; `may` is asked of each as well.
    """
    if use.select is None or use.renames_columns:
        return Filter((), None)
    known = references.filters.get(id(use)) if may is _always else None
    if known is not None:
        return known
    found = [
        conjunct
        for conjunct in conjuncts_on(use)
        if _is_plain(conjunct, references, use) and may(conjunct)
    ]
    filter_ = Filter(tuple(found), _choice(found, references, use))
    if may is _always:
        references.filters[id(use)] = filter_
    return filter_


def equal_columns(
    references: References, use: Use
) -> Iterator[tuple[exp.Column, Use, exp.Column]]:
    """Yield the columns of `use` that equal another table's in all rows that matter:
    column, the other use, its column. `references` knows whose they are.

    The same table of conjuncts tells: a row that meets no partner is like one that does
    not meet a condition. The partner may be a row of the query around.
    """
    if use.select is None or use.renames_columns:
        return
    for conjunct in conjuncts_on(use):
        if not isinstance(conjunct, exp.EQ):
            continue
        ends = (conjunct.this, conjunct.expression)
        for mine, its in (ends, ends[::-1]):
            if not all(isinstance(end, exp.Column) for end in ends):
                continue
            owner = references.owner(its, use.select)
            if owner is None:
                owner = references.outer_owner(its, use.select)
            if references.owner(mine, use.select) is use and owner not in (None, use):
                assert owner is not None
                yield mine, owner, its
    yield from _named_by_using(references, use)


def _named_by_using(
    references: References, use: Use
) -> Iterator[tuple[exp.Column, Use, exp.Column]]:
    """Yield what USING makes equal, where two tables are all that FROM has."""
    assert use.select is not None
    items = _items(use.select)
    uses = {id(each.node): each for each in references.uses}
    both = [uses.get(id(item.node)) for item in items]
    if len(items) != 2 or any(item.node.args.get("joins") for item in items):
        return
    join, first, second = items[1].join, both[0], both[1]
    if join is None or first is None or second is None or join.method:
        return
    other = second if use is first else first
    is_dropped = not join.side or (_side(join) == "LEFT" and use is second)
    if not is_dropped or use not in both or other.renames_columns:
        return
    for each in join.args.get("using") or ():
        name = each.this if isinstance(each, exp.Column) else each
        folded = references.names.column(name)
        if all(references.column_of(owner, folded) for owner in (use, other)):
            column = exp.Column(this=name.copy())
            yield column, other, column


def filled_items(select: exp.Select) -> list[_Item]:
    """Return the items of FROM that a join of `select` may fill with NULLs."""
    return [item for item in _items(select) if item.is_filled]


def conjuncts_of(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """Yield what must all be true for the condition `node` to be."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.And):
        yield from conjuncts_of(node.this)
        yield from conjuncts_of(node.expression)
    elif node is not None:
        yield node


def conjuncts_on(use: Use) -> Iterator[exp.Expr]:
    """Yield the conjuncts of the table above that hold for the rows of `use` that
    matter, whatever else they are about. It stands in a query."""
    select = use.select
    assert select is not None
    items = _items(select)
    mine = [item for item in items if item.node is use.node]
    if not mine or use.node.args.get("joins"):
        return  # in brackets
    if not mine[0].is_filled:
        where = select.args.get("where")
        yield from conjuncts_of(where.this if where is not None else None)
        for item in items:
            if item.join is not None and not item.join.side:
                yield from conjuncts_of(item.join.args.get("on"))
    elif mine[0].join is not None and _side(mine[0].join) == "LEFT":
        yield from conjuncts_of(mine[0].join.args.get("on"))


def _items(select: exp.Select) -> list[_Item]:
    found = from_joins(select)
    joins = [join for _, join in found]
    items: list[_Item] = []
    for number, (node, join) in enumerate(found):
        later = joins[number + 1 :]
        fills = join is not None and _side(join) in ("LEFT", "FULL")
        fills |= any(each is not None and _side(each) in _BACKWARD for each in later)
        items.append(_Item(node, join, fills))
    return items


_BACKWARD = ("RIGHT", "FULL")


def _side(join: exp.Join) -> str:
    return str(join.side).upper()


def _is_plain(node: exp.Expr, references: References, use: Use) -> bool:
    """Tell whether a conjunct is about this use alone, and made of what may go down."""
    assert use.select is not None
    columns = 0
    if not references.text.keeps_percents(node):
        return False  # one percent sign or two: that depends on the call
    for each in _walk(node):
        if constant_type(each) is not None:
            around = each.find_ancestor(*COMPARISONS)
            if around is None or not is_same_time(around, use.select, references):
                return False
            continue
        if not isinstance(each, _PLAIN) and not _is_like(each, references):
            return False
        if isinstance(each, exp.In) and (
            each.args.get("query") or not each.expressions or each.args.get("unnest")
        ):
            return False
        if isinstance(each, exp.Column) and references.text.slot(each) is None:
            if references.owner(each, use.select) is not use:
                return False
            columns += 1
    return columns > 0


def _walk(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield a node and those below it, but for what makes a day of the text."""
    yield node
    if constant_type(node) is None:
        for each in node.iter_expressions():
            yield from _walk(each)


def _is_like(node: exp.Expr, references: References) -> bool:
    return (
        isinstance(node, exp.Like)
        and references.text.dialect == "postgresql"
        and isinstance(node.this, exp.Column)
        and isinstance(node.expression, exp.Literal)
        and node.expression.is_string
        and "\\" not in node.expression.this
    )


def _choice(
    conjuncts: list[exp.Expr], references: References, use: Use
) -> ShardChoice | None:
    if not isinstance(use.placement, Sharded):
        return None
    _, column, function = use.placement
    key = ShardKey(str(use.table), column, function, locator(function))
    found = [_terms(each, references, use) for each in conjuncts]
    known = [terms for terms in found if terms is not None]
    return ShardChoice(key, min(known, key=len)) if known else None


def _terms(
    node: exp.Expr, references: References, use: Use
) -> tuple[Slot | Constant, ...] | None:
    """Return the values one of which the key has when the conjunct `node` is true."""
    if isinstance(node, exp.EQ):
        pairs = ((node.this, node.expression), (node.expression, node.this))
        for column, value in pairs:
            if _is_key(column, references, use):
                term = _term(value, references)
                return None if term is None else (term,)
    if isinstance(node, exp.In) and _is_key(node.this, references, use):
        terms = [_term(each, references) for each in node.expressions]
        known = tuple(term for term in terms if term is not None)
        return known if known and len(known) == len(terms) else None
    return None


def _is_key(node: exp.Expr, references: References, use: Use) -> bool:
    if not isinstance(node, exp.Column) or references.text.slot(node) is not None:
        return False
    assert isinstance(use.placement, Sharded)
    assert use.select is not None
    is_named = references.names.column(node.this) == _key_name(references, use)
    return is_named and references.owner(node, use.select) is use


def _key_name(references: References, use: Use) -> str:
    assert isinstance(use.placement, Sharded)
    return references.names.written(use.placement.key)


def _term(node: exp.Expr, references: References) -> Slot | Constant | None:
    slot = references.text.slot(node)
    if slot is not None:
        return slot
    if isinstance(node, exp.Literal):
        if node.is_string:
            # A backslash, or a prefix, may mean another character to the engine.
            return Constant(node.this) if node.this.isalnum() else None
        return Constant(int(node.this)) if node.this.isdigit() else None
    return None
