"""Tables of another dialect than the text's: what their columns are in the text's.

A column is carried when the text's engine has a type that holds each of its values, and
compares them as it does its own. Rows are then what one database of the text's dialect
would hold, had it the table with these types. The rest is refused, by column.

In PostgreSQL:

========================================= =============================================
MySQL, MariaDB                            PostgreSQL
========================================= =============================================
tinyint, smallint, tinyint unsigned       smallint
mediumint, int, smallint and mediumint    integer
unsigned
bigint, int unsigned                      bigint
bigint unsigned                           numeric(20,0)
decimal(p,s)                              numeric(p,s)
double, without digits                    double precision
date, datetime(n)                         date, timestamp(n) without time zone
char, varchar, the texts                  text, in the database's own order
========================================= =============================================

========================================= =============================================
SQLite, by a type's affinity              PostgreSQL
========================================= =============================================
INTEGER                                   bigint
REAL                                      double precision
TEXT                                      text, in the database's own order
========================================= =============================================

Of conditions, those go down that compare a column of whole numbers with whole numbers:
every engine agrees on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.catalog import Column, Sharded
from routedb.planner.filters import find_filter
from routedb.planner.plans import Bound, Fragment, Slot, Spread
from routedb.planner.references import References, Use
from routedb.planner.source_text import refuse, spell

_NAME = "routedb_t"  # of the table: a name of SQLite's that is no column is a text else
_INTEGER = re.compile(
    r"(tiny|small|medium|big)?int(?:\(\d+\))?( unsigned)?(?: zerofill)?"
)
_DECIMAL = re.compile(r"decimal(\(\d+,\d+\))(?: unsigned)?(?: zerofill)?")
_DATETIME = re.compile(r"datetime(?:\(([1-6])\))?")
_TEXTS = re.compile(r"(?:var)?char\(\d+\)|(?:tiny|medium|long)?text")
_WHOLE = {
    "tiny": ("smallint", "smallint"),
    "small": ("smallint", "integer"),
    "medium": ("integer", "integer"),
    None: ("integer", "bigint"),
    "big": ("bigint", "numeric(20,0)"),
}
_COMPARISONS = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_MOST_DIGITS = 18  # every engine takes so long a number for a whole one


def carried_type(type_: str, dialect: str) -> str | None:
    """Return the type of PostgreSQL's that has the values of `type_`, as the catalog of
    an engine of `dialect` spells it; None: there is none for certain."""
    if dialect == "mysql":
        return _from_mysql(type_.lower())
    return _from_sqlite(type_.upper()) if dialect == "sqlite" else None


def _from_mysql(type_: str) -> str | None:
    whole = _INTEGER.fullmatch(type_)
    if whole:
        return _WHOLE[whole[1]][whole[2] is not None]
    decimal = _DECIMAL.fullmatch(type_)
    if decimal:
        return f"numeric{decimal[1]}"
    moment = _DATETIME.fullmatch(type_)
    if moment:
        return f"timestamp({moment[1] or 0}) without time zone"
    if _TEXTS.fullmatch(type_):
        return "text"
    return {"double": "double precision", "date": "date"}.get(type_)


def _from_sqlite(type_: str) -> str | None:
    """By the rules of affinity, in their order."""
    if "INT" in type_:
        return "bigint"
    if any(word in type_ for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in type_ or not type_:
        return None
    is_real = any(word in type_ for word in ("REAL", "FLOA", "DOUB"))
    return "double precision" if is_real else None


class Carried(NamedTuple):
    """A fragment in another dialect, and the columns of the relation it fills."""

    fragment: Fragment
    columns: tuple[Column, ...]


def carry(references: References, use: Use, dialect: str, pushes: bool) -> Carried:
    """Return how a table of `dialect` is read for a text of another: `use` is its use,
    `references` knows its columns. `pushes`: conditions may go down. Raises
    `Refused`."""
    text, database = references.text, use.placement.database
    where = f"table {use.table} is in database {database}, which speaks {dialect}, and "
    if text.dialect != "postgresql":
        refuse(
            "another dialect",
            f"{where}the text is in {text.dialect}: rows are carried into PostgreSQL "
            "only",
        )
    if use.table.schema is not None:
        refuse("another dialect", f"{where}has no schemas of the text's: name it alone")
    columns = references.columns(use)
    carried = tuple(_column(use, column, dialect) for column in columns)
    names = [_quoted(column, dialect) for column in columns]
    table = _quote(use.table.name, dialect)
    if "%" in "".join((table, *names)):
        refuse("reserved name", f"table {use.table}: a percent sign in a name")
    place = f"main.{table}" if dialect == "sqlite" else table
    sql = f"SELECT {', '.join(names)} FROM {place} AS {_NAME}"
    conditions = _Conditions(references, use, dialect)
    filter_ = find_filter(
        references, use, lambda node: pushes and conditions.of(node) is not None
    )
    written = [conditions.of(node) for node in filter_.conjuncts]
    known = [each for each in written if each is not None]
    pushed = []
    if len(columns) < len(use.info.columns):
        pushed.append(f"{len(columns)} of {len(use.info.columns)} columns")
    if known:
        pushed.append(" AND ".join(each.sql for each in known))
        sql += f" WHERE {pushed[-1]}"
    fragment = Fragment(
        database,
        Bound(sql, tuple(slot for each in known for slot in each.slots)),
        Spread.EVERY if isinstance(use.placement, Sharded) else Spread.ANY,
        filter_.choice,
        columns,
        tuple(pushed),
        has_where=bool(known),
    )
    return Carried(fragment, carried)


def _column(use: Use, column: Column, dialect: str) -> Column:
    type_ = carried_type(column.type, dialect)
    if type_ is None:
        refuse(
            "type of another dialect",
            f"column {column.name} of {use.table} in {use.placement.database} is of "
            f"{dialect}'s type {column.type or '(none)'}, and no type of PostgreSQL's "
            "certainly has its values",
        )
    return Column(column.name, type_)


class _Conditions:
    """Writes conjuncts on a `use` of a table in `dialect`."""

    def __init__(self, references: References, use: Use, dialect: str) -> None:
        self._references = references
        self._use = use
        self._dialect = dialect

    def of(self, node: exp.Expr) -> Bound | None:
        """Return a conjunct, None where it is not one that every engine agrees on."""
        found = self._parts(node)
        if found is None:
            return None
        column, pattern, values = found
        terms = [self._value(value) for value in values]
        known = [term for term in terms if term is not None]
        if column is None or len(known) != len(terms):
            return None
        listed = [term.sql for term in known]
        sql = pattern.format(column, *listed, listed=", ".join(listed))
        if self._dialect == "sqlite":
            # What is no whole number is refused when it comes.
            sql = f"({sql} OR typeof({column}) NOT IN ('integer', 'null'))"
        return Bound(sql, tuple(slot for term in known for slot in term.slots))

    def _parts(self, node: exp.Expr) -> tuple[str | None, str, list[exp.Expr]] | None:
        """Return the column, a pattern for it and for values, and these."""
        word = _COMPARISONS.get(type(node)) if isinstance(node, exp.Binary) else None
        if word is not None:
            left, right = node.this, node.expression
            column = self._whole(left)
            if column is not None:
                return column, f"{{0}} {word} {{1}}", [right]
            return self._whole(right), f"{{1}} {word} {{0}}", [left]
        if isinstance(node, exp.In) and not node.args.get("query"):
            return self._whole(node.this), "{0} IN ({listed})", node.expressions
        return None

    def _whole(self, node: exp.Expr) -> str | None:
        """Return a column of whole numbers as it is written here."""
        if not isinstance(node, exp.Column) or self._references.text.slot(node):
            return None
        name = self._references.names.column(node.this)
        column = self._references.column_of(self._use, name)
        if column is None or self._use.select is None:
            return None
        if self._references.owner(node, self._use.select) is not self._use:
            return None
        is_whole = carried_type(column.type, self._dialect) in _WHOLE_TYPES
        return _quoted(column, self._dialect) if is_whole else None

    def _value(self, node: exp.Expr) -> Bound | None:
        slot = self._references.text.slot(node)
        if slot is not None:
            return Bound(spell(slot.place), (slot,))
        sign = ""
        if isinstance(node, exp.Neg):
            node, sign = node.this, "-"
        if not isinstance(node, exp.Literal) or node.is_string:
            return None
        digits = node.this
        is_whole = digits.isascii() and digits.isdigit()
        if not is_whole or len(digits) > _MOST_DIGITS:
            return None
        return Bound(sign + digits)


_WHOLE_TYPES = {type_ for types in _WHOLE.values() for type_ in types}


def slots_of(fragments: list[Fragment]) -> Iterator[Slot]:
    """Yield the parameters of conditions that `fragments` in other dialects have."""
    for fragment in fragments:
        yield from (slot for slot in fragment.text.slots if isinstance(slot, Slot))


def _quoted(column: Column, dialect: str) -> str:
    return f"{_NAME}.{_quote(column.name, dialect)}"


def _quote(name: str, dialect: str) -> str:
    mark = "`" if dialect == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"
