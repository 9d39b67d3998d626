"""Groups whose rows are on several shards: each shard groups its own, and the work node
groups what comes, which is a row for each group and shard.

=================== ========================= =========================================
in the text         asked of the shards       over what comes
=================== ========================= =========================================
count(…)            the same                  its sum, as the type that count has; 0 for
                                              no rows
sum(x)              the same                  its sum, as the type that sum(x) has
min(x), max(x)      the same                  the same; the relation's column compares
                                              as x does
avg(x)              sum(x) and count(x)       sum of the sums by the sum of the counts
count(DISTINCT x),  x, which is grouped by    the same of x: the rest is added up from
sum(DISTINCT x)     as well                   smaller groups. One x in a statement
=================== ========================= =========================================

Sums and averages are those of whole numbers only, and of decimals: the sum of floats
depends on the order of the rows. No averages of MySQL's, whose quotients have more
digits than they show. HAVING, ORDER BY, DISTINCT, LIMIT stay above.
What is grouped by or added up is a column, or what `typed` knows the type of.
"""

from __future__ import annotations

import re

from sqlglot import exp

from routedb.planner.catalog import Column
from routedb.planner.clauses import column_texts, rows_span
from routedb.planner.distribution import is_result_name, split_of
from routedb.planner.joins import NotSpread
from routedb.planner.plans import (
    Bound,
    Fragment,
    GroupsPlan,
    Merge,
    Relation,
    Remainder,
    Spread,
)
from routedb.planner.references import References
from routedb.planner.result_names import name_of
from routedb.planner.results import sum_type, type_of
from routedb.planner.typed import input_column, typed

_NAME = "routedb_c"
_RELATION = "routedb_r0_"
_SELECT_ARGS = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "order", "limit"}
    | {"offset", "distinct"}
)
_COUNT = {"postgresql": "bigint", "mysql": "bigint", "sqlite": ""}
# Types of MySQL's that relations have as tables do.
_MYSQL = frozenset(
    {"tinyint", "smallint", "int", "bigint", "decimal", "date", "varchar", "char"}
)
_PLAIN_MYSQL = (
    *(exp.Select, exp.From, exp.Join, exp.Table, exp.TableAlias, exp.Identifier),
    *(exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset),
    *(exp.Distinct, exp.Alias, exp.Column, exp.Star, exp.Literal, exp.Null, exp.Paren),
    *(exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.And, exp.Or, exp.Not, exp.Is, exp.In),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.Coalesce),
    *(exp.Count, exp.Sum, exp.Min, exp.Max),
)
_ODD_MYSQL = re.compile(r"\b(?:NULLS|FETCH|FILTER)\b", re.IGNORECASE).search


def partial_plan(references: References) -> GroupsPlan:
    """Return the plan that has each shard group its own rows.

    `references` knows the tables of the text. Raises NotSpread, which says why not.
    """
    return _Partials(references).plan()


class _Partials:
    """Takes one SELECT apart, and writes the fragment and the remainder."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._text = references.text
        self._dialect = references.text.dialect
        tree = references.text.tree
        said = {name for name, value in tree.args.items() if value}
        if not isinstance(tree, exp.Select) or not said <= _SELECT_ARGS:
            raise NotSpread("more than a plain SELECT")
        if self._dialect not in _COUNT:
            raise NotSpread("the types of its sums are not known")
        self._tree = tree
        self._split = split_of(tree, references, is_combined=True)
        self._aliases = {
            references.names.column(each.args["alias"])
            for each in tree.expressions
            if isinstance(each, exp.Alias)
        }
        self._asked: list[exp.Expr] = []  # of the shards
        self._columns: list[Column] = []  # and what they are in the relation
        self._groups: list[exp.Expr] = []

    def plan(self) -> GroupsPlan:
        """Return the plan."""
        tree = self._tree
        self._check_mysql()
        if tree.find(exp.Window):
            raise NotSpread("a window over the rows of all shards")
        group = tree.args.get("group")
        for node in group.expressions if group is not None else ():
            self._group_by(node)
        keys = len(self._asked)
        self._group_by_distinct()
        remainder = exp.Select(
            expressions=self._shown(),
            from_=exp.From(this=exp.to_table(_RELATION)),
            distinct=exp.Distinct() if tree.args.get("distinct") else None,
            limit=tree.args.get("limit"),
            offset=tree.args.get("offset"),
        ).copy()
        if keys:
            names = [exp.column(f"{_NAME}{number}") for number in range(keys)]
            remainder.set("group", exp.Group(expressions=names))
        having = tree.args.get("having")
        if having is not None:
            remainder.set("having", exp.Having(this=self._above(having.this)))
        if tree.args.get("order") is not None:
            terms = [self._ordered(term) for term in tree.args["order"].expressions]
            remainder.set("order", exp.Order(expressions=terms))
        if not self._asked:
            raise NotSpread("nothing is added up")
        fragment = self._fragment()
        relation = Relation(_RELATION, tuple(self._columns), 0)
        above = Remainder(self._written(remainder), (relation,))
        return GroupsPlan(self._dialect, (fragment,), Merge.WORK, remainder=above)

    def _check_mysql(self) -> None:
        """Raise NotSpread for what sqlglot might write otherwise for MySQL, or where
        that would say that it is an error."""
        if self._dialect != "mysql":
            return
        where = self._tree.args.get("where")
        for node in self._tree.walk(prune=lambda node: node is where):
            if node is not where and not isinstance(node, _PLAIN_MYSQL):
                raise NotSpread(f"{node.key.upper()}, and MySQL's groups")
        if "\\" in self._text.source or _ODD_MYSQL(self._text.masked.code):
            raise NotSpread("an order, or a limit, that is not MySQL's")

    def _fragment(self) -> Fragment:
        columns = [
            exp.alias_(node.copy(), f"{_NAME}{number}")
            for number, node in enumerate(self._asked)
        ]
        head = self._written(exp.Select(expressions=columns))
        start, end = rows_span(self._text)
        rows = self._text.piece(start, end)
        tail = ""
        if self._groups:
            # An expression by its number: written twice, it would have its parameters
            # twice.
            names = [
                self._written(node.copy()).sql
                if isinstance(node, exp.Column)
                else str(number)
                for number, node in enumerate(self._groups, 1)
            ]
            tail = f" GROUP BY {', '.join(names)}"
        text = Bound(f"{head.sql} {rows.sql.strip()}{tail}", head.slots + rows.slots)
        return Fragment(
            self._split.database,
            text,
            Spread.EVERY,
            self._split.choice(self._references),
            tuple(self._columns),
            ("groups of each shard",),
        )

    def _shown(self) -> list[exp.Expr]:
        shown: list[exp.Expr] = []
        names = column_texts(self._text, len(self._tree.expressions))
        has_all = all(isinstance(each, exp.Alias) for each in self._tree.expressions)
        is_named = has_all or self._dialect == "postgresql"
        if not is_named and (names is None or self._tree.args.get("distinct")):
            raise NotSpread("a column is called after its text")
        for number, each in enumerate(self._tree.expressions):
            inner = each.unalias()
            if isinstance(each, exp.Alias):
                name = each.args["alias"].copy()
            elif isinstance(inner, exp.Column):
                called = self._column(inner).name
                if self._dialect == "mysql":  # as it is written
                    called = inner.name
                name = exp.to_identifier(called, quoted=True)
            elif self._dialect == "postgresql":
                name = exp.to_identifier(_name_of(inner), quoted=True)
            else:
                name = exp.to_identifier((names or [])[number], quoted=True)
            shown.append(exp.Alias(this=self._above(inner), alias=name))
        return shown

    def _above(self, node: exp.Expr) -> exp.Expr:
        """Return a node with the relation's columns for aggregates and groups."""
        if not isinstance(node, exp.Column) and node in self._groups:
            return exp.column(f"{_NAME}{self._groups.index(node)}")
        if isinstance(node, (exp.Filter, exp.AggFunc)):
            return self._aggregate(node)
        if isinstance(node, exp.Column) and self._text.slot(node) is None:
            if self._dialect == "mysql" and is_result_name(node, self._references):
                raise NotSpread("a name of the result beside aggregates")
            return exp.column(f"{_NAME}{self._group_number(node)}")
        if isinstance(node, (exp.Select, exp.Subquery, exp.Star)):
            raise NotSpread("a subquery, or a star, beside aggregates")
        copy = node.copy()
        for name, value in node.args.items():
            if isinstance(value, exp.Expr):
                copy.set(name, self._above(value))
            elif isinstance(value, list):
                copy.set(
                    name,
                    [self._above(v) if isinstance(v, exp.Expr) else v for v in value],
                )
        return copy

    def _ordered(self, term: exp.Expr) -> exp.Expr:
        copy = term.copy()
        is_result = (
            isinstance(term.this, exp.Column)
            and term.this.args.get("table") is None
            and self._references.names.column(term.this.this) in self._aliases
        )
        if not is_result and not isinstance(term.this, exp.Literal):
            copy.set("this", self._above(term.this))
        return copy

    def _aggregate(self, node: exp.Expr) -> exp.Expr:
        inner = node.this if isinstance(node, exp.Filter) else node
        if isinstance(inner.this, exp.Distinct):
            name = f"{_NAME}{self._group_number(_distinct(inner))}"
            return type(inner)(this=exp.Distinct(expressions=[exp.column(name)]))
        if inner.args.get("expressions"):
            raise NotSpread(f"{inner.key.upper()} of several arguments")
        if isinstance(inner, exp.Count):
            counted = self._sum(node, Column("", _COUNT[self._dialect]))
            # Shards that group by a DISTINCT argument say nothing of no rows.
            zero = exp.Literal.number(0)
            if self._dialect == "mysql":  # whose cast is as wide as count() is
                counted.this.replace(
                    exp.Coalesce(this=counted.this.copy(), expressions=[zero])
                )
                return counted
            return exp.Coalesce(this=counted, expressions=[zero])
        column = self._column(inner.this)
        if isinstance(inner, (exp.Min, exp.Max)):
            return type(inner)(this=self._ask(node, column))
        total = sum_type(column, self._dialect)
        if total is None:
            raise NotSpread("a sum of values that are not added up exactly")
        if isinstance(inner, exp.Sum):
            return self._sum(node, Column("", total))
        return self._average(node, inner, total)

    def _sum(self, node: exp.Expr, column: Column) -> exp.Expr:
        total = exp.Sum(this=self._ask(node, column))
        return (
            exp.cast(total, column.type, dialect="postgres") if column.type else total
        )

    def _average(self, node: exp.Expr, inner: exp.Expr, total: str) -> exp.Expr:
        if not isinstance(inner, exp.Avg) or self._dialect == "mysql":
            raise NotSpread(f"{inner.key.upper()} has no parts")
        parts: list[exp.Expr] = [
            exp.Sum(this=inner.this.copy()),
            exp.Count(this=inner.this.copy()),
        ]
        if isinstance(node, exp.Filter):
            parts = [
                exp.Filter(this=part, expression=node.expression.copy())
                for part in parts
            ]
        sums = exp.Sum(this=self._ask(parts[0], Column("", total)))
        counts = exp.Sum(this=self._ask(parts[1], Column("", _COUNT[self._dialect])))
        if self._dialect == "sqlite":
            return exp.Div(this=exp.cast(sums, "double"), expression=counts)
        by = exp.Nullif(this=counts, expression=exp.Literal.number(0))
        return exp.Div(this=exp.cast(sums, "decimal"), expression=by)

    def _ask(self, node: exp.Expr, column: Column) -> exp.Column:
        """Ask the shards for `node`, and return what it is called in the relation."""
        if node not in self._asked:
            name = f"{_NAME}{len(self._asked)}"
            self._asked.append(node)
            self._columns.append(Column(name, column.type, column.collation))
        return exp.column(f"{_NAME}{self._asked.index(node)}")

    def _group_by(self, node: exp.Expr) -> None:
        node = self._grouped(node)
        column = self._column(node)
        if not node.find(exp.Column):
            raise NotSpread("GROUP BY of a constant")
        self._groups.append(node)
        self._ask(node, column)
        if len(self._asked) < len(self._groups):
            raise NotSpread("GROUP BY of one column twice")

    def _grouped(self, node: exp.Expr) -> exp.Expr:
        """Return what is grouped by: itself, or the column of the result that it names
        or has the number of. A name of a table's column is that of the column."""
        shown = self._tree.expressions
        named: list[exp.Expr] = []
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            named = (
                shown[int(node.this) - 1 : int(node.this)] if node.this != "0" else []
            )
        elif not is_result_name(node, self._references):
            return node
        elif self._dialect == "postgresql":
            if input_column(node, self._tree, self._references) is not None:
                return node  # what FROM has counts above what is shown
            name = self._references.names.column(node.this)
            named = [
                each
                for each in shown
                if isinstance(each, exp.Alias)
                and self._references.names.column(each.args["alias"]) == name
            ]
        if len(named) != 1:
            raise NotSpread("GROUP BY of a column of the result")
        found = named[0].unalias()
        if isinstance(found, exp.Column) or self._dialect == "postgresql":
            return found
        raise NotSpread("GROUP BY of an expression")

    def _group_by_distinct(self) -> None:
        arguments: list[exp.Expr] = []
        for each in self._tree.find_all(exp.AggFunc):
            if isinstance(each.this, exp.Distinct):
                if not isinstance(each, (exp.Count, exp.Sum)) or isinstance(
                    each.parent, exp.Filter
                ):
                    raise NotSpread("DISTINCT beside FILTER, or in another aggregate")
                arguments.append(_distinct(each))
        for argument in arguments:
            if argument != arguments[0]:
                raise NotSpread("DISTINCT values of two columns")
            column = self._column(argument)
            if argument not in self._groups:
                self._groups.append(argument)
                self._ask(argument, column)

    def _group_number(self, node: exp.Expr) -> int:
        for number, group in enumerate(self._groups):
            if not isinstance(group, exp.Column):
                continue
            if self._owner(group) is self._owner(node) and (
                self._column(group) == self._column(node)
            ):
                return number
        raise NotSpread("a column beside aggregates that is not grouped by")

    def _owner(self, node: exp.Expr) -> object:
        assert isinstance(node, exp.Column)
        return self._references.owner(node, self._tree)

    def _column(self, node: exp.Expr | None) -> Column:
        column = typed(node, self._tree, self._references)
        if column is None:
            raise NotSpread("an expression is grouped by, or an aggregate's argument")
        if self._dialect == "mysql" and type_of(column) not in _MYSQL:
            raise NotSpread("a type that is not grouped by, or added up, for certain")
        return column

    def _written(self, node: exp.Expr) -> Bound:
        written = self._text.written(node)
        if written is None:
            raise NotSpread("a percent sign")
        return written


def _distinct(node: exp.Expr) -> exp.Expr:
    """Return the argument of an aggregate of DISTINCT values."""
    arguments = node.this.expressions
    if len(arguments) != 1 or not isinstance(arguments[0], exp.Column):
        raise NotSpread("DISTINCT of an expression")
    return arguments[0]


def _name_of(node: exp.Expr) -> str:
    """Return what PostgreSQL calls a column of the result."""
    name = name_of(node)
    if name is None:
        raise NotSpread("a column is called after what stands in the text")
    return name
