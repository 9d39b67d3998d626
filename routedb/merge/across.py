"""Rows from engines of other dialects, as texts that PostgreSQL's input functions read.

What each column may be is in `routedb.planner.carried`. Here it is seen to that each
value is one of the type: what is none is refused, and never made another value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from math import isinf
from typing import Any

from routedb.adapters.base import RawCursor
from routedb.config.model import ClusterConfig
from routedb.engine.links.link import Link
from routedb.merge import mysql_work, postgresql_work, sqlite_work
from routedb.merge.catalogs import Known
from routedb.merge.fragments import GroupReads
from routedb.merge.refused import NotMerged
from routedb.merge.row_values import values_of
from routedb.planner import Column, Fragment, GroupsPlan

WORKS: dict[str, Any] = {
    "postgresql": postgresql_work,
    "mysql": mysql_work,
    "sqlite": sqlite_work,
}
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?: ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?)?",
    re.ASCII,
)
Convert = Callable[[Any], str]


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
        is_made_here = dialect == "sqlite"
        fragments.append(
            fragment if is_made_here else WORKS[dialect].as_texts(fragment)
        )
    return replace(made, fragments=tuple(fragments))


def carried(
    fragment: Fragment, rows: Sequence[Any], made: GroupsPlan, link: Link
) -> Sequence[Any]:
    """Return the `rows` of a `fragment` that came over `link` as the remainder of
    `made` takes them. Raises NotMerged for a value that its type has not."""
    dialect = link.adapter.dialect
    if dialect == made.dialect:
        return rows
    how = [_converter(fragment, column, dialect) for column in fragment.columns]
    return [
        tuple(
            None if value is None else convert(value)
            for convert, value in zip(how, values_of(row), strict=True)
        )
        for row in rows
    ]


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


def _converter(fragment: Fragment, column: Column, dialect: str) -> Convert:
    name = f"column {column.name} of {fragment.database}"
    if dialect == "sqlite":
        return partial(_from_sqlite, name, column.type.upper())
    type_ = column.type.lower()
    if type_.startswith("date"):
        return partial(_moment, name)
    return partial(_text, name, type_.startswith("char"))


def _text(name: str, is_padded: bool, value: Any) -> str:
    """A char(n) has no blanks at its end, whether a session's sql_mode shows them."""
    if not isinstance(value, str):
        raise NotMerged(f"{name}: a value came as {type(value).__name__}, not as text")
    if "\0" in value:
        raise NotMerged(f"{name} has a text with NUL, which PostgreSQL cannot hold")
    return value.rstrip(" ") if is_padded else value


def _moment(name: str, value: Any) -> str:
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    try:
        if found is None:
            raise ValueError(value)
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise NotMerged(f"{name} has {value}, which is no day") from None
    return str(value)


def _from_sqlite(name: str, type_: str, value: Any) -> str:
    """SQLite keeps values of other types than its columns', where it is not STRICT."""
    if "INT" in type_:
        wanted: type = int
    elif any(word in type_ for word in ("CHAR", "CLOB", "TEXT")):
        wanted = str
    else:
        wanted = float
    if type(value) is not wanted:
        raise NotMerged(
            f"{name} is of type {type_}, and has a value of Python's type "
            f"{type(value).__name__}"
        )
    if wanted is str:
        return _text(name, False, value)
    if isinstance(value, float) and isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)
