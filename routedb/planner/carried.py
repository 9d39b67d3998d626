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
every engine agrees on them. Of texts, that one is equal to another or to one of
several: what is equal letter by letter is so under every collation, and the rows that
are equal to another engine alone are left out above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.catalog import Column, Sharded
from routedb.planner.filters import find_filter
from routedb.planner.plans import Bound, Fragment, Sideways, Slot, Spread, TextSlot
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
_LETTERS = re.compile(r"text|character varying(?:\(\d+\))?").fullmatch
# A char(n) whose blanks at the end may matter to comparisons.
_ENDS = re.compile(r"char.* \w*(?:nopad|0900)").match
# A text that is the same between quotes in each dialect, mode and encoding.
_SAME = re.compile(r"[A-Za-z0-9 _.:@/+-]*", re.ASCII).fullmatch
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


class _Compared(NamedTuple):
    """A column as it is written, and what it has: "whole" numbers, or "text"."""

    sql: str
    kind: str


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
        if column is None:
            return None
        terms = [self._value(value, column.kind) for value in values]
        known = [term for term in terms if term is not None]
        if len(known) != len(terms):
            return None
        listed = [term.sql for term in known]
        sql = pattern.format(column.sql, *listed, listed=", ".join(listed))
        if self._dialect == "sqlite":
            sql = f"({sql}{_odd(column.sql, column.kind)})"
        return Bound(sql, tuple(slot for term in known for slot in term.slots))

    def _parts(
        self, node: exp.Expr
    ) -> tuple[_Compared | None, str, list[exp.Expr]] | None:
        """Return the column, a pattern for it and for values, and these."""
        word = _COMPARISONS.get(type(node)) if isinstance(node, exp.Binary) else None
        if word is not None:
            left, right = node.this, node.expression
            column = self._column(left)
            values, pattern = [right], f"{{0}} {word} {{1}}"
            if column is None:
                column = self._column(right)
                values, pattern = [left], f"{{1}} {word} {{0}}"
            is_known = column is not None and (column.kind == "whole" or word == "=")
            return (column, pattern, values) if is_known else None
        if isinstance(node, exp.In) and not node.args.get("query"):
            return self._column(node.this), "{0} IN ({listed})", node.expressions
        return None

    def _column(self, node: exp.Expr) -> _Compared | None:
        """Return a column of whole numbers, or of texts, as it is written here."""
        if not isinstance(node, exp.Column) or self._references.text.slot(node):
            return None
        name = self._references.names.column(node.this)
        column = self._references.column_of(self._use, name)
        if column is None or self._use.select is None:
            return None
        if self._references.owner(node, self._use.select) is not self._use:
            return None
        kind = _kind(column, self._dialect)
        quoted = _quoted(column, self._dialect)
        return None if kind is None else _Compared(quoted, kind)

    def _value(self, node: exp.Expr, kind: str) -> Bound | None:
        slot = self._references.text.slot(node)
        if slot is not None:
            slot = TextSlot(slot.place) if kind == "text" else slot
            return Bound(spell(slot.place), (slot,))
        if kind == "text":
            is_plain = isinstance(node, exp.Literal) and node.is_string
            return Bound(f"'{node.this}'") if is_plain and _SAME(node.this) else None
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


def sideways_across(
    columns: tuple[Column, Column], dialects: tuple[str, str], written: str
) -> Sideways | None:
    """Return how rows of a table are told by the values of another's: the two `columns`
    are equal, the second is the other's, and the tables are of these `dialects`. The
    text writes the first as `written`. None: one of them is of another kind.

    Texts that are equal to PostgreSQL are equal under every collation, so that all rows
    that matter come, and perhaps more.
    """
    (one, two), (dialect, other) = columns, dialects
    kinds = {_kind(one, dialect), _kind(two, other)}
    if len(kinds) > 1 or None in kinds:
        return None
    (kind,) = kinds
    assert kind is not None
    if dialect == "postgresql":
        return Sideways(written, 0, 0, kind)
    name = _quoted(one, dialect)
    more = _odd(name, kind) if dialect == "sqlite" else ""
    return Sideways(name, 0, 0, kind, more)


def _odd(name: str, kind: str) -> str:
    """Return what lets rows come whose value is of another type than SQLite's column
    `name`: it is refused then."""
    stored = "integer" if kind == "whole" else "text"
    return f" OR typeof({name}) NOT IN ('{stored}', 'null')"


def _kind(column: Column, dialect: str) -> str | None:
    """Return what a column has: "whole" numbers, or "text" that PostgreSQL compares
    letter by letter; None for everything else."""
    type_: str | None = column.type
    if dialect != "postgresql":
        if _ENDS(f"{column.type} {column.collation}".lower()):
            return None
        type_ = carried_type(column.type, dialect)
    elif column.collation is not None:
        return None
    if type_ in _WHOLE_TYPES:
        return "whole"
    is_text = type_ is not None and _LETTERS(type_) is not None
    return "text" if is_text else None


def slots_of(fragments: list[Fragment]) -> Iterator[Slot]:
    """Yield the parameters of conditions that `fragments` in other dialects have."""
    for fragment in fragments:
        yield from (slot for slot in fragment.text.slots if isinstance(slot, Slot))


def _quoted(column: Column, dialect: str) -> str:
    return f"{_NAME}.{_quote(column.name, dialect)}"


def _quote(name: str, dialect: str) -> str:
    mark = "`" if dialect == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"
