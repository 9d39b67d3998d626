"""Rows from engines of other dialects than the remainder's.

What each column may be is in `routedb.planner.carried_types`, and what becomes of its
values in `sent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from routedb.adapters.base import RawCursor
from routedb.config.model import ClusterConfig
from routedb.engine.links.link import Link
from routedb.merge import mysql_work, postgresql_work, sqlite_work
from routedb.merge.catalogs import Known
from routedb.merge.fragments import GroupReads
from routedb.merge.lines import Lines
from routedb.merge.refused import NotMerged
from routedb.merge.row_values import values_of
from routedb.merge.sent import Convert, asked_as, converter
from routedb.planner import Carried, Column, Fragment, GroupsPlan, carried_as

WORKS: dict[str, Any] = {
    "postgresql": postgresql_work,
    "mysql": mysql_work,
    "sqlite": sqlite_work,
}
_BLOCK = 1000


def open_raw(link: Link) -> RawCursor:
    """Open what a fragment runs on, on a `link` of any engine. Raises NotMerged where
    its values would be the program's."""
    opened: RawCursor = WORKS[link.adapter.dialect].open_raw(link)
    return opened


def as_texts(made: GroupsPlan, config: ClusterConfig) -> GroupsPlan:
    """Return the plan `made` with the values of its fragments as texts, where the
    engine makes them; `config` has the engines."""
    fragments = []
    for fragment in made.fragments:
        dialect = config.databases[fragment.database].dialect
        if dialect == "sqlite":  # whose values are Python's
            fragments.append(fragment)
        elif dialect == made.dialect:
            fragments.append(WORKS[dialect].as_texts(fragment))
        else:
            written = _written(dialect, made.dialect)
            fragments.append(WORKS[dialect].as_texts(fragment, written))
    return replace(made, fragments=tuple(fragments))


def _written(dialect: str, target: str) -> Callable[[Column, str], str]:
    """Return what writes a column of `dialect` by its name, for its text."""

    def written(column: Column, name: str) -> str:
        return asked_as(column, _carried(column, dialect, target).kind, name, dialect)

    return written


def carried(
    fragment: Fragment, rows: Sequence[Any], made: GroupsPlan, link: Link
) -> Sequence[Any]:
    """Return the `rows` of a `fragment` that came over `link` as the remainder of
    `made` takes them. Raises NotMerged for a value that its type has not."""
    dialect = link.adapter.dialect
    if dialect == made.dialect:
        return rows
    how = [_converter(fragment, each, dialect, made) for each in fragment.columns]
    return [
        tuple(
            None if value is None else convert(value)
            for convert, value in zip(how, values_of(row), strict=True)
        )
        for row in rows
    ]


def carried_lines(
    fragment: Fragment, lines: Lines, made: GroupsPlan, link: Link
) -> Lines:
    """Return what `carried` makes of the rows of a `fragment` of `made` that came over
    `link` as `lines`, which are closed then unless they go on as they are."""
    if link.adapter.dialect == made.dialect:
        return lines
    found = Lines()
    for block in _blocks(iter(lines)):
        found.add_rows(carried(fragment, block, made, link))
    lines.close()
    return found


def _blocks(rows: Iterator[Any]) -> Iterator[Sequence[Any]]:
    while block := list(islice(rows, _BLOCK)):
        yield block


def one_order(known: Known, config: ClusterConfig, dialect: str) -> None:
    """Raise NotMerged where those databases of `dialect` that are `known` order texts
    differently; `config` has their dialects."""
    orders = {
        answer.order
        for (database, _), answer in known.answers.items()
        if config.databases[database].dialect == dialect
    }
    if len(orders) > 1:
        raise NotMerged(f"its databases order texts differently: {sorted(orders)}")


def working_reads(
    asked: Sequence[GroupReads], config: ClusterConfig, dialect: str
) -> GroupReads:
    """Return which group may work out a remainder of `dialect`: the first of `asked`
    that speaks it, else the default database's by `config`, else that of the first one
    that does. Raises NotMerged."""
    for reads in asked:
        if reads.database.dialect == dialect:
            return reads
    for database in (config.default_database, *config.databases.values()):
        if database.dialect == dialect:
            return GroupReads(database, 0)
    raise NotMerged(f"no database of the configuration speaks {dialect}")


def _converter(
    fragment: Fragment, column: Column, dialect: str, made: GroupsPlan
) -> Convert:
    found = _carried(column, dialect, made.dialect)
    return converter(column, found, (dialect, made.dialect), fragment.database)


def _carried(column: Column, source: str, target: str) -> Carried:
    found = carried_as(column, source, target)
    assert found is not None  # or there was no plan
    return found
