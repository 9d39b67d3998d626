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

Sums and averages are those of whole numbers only (PostgreSQL: numeric too): the sum of
floats depends on the order of the rows. HAVING, ORDER BY, DISTINCT, LIMIT stay above.
What is grouped by or added up is a column, or what `typed` knows the type of.
"""

from __future__ import annotations

import re

from sqlglot import exp

from routedb.planner.catalog import Column
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
from routedb.planner.results import SUMS, type_of
from routedb.planner.typed import input_column, typed

_NAME = "routedb_c"
_RELATION = "routedb_r0_"
_CLAUSES = re.compile(
    r"[(),]|\b(?:SELECT|FROM|GROUP|HAVING|ORDER|LIMIT|OFFSET|FETCH|WINDOW)\b",
    re.IGNORECASE,
).finditer
_ALL = re.compile(r"\s*ALL\b", re.IGNORECASE).match  # no part of a column's name
_SELECT_ARGS = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "order", "limit"}
    | {"offset", "distinct"}
)
# What sums and counts are, by the type of what is added up. SQLite's have no type.
_COUNT = {"postgresql": "bigint", "sqlite": ""}
_SUM = {
    "postgresql": {"smallint": "bigint", "integer": "bigint"},
    "sqlite": {},
}
_REST_OF_SUMS = {"postgresql": "numeric", "sqlite": ""}


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

    def _fragment(self) -> Fragment:
        columns = [
            exp.alias_(node.copy(), f"{_NAME}{number}")
            for number, node in enumerate(self._asked)
        ]
        head = self._written(exp.Select(expressions=columns))
        start, end = self._rows_span()
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

    def _rows_span(self) -> tuple[int, int]:
        """Return from and up to where FROM, its joins and WHERE stand."""
        found = self._clauses()
        start = next((at for word, at in found if word == "FROM"), None)
        if start is None:
            raise NotSpread("FROM stands where it is not looked for")
        ends = [at for word, at in found if at > start and word not in (",", "FROM")]
        return start, ends[0] if ends else len(self._text.source.rstrip("; \n\t"))

    def _clauses(self) -> list[tuple[str, int]]:
        """Return the words that begin clauses, and commas, outside of brackets."""
        depth, found = 0, []
        for match in _CLAUSES(self._text.masked.code):
            if match[0] in "()":
                depth += 1 if match[0] == "(" else -1
            elif depth == 0:
                found.append((match[0].upper(), match.start()))
        return found

    def _shown(self) -> list[exp.Expr]:
        shown: list[exp.Expr] = []
        names = self._written_names()
        for number, each in enumerate(self._tree.expressions):
            inner = each.unalias()
            if isinstance(each, exp.Alias):
                name = each.args["alias"].copy()
            elif isinstance(inner, exp.Column):
                name = exp.to_identifier(self._column(inner).name, quoted=True)
            elif self._dialect == "postgresql":
                name = exp.to_identifier(_name_of(inner), quoted=True)
            else:
                name = exp.to_identifier(names[number], quoted=True)
            shown.append(exp.Alias(this=self._above(inner), alias=name))
        return shown

    def _written_names(self) -> list[str]:
        """Return the text of each column of the result: SQLite calls it so."""
        found = self._clauses()
        ends = [at for word, at in found if word in (",", "FROM")]
        ends = ends[: len(self._tree.expressions)]
        start = found[0][1] + len("SELECT")
        if says_all := _ALL(self._text.masked.code, start):
            start = says_all.end()
        pieces = []
        for end in ends:
            pieces.append(self._text.source[start:end].strip())
            start = end + 1
        is_plain = not self._tree.args.get("distinct") and all(
            "%" not in piece and "--" not in piece and "/*" not in piece
            for piece in pieces
        )
        if not is_plain or found[0][0] != "SELECT":
            has_all = all(isinstance(e, exp.Alias) for e in self._tree.expressions)
            if not has_all and self._dialect != "postgresql":
                raise NotSpread("a column is called after its text")
        return pieces

    def _above(self, node: exp.Expr) -> exp.Expr:
        """Return a node with the relation's columns for aggregates and groups."""
        if not isinstance(node, exp.Column) and node in self._groups:
            return exp.column(f"{_NAME}{self._groups.index(node)}")
        if isinstance(node, (exp.Filter, exp.AggFunc)):
            return self._aggregate(node)
        if isinstance(node, exp.Column) and self._text.slot(node) is None:
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
            return exp.Coalesce(this=counted, expressions=[zero])
        column = self._column(inner.this)
        if isinstance(inner, (exp.Min, exp.Max)):
            return type(inner)(this=self._ask(node, column))
        type_ = type_of(column)
        if type_ not in SUMS[self._dialect]:
            raise NotSpread("a sum of values that are not added up exactly")
        total = _SUM[self._dialect].get(type_, _REST_OF_SUMS[self._dialect])
        if isinstance(inner, exp.Sum):
            return self._sum(node, Column("", total))
        return self._average(node, inner, total)

    def _sum(self, node: exp.Expr, column: Column) -> exp.Expr:
        total = exp.Sum(this=self._ask(node, column))
        return (
            exp.cast(total, column.type, dialect="postgres") if column.type else total
        )

    def _average(self, node: exp.Expr, inner: exp.Expr, total: str) -> exp.Expr:
        if not isinstance(inner, exp.Avg):
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
