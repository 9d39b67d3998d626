"""Which conditions a row of each source must meet to have any effect on the result.

An inner join's conditions hold for both sides. An outer join's say nothing of the side
that is preserved, whose rows come out anyway; but a row of the other side that does
not meet them is never joined, so for that side they hold. A condition on the other
side that must hold afterwards (in WHERE, in a join further out) drops the rows filled
with NULL, and so makes an inner join of an outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from routedb.sharding.analysis.column_scope import ColumnScope, Source
from routedb.sharding.analysis.predicates import (
    EqualKeys,
    Predicate,
    PredicateReader,
    touches,
)
from routedb.sharding.refusals import refuse

INNER, LEFT, RIGHT, FULL = "inner", "left", "right", "full"
_SIDES = {"": INNER, "LEFT": LEFT, "RIGHT": RIGHT, "FULL": FULL}
_KINDS = frozenset({"", "INNER", "CROSS", "OUTER", "STRAIGHT"})


@dataclass(eq=False, slots=True)
class Leaf:
    """One source. `known` is what holds for every row of it that matters."""

    source: Source
    known: list[Predicate] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class JoinNode:
    """Two sides and what was said ON or USING."""

    left: JoinTree
    right: JoinTree
    kind: str
    node: exp.Join | None = None
    on: list[Predicate] = field(default_factory=list)


JoinTree = Leaf | JoinNode


def leaves(tree: JoinTree) -> list[Leaf]:
    """Return the sources in the order of the text."""
    if isinstance(tree, Leaf):
        return [tree]
    return leaves(tree.left) + leaves(tree.right)


def join_nodes(tree: JoinTree) -> list[JoinNode]:
    """Return the joins of a tree."""
    if isinstance(tree, Leaf):
        return []
    return [*join_nodes(tree.left), *join_nodes(tree.right), tree]


def read_from_item(node: exp.Expr, make: Callable[[exp.Expr], Leaf]) -> JoinTree:
    """Return the tree of one item of FROM: a source, or a join in brackets.

    `node` is that item, `make` makes the leaf of a table, a query or a function.
    Raises ShardError for what is not understood.
    """
    while isinstance(node, (exp.Subquery, exp.Paren)) and isinstance(
        node.this, (exp.Table, exp.Subquery)
    ):
        if node.args.get("alias") is not None:
            if isinstance(node.this, exp.Subquery):
                break  # a query in two pairs of brackets
            refuse("an alias for a join in brackets is not understood")
        if node.args.get("joins"):
            return join_tree(read_from_item(node.this, make), node.args["joins"], make)
        node = node.this
    return join_tree(make(node), node.args.get("joins") or [], make)


def join_tree(
    tree: JoinTree, joins: list[exp.Join], make: Callable[[exp.Expr], Leaf]
) -> JoinTree:
    """Return the tree of `tree`, one item of FROM, and the `joins` that follow it.

    `make` makes the leaf of a table, a query or a function. Raises ShardError for kinds
    of joins that are not understood.
    """
    _check_order(joins)
    for join in joins:
        side, kind = join.side.upper(), join.kind.upper()
        if side not in _SIDES or kind not in _KINDS:
            refuse(f"a join of the kind {side} {kind} is not understood")
        tree = JoinNode(tree, read_from_item(join.this, make), _SIDES[side], join)
    return tree


def cross_join(trees: list[JoinTree]) -> JoinTree:
    """Return the product of several trees, as commas make it."""
    whole = trees[0]
    for tree in trees[1:]:
        whole = JoinNode(whole, tree, INNER)
    return whole


def read_conditions(
    tree: JoinTree, reader: PredicateReader, scope: ColumnScope
) -> None:
    """Fill in what each join of `tree` says, once all sources are in `scope`.

    `reader` reads the conditions behind ON. Columns of USING are noted in `scope`.
    """
    for join in join_nodes(tree):
        if join.node is None:
            continue
        if join.node.method.upper() == "NATURAL":
            scope.is_natural = True
        for name in join.node.args.get("using") or ():
            _merge(join, scope, scope.names.column(_identifier(name)))
    for join in join_nodes(tree):
        if join.node is not None:
            join.on += reader.predicates(join.node.args.get("on"), scope)


def push_down(tree: JoinTree, known: list[Predicate]) -> None:
    """Push `known`, what holds for the rows of `tree` that matter, down to its sources.

    Afterwards each `Leaf.known` has what holds for the rows of that source, and each
    join the kind that it comes to.
    """
    if isinstance(tree, Leaf):
        tree.known = known
        return
    keeps_left, keeps_right = _kept(tree, known)
    tree.kind = _KIND[keeps_left, keeps_right]
    # A row of a side that is not preserved matters only where it is joined.
    said = known + tree.on
    to_left = known if keeps_left else said + implied(tree.right, said)
    to_right = known if keeps_right else said + implied(tree.left, said)
    push_down(tree.left, to_left)
    push_down(tree.right, to_right)


def implied(tree: JoinTree, known: Sequence[Predicate]) -> list[Predicate]:
    """Return what else holds for the rows that come out of `tree` and meet `known`."""
    if isinstance(tree, Leaf):
        return []
    keeps_left, keeps_right = _kept(tree, known)
    predicates = [] if keeps_right else implied(tree.left, known)
    predicates += [] if keeps_left else implied(tree.right, known)
    return predicates if keeps_left or keeps_right else predicates + tree.on


def _kept(tree: JoinNode, known: Sequence[Predicate]) -> tuple[bool, bool]:
    """Tell which sides' rows come out even where they are not joined.

    A side is filled with NULL where it is the other that is preserved; a predicate
    about it drops such rows.
    """
    keeps_left, keeps_right = _PRESERVES[tree.kind]
    return (
        keeps_left and not touches(known, _sources(tree.right)),
        keeps_right and not touches(known, _sources(tree.left)),
    )


_PRESERVES = {
    INNER: (False, False),
    LEFT: (True, False),
    RIGHT: (False, True),
    FULL: (True, True),
}
_KIND = {preserves: kind for kind, preserves in _PRESERVES.items()}


def _sources(tree: JoinTree) -> list[Source]:
    return [leaf.source for leaf in leaves(tree)]


def _check_order(joins: list[exp.Join]) -> None:
    """A comma binds looser than JOIN, and the tree does not show which was written."""
    is_loose = False
    for join in joins:
        args = join.args
        if is_loose and join.side.upper() in ("RIGHT", "FULL"):
            refuse("a comma before a RIGHT or FULL JOIN: write CROSS JOIN, or brackets")
        is_loose = is_loose or not (
            args.get("on") or args.get("using") or join.kind or join.method or join.side
        )


def _merge(join: JoinNode, scope: ColumnScope, name: str) -> None:
    """Take in USING (name): the two columns are equal, and seen as one."""
    left = [source for source in _sources(join.left) if source.key == name]
    right = [source for source in _sources(join.right) if source.key == name]
    seen = scope.merged.get(name, left[0] if left else None)
    scope.merged[name] = seen if join.kind in (INNER, LEFT) else None
    if seen is None or not right or seen not in left:
        return
    rule, other = seen.rule, right[0].rule
    if rule is not None and other is not None and rule.function == other.function:
        join.on.append(EqualKeys(seen, right[0]))


def _identifier(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column) else node
