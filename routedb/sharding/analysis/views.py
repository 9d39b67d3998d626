"""CREATE VIEW over tables of a sharded database: is it one table, or one per shard?

A view on every shard shows the rows of its shard. That is what one database would show
of those rows only where each row of the view is made of one row of a sharded table, and
of what is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlglot import exp

from routedb.config.model import TableRule
from routedb.sharding.analysis.column_scope import NameFolding
from routedb.sharding.refusals import EACH, refuse
from routedb.sql import Table

# What looks at several rows, or at other tables: on each shard it would look at less.
_OVER_ROWS = (exp.AggFunc, exp.Window, exp.Anonymous, exp.Query, exp.Distinct)
_CLAUSES = ("group", "having", "distinct", "limit", "offset", "with_", "qualify")
_KEEPS_ROWS = frozenset({"", "INNER", "CROSS", "LEFT"})


class _Sources(NamedTuple):
    """The sharded tables of a query, and how names are folded."""

    names: NameFolding
    sharded: Mapping[Table, TableRule]

    def is_sharded(self, table: exp.Table) -> bool:
        """Tell whether this is one of them."""
        return self.names.full(table) in self.sharded


def check_view(tree: exp.Expr, dialect: str, rules: Mapping[Table, TableRule]) -> None:
    """Raise ShardError for a view that does not show on each shard its part of what it
    shows in one database.

    `tree` is its CREATE VIEW in `dialect`; `rules` has the rules of the view and of its
    tables.
    """
    names = NameFolding(dialect)
    node = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(tree, exp.Create) or not isinstance(node, exp.Table):
        refuse("its grammar is not understood: write the view more simply", EACH)
    view = names.full(node)
    rule = rules.get(view)
    if rule is None:
        refuse(f"no rule says how the rows of {view} are dealt", EACH)
    sources = {table: its for table, its in rules.items() if table != view}
    sharded = {t: its for t, its in sources.items() if not its.is_reference}
    if rule.is_reference:
        for table in sharded:
            refuse(
                f"view {view} is a reference table by its rule, and {table} is "
                "sharded: each shard would show its own rows",
                EACH,
            )
        return
    if isinstance(tree.this, exp.Schema):
        refuse(f"view {view}: name its columns in its query, with AS", EACH)
    read = _Sources(names, sharded)
    query, source = _check_rows(tree.expression, view, read)
    _check_key(query, source, view, rule, read)


def _check_rows(
    query: exp.Expr | None, view: Table, sources: _Sources
) -> tuple[exp.Select, exp.Table]:
    """Return the query, and the sharded table in it, where each row is made of one row
    of that; refuse it else."""
    if not isinstance(query, exp.Select):
        refuse(f"view {view}: only a plain SELECT is certain to be right", EACH)
    for clause in _CLAUSES:
        if query.args.get(clause):
            _refuse_rows(view, clause.strip("_").upper())
    for node in query.find_all(*_OVER_ROWS):
        if node is not query:
            _refuse_rows(view, node.key.upper())
    start = query.args.get("from_")
    joins = query.args.get("joins") or []
    items = [join.this for join in joins]
    if start is not None:
        items.insert(0, start.this)
    for item in items:
        if not isinstance(item, exp.Table) or item.args.get("joins"):
            refuse(f"view {view}: only tables in FROM are certain to be right", EACH)
    places = [n for n, item in enumerate(items) if sources.is_sharded(item)]
    sides = {(join.side or join.kind).upper() for join in joins}
    if len(places) != 1 or not sides <= _KEEPS_ROWS or ("LEFT" in sides and places[0]):
        refuse(
            f"view {view}: only one sharded table, joined to reference tables by inner "
            "joins or on the left of a LEFT JOIN, is certain to be right",
            EACH,
        )
    return query, items[places[0]]


def _refuse_rows(view: Table, what: str) -> None:
    refuse(
        f"view {view}: {what} looks at more than one row, and each shard would show it "
        "of its own rows",
        EACH,
    )


def _check_key(
    query: exp.Select, table: exp.Table, view: Table, rule: TableRule, sources: _Sources
) -> None:
    """The view has the key under the name that its own rule has for it."""
    names, its = sources.names, sources.sharded[sources.names.full(table)]
    key, wanted = names.key(its), names.key(rule)
    if its.function == rule.function and any(
        _is_key(each, names, _alias_of(table, names), key)
        and (_shown_name(each, names) or key) == wanted
        for each in query.expressions
    ):
        return
    refuse(
        f"view {view}: its rule says that {rule.shard_key} is its shard key, and it "
        f"does not show {key}, that of {table.name}, under this name, or by the same "
        "function",
        EACH,
    )


def _alias_of(table: exp.Table, names: NameFolding) -> str:
    alias = table.args.get("alias")
    return names.table(alias.this if alias is not None else table.this)


def _is_key(item: exp.Expr, names: NameFolding, alias: str, key: str) -> bool:
    """Tell whether an item of SELECT is, or has among its columns, the key of `alias`;
    a name that two tables have is refused by the server."""
    column = item.unalias()
    if isinstance(column, exp.Star):
        return True
    if not isinstance(column, exp.Column):
        return False
    table = column.args.get("table")
    if table is not None and names.table(table) != alias:
        return False
    return column.is_star or names.column(column.this) == key


def _shown_name(item: exp.Expr, names: NameFolding) -> str:
    """Return the alias, or the name of a column; "" of a star."""
    if isinstance(item, exp.Alias):
        return names.column(item.args.get("alias"))
    return names.column(item.this) if isinstance(item, exp.Column) else ""
