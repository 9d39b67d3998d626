"""Rows of known types as a query, on a link: in its text, or in a temporary table.

Few rows are a part of the text: no table is made, so the transaction may still be
prepared for two-phase commit. More go into a temporary table of the link's, a block at
a time. Either way the query has a column of the type for each, called `c0`, `c1` …
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from routedb.engine.links.link import Link
from routedb.merge import mysql_load, postgresql_load

BLOCK = 5_000  # rows in one text
_TABLE = "routedb_written"


class Rows(NamedTuple):
    """A query that has the rows, and its parameters, which are positional."""

    sql: str
    values: tuple[str, ...] = ()
    is_table: bool = False  # of the link's: to be dropped


Inline = Callable[[Sequence[str], Sequence[Sequence[Any]]], tuple[str, tuple[str, ...]]]
_INLINE: dict[str, Inline] = {
    "postgresql": postgresql_load.inline,
    "mysql": mysql_load.inline,
}
ENGINES = frozenset({*_INLINE, "sqlite"})
_CREATE = {
    "postgresql": f"CREATE TEMPORARY TABLE {_TABLE} ON COMMIT DROP AS ",
    "mysql": f"CREATE TEMPORARY TABLE {_TABLE} AS ",
}


def load(
    link: Link,
    types: Sequence[str],
    rows: Sequence[Sequence[Any]],
    in_text: bool = False,
) -> Rows:
    """Bring `rows`, whose columns are of these `types`, to `link`; `in_text`: however
    many there are, where the engine prepares transactions. Raises NotMerged for values
    that are none of the type, and what the driver raises."""
    names = [f"c{number}" for number in range(len(types))]
    listed = ", ".join(names)
    if link.adapter.engine == "sqlite":
        link.ask(_fill, names, types, rows)
        # WHERE tells ON CONFLICT from the ON of a join.
        return Rows(f"SELECT {listed} FROM temp.{_TABLE} WHERE 1", is_table=True)
    inline = _INLINE[link.adapter.engine]
    if in_text or len(rows) <= BLOCK:
        return Rows(*inline(types, rows))
    before = _CREATE[link.adapter.engine]
    for start in range(0, len(rows), BLOCK):
        sql, values = inline(types, rows[start : start + BLOCK])
        link.ask(execute, before + sql, values)
        before = f"INSERT INTO {_TABLE} "
    return Rows(f"SELECT {listed} FROM {_TABLE}", is_table=True)


def unload(link: Link, rows: Rows) -> None:
    """Leave nothing of `rows` on `link`. A transaction that has failed there takes them
    with it. Raises what the driver raises."""
    if rows.is_table and not link.is_failed():
        word = "TEMPORARY " if link.adapter.engine == "mysql" else ""
        link.run(f"DROP {word}TABLE {_TABLE}")


def execute(raw: Any, sql: str, values: Any) -> None:
    """Execute `sql` with `values`, if any, on `raw`, a connection of the driver's."""
    cursor = raw.cursor()
    try:
        cursor.execute(sql, values or None)
    finally:
        cursor.close()


def _fill(
    raw: Any,
    names: Sequence[str],
    types: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    columns = map(" ".join, zip(names, types, strict=True))
    raw.execute(f"CREATE TEMP TABLE {_TABLE} ({', '.join(columns)})")
    marks = ", ".join("?" * len(names))
    raw.executemany(f"INSERT INTO temp.{_TABLE} VALUES ({marks})", rows)
