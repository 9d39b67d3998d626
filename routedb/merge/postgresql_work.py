"""Remainders on PostgreSQL: the rows are a part of the text, as arrays.

Each value goes as the text that its type's output function has made, and is read again
by the input function, which gives the same value. No table is made, so this works on a
replica and through poolers. What must have a primary key, to have columns beside
GROUP BY, the server refuses then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.merge.refused import NotMerged
from routedb.planner import Column, Fragment, Relation, Remainder

MOST_ROWS = 50_000
_WITH = re.compile(r"\s*WITH(\s+RECURSIVE)?\b", re.IGNORECASE)
GROUPING_ERROR = "42803"


def _as_text(column: Column, name: str) -> str:
    return f"{name}::text"


def as_texts(
    fragment: Fragment, written: Callable[[Column, str], str] = _as_text
) -> Fragment:
    """Return the fragment with its values as texts: each column as it is `written`,
    with its name."""
    names = [f"c{number}" for number in range(len(fragment.columns))]
    shown = ", ".join(
        written(column, f"routedb_f.{name}")
        for column, name in zip(fragment.columns, names, strict=True)
    )
    inner = fragment.text.sql.rstrip().rstrip(";")
    sql = f"SELECT {shown} FROM ({inner}) AS routedb_f({', '.join(names)})"
    return replace(fragment, text=fragment.text._replace(sql=sql))


def open_raw(link: Link) -> RawCursor:
    """Open a plain cursor on `link`."""
    return link.adapter.cursor(link.raw)


def text_of(
    remainder: Remainder, rows: Mapping[int, Sequence[Any]], params: Any
) -> tuple[str, Any]:
    """Return the text of `remainder` with the `rows` of each fragment in it, by its
    number, and its parameters, with the statement's own `params`. Raises NotMerged."""
    if sum(map(len, rows.values())) > MOST_ROWS:
        raise NotMerged(f"more than {MOST_ROWS} rows would have to be moved")
    bound = remainder.text.bind(params)
    sql = remainder.text.sql
    values: list[str] = []
    parts: list[str] = []
    is_named = isinstance(bound, Mapping)
    for relation in remainder.relations:
        parts.append(_as_cte(relation, len(values), is_named))
        values += arrays_of(relation, rows[relation.fragment])
    if bound is None:
        sql = sql.replace("%", "%%")
    found = _WITH.match(sql)
    word = "WITH RECURSIVE" if found is not None and found[1] else "WITH"
    rest = f", {sql[found.end() :]}" if found is not None else f" {sql}"
    made = f"{word} {', '.join(parts)}{rest}"
    if is_named:
        names = {f"routedb_a{number}": value for number, value in enumerate(values)}
        return made, {**bound, **names}
    return made, (*values, *(bound or ()))


def _as_cte(relation: Relation, first: int, is_named: bool) -> str:
    numbers = range(first, first + len(relation.columns))
    marks = [f"%(routedb_a{number})s" if is_named else "%s" for number in numbers]
    return f"{relation.name} AS ({query_of(relation, marks)})"


def query_of(relation: Relation, marks: Sequence[str]) -> str:
    """Return a query that has the rows of a `relation`, for each column of which there
    is an array: the `marks` stand for them."""
    shown, names = [], []
    for number, column in enumerate(relation.columns):
        quoted = '"' + column.name.replace('"', '""').replace("%", "%%") + '"'
        collation = f" COLLATE {column.collation}" if column.collation else ""
        shown.append(f"c{number}::{column.type}{collation} AS {quoted}")
        names.append(f"c{number}")
    arrays = ", ".join(f"{mark}::text[]" for mark in marks)
    listed = ", ".join(names)
    return f"SELECT {', '.join(shown)} FROM unnest({arrays}) AS routedb_u({listed})"


def arrays_of(relation: Relation, rows: Sequence[Any]) -> list[str]:
    """Return an array for each column of a `relation` with these `rows`, as PostgreSQL
    writes one of texts. Raises NotMerged for what is no text."""
    columns = zip(*rows, strict=True) if rows else [()] * len(relation.columns)
    return ["{" + ",".join(map(_element, column)) + "}" for column in columns]


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        raise NotMerged("texts are made by a type caster of the program's")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
