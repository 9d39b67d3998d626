"""Tables of another dialect than the text's: how they are read for it.

What their columns are in the text's dialect is told by `carried_types`; where one has
no such type, the statement is refused, by column. Rows are then what one database of
the text's dialect would hold, had it the table with these types.

Of conditions, those go down that compare a column of whole numbers with whole numbers:
every engine agrees on them. Of texts, that one is equal to another or to one of
several: what is equal letter by letter is so under every collation, and the rows that
are equal to another engine alone are left out above. MySQL takes no notice of blanks
at the end, so there they are taken away on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.carried_types import carried_as, compared_kind, refused
from routedb.planner.catalog import Column, Sharded
from routedb.planner.filters import find_filter
from routedb.planner.plans import Bound, Fragment, Sideways, Slot, Spread, TextSlot
from routedb.planner.references import References, Use
from routedb.planner.source_text import refuse, spell
from routedb.sql.scanner.identifiers import quote_identifier

_NAME = "routedb_t"  # of the table: a name of SQLite's that is no column is a text else
_COMPARISONS = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
# A text that is the same between quotes in each dialect, mode and encoding.
_SAME = re.compile(r"[A-Za-z0-9 _.:@/+-]*", re.ASCII).fullmatch
_MOST_DIGITS = 18  # every engine takes so long a number for a whole one


class Across(NamedTuple):
    """A fragment in another dialect, and the columns of the relation it fills."""

    fragment: Fragment
    columns: tuple[Column, ...]


def carry(references: References, use: Use, dialect: str, pushes: bool) -> Across:
    """Return how a table of `dialect` is read for a text of another: `use` is its use,
    `references` knows its columns. `pushes`: conditions may go down. Raises
    `Refused`."""
    text, database = references.text, use.placement.database
    where = f"table {use.table} is in database {database}, which speaks {dialect}, and "
    if use.table.schema is not None:
        refuse("another dialect", f"{where}has no schemas of the text's: name it alone")
    columns = references.columns(use)
    carried = tuple(_column(use, column, dialect, text.dialect) for column in columns)
    if len(use.by_name) < len(use.info.columns):
        refuse("another dialect", f"{where}has columns that are one to {text.dialect}")
    names = [_quoted(column, dialect) for column in columns]
    table = quote_identifier(use.table.name, dialect)
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
    return Across(fragment, carried)


def _column(use: Use, column: Column, dialect: str, target: str) -> Column:
    found = carried_as(column, dialect, target)
    if found is None:
        refuse(
            "type of another dialect",
            f"column {column.name} of {use.table} in {use.placement.database} is of "
            f"{refused(column, dialect, target)}",
        )
    return Column(column.name, found.type, found.collation)


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
        listed, name = [term.sql for term in known], column.sql
        if column.kind == "text" and self._references.text.dialect == "mysql":
            listed = [f"rtrim({each})" for each in listed]
            name = f"rtrim({name})"
        sql = pattern.format(name, *listed, listed=", ".join(listed))
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
        kind = compared_kind(column, self._dialect)
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


def sideways_across(
    columns: tuple[Column, Column],
    dialects: tuple[str, str],
    written: str,
    target: str,
) -> Sideways | None:
    """Return how rows of a table are told by the values of another's: the two `columns`
    are equal, the second is the other's, and the tables are of these `dialects`. The
    text, of the dialect `target`, writes the first as `written`. None: one of them is
    of another kind.

    Texts that are equal to PostgreSQL are equal under every collation, so that all rows
    that matter come, and perhaps more. To the others a column's own collation may make
    equal what is not the same.
    """
    (one, two), (dialect, other) = columns, dialects
    kinds = {compared_kind(one, dialect), compared_kind(two, other)}
    if len(kinds) > 1 or None in kinds:
        return None
    (kind,) = kinds
    assert kind is not None
    if kind == "text" and target != "postgresql":
        return None
    if dialect == target:
        return Sideways(written, 0, 0, kind)
    name = _quoted(one, dialect)
    more = _odd(name, kind) if dialect == "sqlite" else ""
    return Sideways(name, 0, 0, kind, more)


def _odd(name: str, kind: str) -> str:
    """Return what lets rows come whose value is of another type than SQLite's column
    `name`: it is refused then."""
    stored = "integer" if kind == "whole" else "text"
    return f" OR typeof({name}) NOT IN ('{stored}', 'null')"


def slots_of(fragments: list[Fragment]) -> Iterator[Slot]:
    """Yield the parameters of conditions that `fragments` in other dialects have."""
    for fragment in fragments:
        yield from (slot for slot in fragment.text.slots if isinstance(slot, Slot))


def _quoted(column: Column, dialect: str) -> str:
    return f"{_NAME}.{quote_identifier(column.name, dialect)}"
