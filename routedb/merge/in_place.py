"""Rows in the place of relations, inside of a text: as queries in brackets.

So the text is still one of its own tables alone, whatever stands before and after it,
and can be sent to each of several groups. The queries have the types and collations of
the tables that the rows are of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from routedb.merge import mysql_work, postgresql_work
from routedb.merge.refused import NotMerged
from routedb.merge.row_values import values_of
from routedb.planner import Column, Relation, Remainder
from routedb.sql.scanner.identifiers import quote_identifier

MOST_VALUES = 32_000  # SQLite takes 32,766 in a text
_MARK = re.compile(r"%%|%s|%\([^)]*\)s|\broutedb_r\d+_")
_ALONE = re.compile(r"%|\broutedb_r\d+_")


class _Query(NamedTuple):
    """A query of rows, with `%s` for each of its values."""

    sql: str
    values: tuple[Any, ...] = ()


def in_place(
    dialect: str, remainder: Remainder, rows: Mapping[int, Sequence[Any]], params: Any
) -> tuple[str, Any]:
    """Return the text of `remainder`, in `dialect`, with the `rows` of each fragment,
    by its number, in the place of its relations, and its parameters, with the
    statement's own `params`. Raises NotMerged for too many rows, and for values that
    would be others."""
    queries = {
        relation.name: _QUERIES[dialect](relation, rows[relation.fragment])
        for relation in remainder.relations
    }
    bound, sql = remainder.text.bind(params), remainder.text.sql
    if bound is None:
        return _into_plain(sql, queries)
    if isinstance(bound, Mapping):
        return _into_named(sql, queries, bound)
    return _into_positional(sql, queries, bound)


def _into_plain(sql: str, queries: Mapping[str, _Query]) -> tuple[str, Any]:
    """Without parameters of the statement's, a percent sign is one."""
    values: list[Any] = []
    has_values = any(query.values for query in queries.values())

    def put(found: re.Match[str]) -> str:
        if found[0] == "%":
            return "%%" if has_values else "%"
        query = queries[found[0]]
        values.extend(query.values)
        return f"({query.sql if has_values else query.sql.replace('%%', '%')})"

    made = _ALONE.sub(put, sql)
    return made, tuple(values) if has_values else None


def _into_named(
    sql: str, queries: Mapping[str, _Query], bound: Mapping[str, Any]
) -> tuple[str, Any]:
    values = dict(bound)

    def put(found: re.Match[str]) -> str:
        query = queries.get(found[0])
        if query is None:
            return found[0]
        marks = iter(_named(query, values))
        return "(" + re.sub("%s", lambda _: next(marks), query.sql) + ")"

    return _MARK.sub(put, sql), values


def _named(query: _Query, values: dict[str, Any]) -> Iterator[str]:
    for value in query.values:
        name = f"routedb_a{len(values)}"
        values[name] = value
        yield f"%({name})s"


def _into_positional(
    sql: str, queries: Mapping[str, _Query], bound: Sequence[Any]
) -> tuple[str, Any]:
    given, values = iter(bound), []

    def put(found: re.Match[str]) -> str:
        if found[0] == "%s":
            values.append(next(given))
        query = queries.get(found[0])
        if query is None:
            return found[0]
        values.extend(query.values)
        return f"({query.sql})"

    return _MARK.sub(put, sql), tuple(values)


# -- queries of rows -------------------------------------------------------------------


def _postgresql(relation: Relation, rows: Sequence[Any]) -> _Query:
    if len(rows) > postgresql_work.MOST_ROWS:
        raise _too_many(relation, postgresql_work.MOST_ROWS)
    arrays = postgresql_work.arrays_of(relation, rows)
    marks = ["%s"] * len(arrays)
    return _Query(postgresql_work.query_of(relation, marks), tuple(arrays))


def _mysql(relation: Relation, rows: Sequence[Any]) -> _Query:
    if len(rows) > mysql_work.MOST_ROWS:
        raise _too_many(relation, mysql_work.MOST_ROWS)
    return _Query(mysql_work.query_of(relation, rows))


def _sqlite(relation: Relation, rows: Sequence[Any]) -> _Query:
    """Columns of VALUES have no type; a cast gives them their affinity."""
    columns = relation.columns
    most = MOST_VALUES // len(columns)
    if len(rows) > most:
        raise _too_many(relation, most)
    shown = ", ".join(
        f"{_cast(column, f'column{number}')} AS {_quoted(column.name)}"
        for number, column in enumerate(columns, 1)
    )
    if not rows:
        nulls = ", ".join(f"NULL AS column{n + 1}" for n in range(len(columns)))
        return _Query(f"SELECT {shown} FROM (SELECT {nulls} WHERE 0)")
    line = f"({', '.join(['%s'] * len(columns))})"
    values = []
    for row in rows:
        for column, value in zip(columns, values_of(row), strict=True):
            _check_affinity(column, value, relation)
            values.append(value)
    listed = ", ".join([line] * len(rows))
    return _Query(f"SELECT {shown} FROM (VALUES {listed})", tuple(values))


def _cast(column: Column, name: str) -> str:
    if column.collation is not None:
        raise NotMerged(f"column {column.name} has a collation of its own")
    affinity, _ = _affinity(column)
    return f"CAST({name} AS {affinity})" if affinity else name


def _check_affinity(column: Column, value: Any, relation: Relation) -> None:
    """SQLite keeps values that are not of their column's type: a cast changes them."""
    affinity, types = _affinity(column)
    if affinity and value is not None and type(value) not in types:
        raise NotMerged(
            f"column {column.name} is of type {column.type}, and has a value of "
            f"Python's type {type(value).__name__}"
        )


def _affinity(column: Column) -> tuple[str, frozenset[type]]:
    type_ = column.type.upper()
    for words, affinity, types in _AFFINITIES:
        if any(word in type_ for word in words):
            return affinity, types
    return ("NUMERIC", frozenset({int, float})) if type_ else ("", frozenset())


# In the order in which SQLite looks for them in the name of a type.
_AFFINITIES: list[tuple[tuple[str, ...], str, frozenset[type]]] = [
    (("INT",), "INTEGER", frozenset({int})),
    (("CHAR", "CLOB", "TEXT"), "TEXT", frozenset({str})),
    (("BLOB",), "", frozenset()),
    (("REAL", "FLOA", "DOUB"), "REAL", frozenset({float})),
]


def _quoted(name: str) -> str:
    return quote_identifier(name, "postgresql").replace("%", "%%")


def _too_many(relation: Relation, most: int) -> NotMerged:
    names = ", ".join(column.name for column in relation.columns)
    return NotMerged(
        f"more than {most} rows of ({names}) would have to be sent to each group"
    )


_QUERIES = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}
