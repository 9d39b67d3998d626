"""The types of expressions, where they are certain: PostgreSQL's, of numbers and days.

sqlglot's own guesses are of no use here: integer division, and what a sum is, differ
between engines. What has no type below is not understood, and nothing is made of it.

========================== =============================================================
in the text                its type
========================== =============================================================
a column                   the catalog's
1, 3000000000, 1.5         integer, bigint, numeric; text, and a parameter, has none
a + b, -, \\*, /           of whole numbers the wider one's; numeric beside a numeric
CASE, coalesce             the same of all that may come; NULL adds nothing
nullif, abs                the first argument's
date '2024-02-01'          date; timestamp(tz) as well. Days as ISO 8601 writes them,
                           which mean the same under every DateStyle
day + interval '1 month'   timestamp; day + 1 is a day
x::type                    that: of numbers to numbers and text, of days to days
date_trunc('month', t)     timestamp, of a timestamp
round(n, 2), floor, ceil   numeric, of one
greatest, least            the wider one's
extract(year FROM day)     by the server's version: known, but of no type
count, sum, avg            of numbers: bigint; bigint or numeric; numeric
min, max                   the argument's
========================== =============================================================

All of these have one value for the same arguments on every server, whatever its
settings: a `timestamp with time zone` is only compared, as its days are of the zone.
"""

from __future__ import annotations

import re

from sqlglot import exp

from routedb.planner.catalog import Column
from routedb.planner.moments import is_mark
from routedb.planner.references import References, query_in_from
from routedb.planner.results import column_in, type_of

_WIDTHS = ("smallint", "integer", "bigint", "numeric")
_STAMP, _ZONED = "timestamp without time zone", "timestamp with time zone"
_DAYS = ("date", _STAMP)
_EXTRACTED = "extracted"
_TO_NUMBERS = (*_WIDTHS, "double precision", "text")
_MOST = {"integer": 2**31, "bigint": 2**63}
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?", re.ASCII
).fullmatch
_AMOUNT = re.compile(r"[+-]?\d+(?: [a-z]+)?(?: [+-]?\d+ [a-z]+)*", re.ASCII | re.I)
_TARGETS = {
    exp.DataType.Type.SMALLINT: "smallint",
    exp.DataType.Type.INT: "integer",
    exp.DataType.Type.BIGINT: "bigint",
    exp.DataType.Type.DECIMAL: "numeric",
    exp.DataType.Type.DOUBLE: "double precision",
    exp.DataType.Type.TEXT: "text",
    exp.DataType.Type.DATE: "date",
    exp.DataType.Type.TIMESTAMP: _STAMP,
    exp.DataType.Type.TIMESTAMPTZ: _ZONED,
}
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)


def typed(
    node: exp.Expr | None, select: exp.Select, references: References
) -> Column | None:
    """Return the column of a table that `node`, which stands in `select`, certainly is,
    or one without a name that has its type; None where the type is not certain.

    `references` knows the tables.
    """
    if node is None or references.text.dialect != "postgresql":
        return column_in(node, select, references)
    if isinstance(node, exp.Column):
        return input_column(node, select, references)
    found = _Types(select, references).of(node)
    if found == _EXTRACTED:
        found = next((use.info.extracts for use in references.uses), "")
    return Column("", found) if found else None


def input_column(
    node: exp.Expr, select: exp.Select, references: References
) -> Column | None:
    """Return the column of FROM of `select` that `node` certainly is: a table's, or one
    of a query that is all of FROM, by its name there. `references` knows the tables."""
    column = column_in(node, select, references)
    inner = query_in_from(select)
    if column is not None or inner is None or not isinstance(node, exp.Column):
        return column
    if references.text.slot(node) is not None:
        return None
    alias = select.args["from_"].this.args["alias"].this
    qualifier = node.args.get("table")
    names = references.names
    if qualifier is not None and names.table(qualifier) != names.table(alias):
        return None
    name = names.column(node.this)
    found = [each for each in inner.expressions if _name_of(each, references) == name]
    if len(found) != 1 or any(each.is_star for each in inner.expressions):
        return None
    column = typed(found[0].unalias(), inner, references)
    return None if column is None else column._replace(name=name)


def _name_of(node: exp.Expr, references: References) -> str | None:
    if isinstance(node, exp.Alias):
        return references.names.column(node.args["alias"])
    is_column = isinstance(node, exp.Column)
    return references.names.column(node.this) if is_column else None


def is_steady(node: exp.Expr, select: exp.Select, references: References) -> bool:
    """Tell whether `node` is in the table, so that it is the same on every server.
    `select` and `references` are those of `typed`."""
    return _Types(select, references).of(node) is not None


def constant_type(node: exp.Expr) -> str | None:
    """Return the type of a day or a moment that the text says: a literal of a type, or
    some time before or after one; None for other nodes."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Cast):
        type_ = _target(node)
        is_said = isinstance(node.this, exp.Literal) and node.this.is_string
        if not is_said or type_ not in (*_DAYS, _ZONED):
            return None
        text = node.this.this
        if is_mark(text) or (type_ != _ZONED and _ISO(text)):
            return type_
        return None
    if isinstance(node, (exp.Add, exp.Sub)) and is_interval(node.expression):
        of = constant_type(node.this)
        return _STAMP if of == "date" else of
    return None


def is_interval(node: exp.Expr | None) -> bool:
    """Tell whether `node` is an interval whose text says units, or has one behind."""
    if not isinstance(node, exp.Interval) or not isinstance(node.this, exp.Literal):
        return False
    has_unit = node.args.get("unit") is not None
    return _AMOUNT.fullmatch(node.this.this) is not None and (
        has_unit or " " in node.this.this
    )


def is_same_time(node: exp.Expr, select: exp.Select, references: References) -> bool:
    """Tell whether a comparison, `node`, is of days and moments that compare alike on
    every server: with or without a zone, not one with the other. `select` and
    `references` are those of `typed`."""
    sides = [
        value
        for name, value in node.args.items()
        if name in ("this", "expression", "low", "high") and value is not None
    ]
    types = {constant_type(side) or _type(side, select, references) for side in sides}
    return types <= set(_DAYS) or types == {_ZONED}


def _type(node: exp.Expr, select: exp.Select, references: References) -> str | None:
    column = input_column(node, select, references)
    return None if column is None else _plain(column)


def _plain(column: Column) -> str:
    """Return a type without its length or precision."""
    type_ = re.sub(r"\(\d+(?:,\d+)?\)", "", column.type.lower())
    return type_ if type_ in (*_DAYS, _ZONED) else type_of(column)


def _target(node: exp.Cast) -> str | None:
    """Return what a cast makes, None for what is not in the table; no lengths."""
    to = node.args["to"]
    if to.expressions or to.args.get("nested"):
        return None
    return _TARGETS.get(to.this)


class _Types:
    """Works through the table, for expressions in one SELECT."""

    def __init__(self, select: exp.Select, references: References) -> None:
        self._select = select
        self._references = references

    def of(self, node: exp.Expr) -> str | None:
        """Return the type of `node`, None where it is not certain."""
        if isinstance(node, exp.Column):
            return _type(node, self._select, self._references)
        known = constant_type(node)
        if known is not None:
            return known
        for kinds, rule in _RULES:
            if isinstance(node, kinds):
                return rule(self, node)
        return None

    def same(self, node: exp.Expr) -> str | None:
        found = self.of(node.this)
        return found if found in _WIDTHS else None

    def inner(self, node: exp.Expr) -> str | None:
        return self.of(node.this)

    def literal(self, node: exp.Expr) -> str | None:
        if node.args.get("is_string"):
            return None
        text = node.name
        if not (text.isascii() and text.isdigit()):
            return "numeric"
        fits = (name for name, most in _MOST.items() if int(text) < most)
        return next(fits, "numeric")

    def arithmetic(self, node: exp.Expr) -> str | None:
        left, right = self.of(node.this), self.of(node.args["expression"])
        is_moved = isinstance(node, (exp.Add, exp.Sub))
        if left in _DAYS and is_moved:
            if is_interval(node.args["expression"]):
                return _STAMP
            return "date" if left == "date" and right == "integer" else None
        return _widest([left, right])

    def case(self, node: exp.Expr) -> str | None:
        results = [each.args["true"] for each in node.args.get("ifs") or ()]
        if node.args.get("default") is not None:
            results.append(node.args["default"])
        return self._common(results)

    def coalesce(self, node: exp.Expr) -> str | None:
        return self._common([node.this, *node.expressions])

    def cast(self, node: exp.Expr) -> str | None:
        assert isinstance(node, exp.Cast)
        if type(node) is not exp.Cast:
            return None
        from_, to = self.of(node.this), _target(node)
        if from_ in _WIDTHS and to in _TO_NUMBERS:
            return to
        if from_ == _EXTRACTED and to in _WIDTHS:
            return to
        return to if from_ in _DAYS and to in _DAYS else None

    def truncated(self, node: exp.Expr) -> str | None:
        is_plain = node.args.get("zone") is None and self.of(node.this) == _STAMP
        return _STAMP if is_plain else None

    def numeric(self, node: exp.Expr) -> str | None:
        return "numeric" if self.of(node.this) == "numeric" else None

    def extracted(self, node: exp.Expr) -> str | None:
        return _EXTRACTED if self.of(node.args["expression"]) in _DAYS else None

    def counted(self, node: exp.Expr) -> str | None:
        return "bigint"

    def added(self, node: exp.Expr) -> str | None:
        of = self._argument(node)
        if of not in _WIDTHS:
            return None
        return "bigint" if of in ("smallint", "integer") else "numeric"

    def averaged(self, node: exp.Expr) -> str | None:
        return "numeric" if self._argument(node) in _WIDTHS else None

    def _argument(self, node: exp.Expr) -> str | None:
        argument = node.this
        if isinstance(argument, exp.Distinct):
            argument = argument.expressions[0]
        return self.of(argument)

    def _common(self, nodes: list[exp.Expr]) -> str | None:
        return _widest(
            [self.of(each) for each in nodes if not isinstance(each, exp.Null)]
        )


def _widest(types: list[str | None]) -> str | None:
    if not types or any(each not in _WIDTHS for each in types):
        return None
    return max((each for each in types if each), key=_WIDTHS.index)


_RULES = (
    (exp.Paren, _Types.inner),
    (exp.Literal, _Types.literal),
    ((exp.Neg, exp.Abs, exp.Nullif), _Types.same),
    (_ARITHMETIC, _Types.arithmetic),
    (exp.Case, _Types.case),
    (exp.Coalesce, _Types.coalesce),
    (exp.Cast, _Types.cast),
    ((exp.TimestampTrunc, exp.DateTrunc), _Types.truncated),
    ((exp.Round, exp.Floor, exp.Ceil), _Types.numeric),
    ((exp.Greatest, exp.Least), _Types.coalesce),
    (exp.Extract, _Types.extracted),
    (exp.Filter, _Types.inner),
    (exp.Count, _Types.counted),
    (exp.Sum, _Types.added),
    (exp.Avg, _Types.averaged),
    ((exp.Min, exp.Max), _Types.inner),
)
