"""Fragments without the rows that are on a shard and belong to another one.

While rows move between the shards of a table, some of them are on two. Which of a
shard's are not to be counted there is in a table beside it, by their primary keys. So
each use of the table in a fragment becomes a query of its other rows; a plan is made as
if nothing moved, and its fragments are written anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from routedb.config.model import RowsMoving
from routedb.planner.plans import Bound, Fragment, GroupsPlan, Refusal
from routedb.planner.source_text import Refused, refuse
from routedb.planner.views import without_uses
from routedb.sql import Table
from routedb.sql.scanner.identifiers import quote_identifier


def without_hidden(
    made: GroupsPlan,
    moving: Mapping[str, Mapping[Table, RowsMoving]],
    dialects: Mapping[str, str],
) -> GroupsPlan | Refusal:
    """Return the plan `made` without hidden rows: `moving` has the tables of each
    database whose rows move, `dialects` how texts for it are written."""
    try:
        fragments = tuple(
            _fragment(each, moving[each.database], dialects[each.database])
            if each.database in moving
            else each
            for each in made.fragments
        )
        otherwise = made.otherwise
        if otherwise is not None:
            found = without_hidden(otherwise, moving, dialects)
            if isinstance(found, Refusal):
                return found
            otherwise = found
    except Refused as exc:
        return exc.refusal
    return replace(made, fragments=fragments, otherwise=otherwise, near=None)


def _fragment(
    fragment: Fragment, moving: Mapping[Table, RowsMoving], dialect: str
) -> Fragment:
    queries: dict[Table, str] = {}
    for table, rows in moving.items():
        # A fragment of ours may name it without its schema.
        for each in (Table(None, table.name), table):
            queries[each] = _query(each, rows, dialect)
    sql = without_uses(fragment.text.sql, dialect, queries)
    return replace(fragment, text=Bound(sql, fragment.text.slots))


def _query(table: Table, moving: RowsMoving, dialect: str) -> str:
    names = [table.name] if table.schema is None else [table.schema, table.name]
    written = ".".join(_quoted(each, dialect) for each in names)
    own = _quoted(table.name, dialect)
    same = " AND ".join(
        f"routedb_hidden.k{place} = {own}.{_quoted(column, dialect)}"
        for place, column in enumerate(moving.key)
    )
    hidden = _quoted(moving.hidden, dialect)
    if table.schema is not None:
        hidden = f"{_quoted(table.schema, dialect)}.{hidden}"
    return (
        f"SELECT * FROM {written} WHERE NOT EXISTS (SELECT 1 FROM {hidden} "
        f"AS routedb_hidden WHERE {same})"
    )


def _quoted(name: str, dialect: str) -> str:
    if "%" in name:  # one percent sign or two: that depends on the call
        refuse("rows that move", f"{name}: while rows of it move between shards")
    return quote_identifier(name, dialect)
