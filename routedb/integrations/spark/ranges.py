"""Ranges of a table's key with as many rows in each, by bounds that the server counts.

The key is made unique by the primary key behind it, so a value that many rows have is
divided too. A range is a condition in SQL, `lower < key AND key <= upper`; the first
has no lower bound and the last no upper one, so rows that come meanwhile are in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routedb.integrations.spark.sessions import Session
from routedb.integrations.spark.slots import lanes
from routedb.integrations.spark.types import Field, Push
from routedb.moving.spelling import string
from routedb.moving.types import parts


class Key(NamedTuple):
    """The columns that ranges are of; none: the rows cannot be divided.

    `may_be_null`: the first of them may be, and such rows are a range of their own.
    """

    fields: tuple[Field, ...]
    may_be_null: bool = False


class Lane(NamedTuple):
    """The ranges that one partition of Spark's reads, one after another."""

    ranges: tuple[str, ...]  # conditions, "" is all rows


_ROW_NUMBER = Field("_rowid_", "bigint", "_rowid_", "_rowid_", Push.EXACT, "INTEGER")
_MYSQL_KEYS = frozenset(
    {
        *("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"),
        *("date", "datetime", "timestamp", "char", "varchar", "binary", "varbinary"),
    }
)


def key_of(
    dialect: str,
    fields: Sequence[Field],
    primary: Sequence[str],
    chosen: str | None,
    is_numbered: bool = False,
) -> Key:
    """Return the key to divide a table of `dialect` by: the column `chosen` and those
    of its `primary` key, of `fields`; of SQLite's tables, where `is_numbered`, the
    number of the row, as a primary key may have NULL there."""
    by_name = {field.name: field for field in fields}
    own = (_ROW_NUMBER,) if is_numbered else tuple(by_name[name] for name in primary)
    first = () if chosen is None else (by_name[chosen],)
    key = (*first, *(field for field in own if field not in first))
    if dialect == "mysql" and not all(_is_ordered(field) for field in key):
        return Key(())
    may_be_null = chosen is not None and chosen not in primary
    return Key(key, may_be_null)


def _is_ordered(field: Field) -> bool:
    """Tell whether a literal compares with the column as its values do: an enum, say,
    is ordered by its labels' numbers."""
    return parts(field.type)[0] in _MYSQL_KEYS


def lanes_of(
    session: Session, table: str, key: Key, where: str, most: int, bound: int
) -> list[Lane]:
    """Return the lanes, by `key`, of `table`'s rows that meet `where`: at most `bound`,
    of ranges of at most `most` rows. Asks in `session` for the number of rows, then for
    the keys between."""
    condition = f" WHERE {where}" if where else ""
    ((rows,),) = session.run(f"SELECT count(*) FROM {table}{condition}")
    count, each = lanes(rows, most, bound)
    total = count * each
    if total == 1 or not key.fields:
        return [Lane(("",))]
    cuts = _cuts(
        session, table, key, where, [rows * n // total for n in range(1, total)]
    )
    edges: list[tuple[str, ...] | None] = [None, *cuts, None]
    found = [
        _between(session.dialect, key, lower, upper)
        for lower, upper in zip(edges, edges[1:], strict=False)
    ]
    divided = [
        tuple(found[len(found) * n // count : len(found) * (n + 1) // count])
        for n in range(count)
    ]
    if key.may_be_null:
        divided[-1] = (*divided[-1], f"{key.fields[0].column} IS NULL")
    return [Lane(ranges) for ranges in divided if ranges]


def _cuts(
    session: Session, table: str, key: Key, where: str, places: list[int]
) -> list[tuple[str, ...]]:
    """Return the keys of the rows at these `places`, as literals."""
    columns = ", ".join(field.column for field in key.fields)
    taken = ", ".join(
        _told(session.dialect, field) + f" AS routedb_k{number}"
        for number, field in enumerate(key.fields)
    )
    conditions = [where] if where else []
    if key.may_be_null:
        conditions.append(f"{key.fields[0].column} IS NOT NULL")
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    names = ", ".join(f"routedb_k{number}" for number in range(len(key.fields)))
    listed = ", ".join(map(str, sorted(set(places))))
    rows = session.run(
        f"SELECT {names} FROM (SELECT {taken}, row_number() OVER (ORDER BY {columns}) "
        f"AS routedb_n FROM {table}{condition}) routedb_q "
        f"WHERE routedb_n IN ({listed}) ORDER BY routedb_n"
    )
    return [
        tuple(
            _literal(session.dialect, field, value)
            for field, value in zip(key.fields, row, strict=True)
        )
        for row in rows
    ]


def _told(dialect: str, field: Field) -> str:
    if dialect == "postgresql":
        return f"{field.column}::pg_catalog.text"
    if dialect == "sqlite":
        return f"quote({field.column})"
    if field.spark == "binary":
        return f"HEX({field.column})"
    return f"CAST({field.column} AS CHAR)"


def _literal(dialect: str, field: Field, value: str | bytes) -> str:
    text = value.decode() if isinstance(value, bytes) else str(value)
    if dialect == "postgresql":
        return f"{string(dialect, text)}::{field.type}"
    if dialect == "sqlite":
        return text
    if field.spark == "binary":
        return f"x'{text}'"
    if field.spark in ("string", "date", "timestamp", "timestamp_ntz"):
        return string(dialect, text)
    return text


def _between(
    dialect: str,
    key: Key,
    lower: tuple[str, ...] | None,
    upper: tuple[str, ...] | None,
) -> str:
    said = []
    if lower is not None:
        said.append(_beyond(dialect, key, lower))
    if upper is not None:
        said.append(_up_to(dialect, key, upper))
    return " AND ".join(said)


def _beyond(dialect: str, key: Key, values: tuple[str, ...]) -> str:
    columns = [field.column for field in key.fields]
    if len(columns) == 1:
        return f"{columns[0]} > {values[0]}"
    if dialect != "mysql":  # whose optimizer takes no range of that
        return f"({', '.join(columns)}) > ({', '.join(values)})"
    return _spelt_out(columns, values, ">", ">")


def _up_to(dialect: str, key: Key, values: tuple[str, ...]) -> str:
    columns = [field.column for field in key.fields]
    if len(columns) == 1:
        return f"{columns[0]} <= {values[0]}"
    if dialect != "mysql":
        return f"({', '.join(columns)}) <= ({', '.join(values)})"
    return _spelt_out(columns, values, "<", "<=")


def _spelt_out(
    columns: Sequence[str], values: Sequence[str], sign: str, last: str
) -> str:
    """Return the comparison of two rows, column by column, with one of the first that
    an index can use."""
    said = []
    for at in range(len(columns)):
        same = [f"{columns[n]} = {values[n]}" for n in range(at)]
        mark = last if at == len(columns) - 1 else sign
        said.append(" AND ".join([*same, f"{columns[at]} {mark} {values[at]}"]))
    alternatives = " OR ".join(f"({each})" for each in said)
    return f"{columns[0]} {sign}= {values[0]} AND ({alternatives})"
