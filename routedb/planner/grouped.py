"""Rows of a table that a query only adds up come added up.

Where a query, mostly one in FROM, WITH or an expression, has groups, and all of its
aggregates are over columns of one sharded table, the shards group that table's rows by
all of its columns that the text has elsewhere (or a part of each group would behave
otherwise than the rest: in joins, conditions, groups), and the remainder adds up what
comes. A join may repeat such a row, or fill it with NULLs, as it would the rows in it.

=========== ============================ ==========================================
in the text asked of the shards          over what comes
=========== ============================ ==========================================
count(x)    the same                     its sum, as bigint; 0 for none
sum(x)      the same                     its sum, as the type that sum(x) has
min, max    the same                     the same
avg(x)      sum(x), count(x)             the sum of the sums by that of the counts
=========== ============================ ==========================================

Not: `count(*)`, which counts rows of all of FROM; DISTINCT, FILTER, windows;
columns whose equal values are not one; a column of the result that has no name, which
PostgreSQL would call otherwise.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.catalog import Column, Sharded
from routedb.planner.needed import Needed, is_single
from routedb.planner.references import References, Use
from routedb.planner.result_names import name_of
from routedb.planner.results import sum_type
from routedb.planner.source_text import Edit
from routedb.planner.spans import call_span
from routedb.planner.typed import typed

_NAME = "routedb_g"
_ARGS = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "order", "limit"}
    | {"offset", "distinct"}
)
_GROUP = {"expressions"}
_AGGREGATES = (exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg)


class Asked(NamedTuple):
    """A `function` of what stands in the text from `start` up to `end`."""

    function: str
    start: int
    end: int


class Grouped(NamedTuple):
    """How a table is read in groups: by its columns `keys`, and what is `asked` of each
    are the columns `made`; `edits` are those of the text."""

    keys: tuple[Column, ...]
    asked: tuple[Asked, ...]
    made: tuple[Column, ...]
    edits: tuple[Edit, ...]


class _NotGrouped(Exception):  # noqa: N818  (never leaves this module)
    """Its rows come one by one."""


def grouped(
    references: References, needed: Needed, use: Use, number: int
) -> Grouped | None:
    """Return how `use` of a table is read in groups, None where it is not: `references`
    knows the tables, `needed` the columns that come. `number` is that of the use."""
    try:
        return _Groups(references, needed, use, number).made()
    except _NotGrouped:
        return None


class _Groups:
    """Takes the query of one use of a table apart."""

    def __init__(
        self, references: References, needed: Needed, use: Use, number: int
    ) -> None:
        self._references = references
        self._needed = needed
        self._use = use
        self._name = f"{_NAME}{number}_"
        self._asked: list[Asked] = []
        self._columns: list[Column] = []

    def made(self) -> Grouped:
        """Return how the table is read."""
        select = self._select()
        found = _own(select)
        if not found or any(map(self._is_other, found)):
            raise _NotGrouped
        keys = self._keys(found)
        edits = tuple(self._edit(each, select) for each in found)
        return Grouped(keys, tuple(self._asked), tuple(self._columns), edits)

    def _select(self) -> exp.Select:
        """Return the query, which may have groups of its own."""
        references, use, select = self._references, self._use, self._use.select
        if references.text.dialect != "postgresql" or select is None or use.wants_all:
            raise _NotGrouped
        said = {name for name, value in select.args.items() if value}
        group, distinct = select.args.get("group"), select.args.get("distinct")
        is_odd = not isinstance(use.placement, Sharded) or not said <= _ARGS
        if group is not None:
            is_odd |= {name for name, value in group.args.items() if value} != _GROUP
        if distinct is not None and distinct.args.get("on"):
            is_odd = True
        is_named = any(name.startswith(_NAME) for name in references.mentioned)
        if is_odd or is_named or select.find(exp.Window, exp.Lateral):
            raise _NotGrouped
        for query in select.find_all(exp.Select):
            if query is not select and any(map(self._is_outer, _own(query))):
                raise _NotGrouped
        return select

    def _is_outer(self, node: exp.Expr) -> bool:
        """Tell whether an aggregate in a query may be one of a query around it."""
        query = node.find_ancestor(exp.Select)
        assert isinstance(query, exp.Select)
        return any(
            self._references.owner(column, query) is None
            for column in node.find_all(exp.Column)
            if self._references.text.slot(column) is None
        )

    def _is_other(self, node: exp.Expr) -> bool:
        """Tell whether an aggregate is not of columns of this table alone."""
        select = self._use.select
        if type(node) not in _AGGREGATES or not isinstance(node.this, exp.Expr):
            return True
        is_wrapped = isinstance(node.parent, (exp.Filter, exp.WithinGroup, exp.Order))
        odd = node.find(exp.Distinct, exp.Star, exp.Select, exp.Order)
        if is_wrapped or odd is not None or node.args.get("expressions"):
            return True
        columns = [
            each
            for each in node.find_all(exp.Column)
            if self._references.text.slot(each) is None
        ]
        assert select is not None
        owners = [self._references.owner(each, select) for each in columns]
        return not owners or any(each is not self._use for each in owners)

    def _keys(self, found: list[exp.Expr]) -> tuple[Column, ...]:
        """Return the columns that stand elsewhere than in the aggregates."""
        inside: Counter[str] = Counter()
        for each in found:
            inside += self._needed.names_in(each, self._use)
        counts = self._needed.counts(self._use)
        keys = tuple(
            column
            for name, column in self._use.by_name.items()
            if counts[name] > inside[name]
        )
        named = {column.name for column in keys}
        unique = self._use.info.primary_key
        if not keys or not all(map(is_single, keys)):
            raise _NotGrouped
        if unique and named.issuperset(unique):
            raise _NotGrouped  # each row is a group
        return keys

    def _edit(self, node: exp.Expr, select: exp.Select) -> Edit:
        """Return what stands for an aggregate, of columns that are asked for."""
        span = call_span(self._references.text, node)
        column = typed(node.this, select, self._references)
        if span is None or column is None:
            raise _NotGrouped
        code = self._references.text.masked.code
        inner = (code.index("(", span[0]) + 1, span[1] - 1)
        made = self._summed(node, column, inner)
        if node.parent is select and node.arg_key == "expressions":
            made += f' AS "{name_of(node)}"'
        elif not _keeps_name(node, select):
            raise _NotGrouped
        return Edit(*span, made)

    def _summed(self, node: exp.Expr, column: Column, inner: tuple[int, int]) -> str:
        if isinstance(node, (exp.Min, exp.Max)):
            word = "MIN" if isinstance(node, exp.Min) else "MAX"
            return f"{word}({self._ask(word, inner, column)})"
        if isinstance(node, exp.Count):
            counts = self._ask("COUNT", inner, Column("", "bigint"))
            return f"COALESCE(CAST(SUM({counts}) AS bigint), 0)"
        total = sum_type(column, "postgresql")
        if total is None:
            raise _NotGrouped
        sums = self._ask("SUM", inner, Column("", total))
        if isinstance(node, exp.Sum):
            return f"CAST(SUM({sums}) AS {total})"
        counts = self._ask("COUNT", inner, Column("", "bigint"))
        return f"(CAST(SUM({sums}) AS numeric) / NULLIF(SUM({counts}), 0))"

    def _ask(self, function: str, inner: tuple[int, int], column: Column) -> str:
        name = f"{self._name}{len(self._columns)}"
        self._asked.append(Asked(function, *inner))
        self._columns.append(Column(name, column.type, column.collation))
        return name


def _own(select: exp.Select) -> list[exp.Expr]:
    """Return the aggregates of `select`, without those of its queries."""
    return [
        node
        for node in select.find_all(exp.AggFunc)
        if node.find_ancestor(exp.Select) is select
    ]


def _keeps_name(node: exp.Expr, select: exp.Select) -> bool:
    """Tell whether the column of the result that an aggregate is in is called the same
    with something else in its place."""
    top = node
    while top.parent is not None and top.parent is not select:
        top = top.parent
    if top.arg_key != "expressions" or isinstance(top, exp.Alias):
        return True
    return isinstance(top, exp.Binary) and name_of(top) == "?column?"
