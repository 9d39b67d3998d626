"""The answers of STREAM and COMBINE, of rows that the user's cursor has made.

Rows that are strung together may be whatever the program makes of rows. Where their
values are looked at, to put them in order or to add them up, they must be the driver's
own: with type casters, row factories or cursor classes of the program's they are
refused, but for the classes of dicts that the drivers bring.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import Any, NamedTuple

from routedb import errors
from routedb.adapters.base import ResultSet
from routedb.config.model import NodeConfig
from routedb.engine.links.link import Link
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge.order import comparable, reader, sort_rows
from routedb.merge.refused import NotMerged, NotOwn
from routedb.planner import Combine, GroupsPlan, Remainder, Slot

_BIGGEST = 2**63
_NONE: frozenset[int] = frozenset()
# Where classes of cursors are that make rows of the values as they are.
_DRIVERS = frozenset({"sqlite3", "psycopg2.extensions", "MySQLdb.cursors"})
_KNOWN = _DRIVERS | {"builtins", "psycopg2.extras", "typing"}
# What of a driver's cursor a class may replace without making other rows: Django's for
# SQLite has an `execute` of its own.
_HARMLESS = frozenset(
    {"execute", "executemany", "executescript", "callproc", "mogrify", "close"}
    | {"__init__", "__new__", "__del__", "__enter__", "__exit__", "__repr__"}
    | {"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__slots__"}
    | {"__annotations__", "__firstlineno__", "__static_attributes__"}
)


class Part(NamedTuple):
    """The answer of one group to the only fragment.

    `own` is "" where the values in `rows` are the driver's own, else why they are not,
    and `cast` are the numbers of the columns that type casters of the program's make.
    `shows_widths`: the description has the length of the longest value.
    """

    description: Any
    rows: Any
    rowcount: int
    query: Any
    statusmessage: str | None
    own: str
    shows_widths: bool
    cast: frozenset[int]


def part_of(cursor: VirtualCursor | None, link: Link, raw: ResultSet) -> Part:
    """Take the answer of `link` from `raw`, a raw cursor that `cursor` has opened; with
    None, one that is nobody's."""
    own = "" if cursor is None else _why_not_own(cursor, link, raw)
    cast = _cast(link, raw)
    rows = raw.fetchall()
    is_mysql = link.adapter.engine == "mysql"
    return Part(
        raw.description,
        rows,
        raw.rowcount,
        getattr(raw, "query", None),
        getattr(raw, "statusmessage", None),
        own,
        is_mysql and not own and any(column[2] for column in raw.description),
        cast,
    )


def merged(
    cursor: VirtualCursor, made: GroupsPlan, params: Any, parts: Sequence[Part]
) -> MergedResult:
    """Return the answer of the plan `made` with `params`, of the `parts` in the order
    of their groups, for `cursor` to show. Raises NotMerged, and what a sum raises that
    is too large."""
    if made.combine:
        rows = [_combined(made.combine, parts)]
    else:
        rows = [row for part in parts for row in part.rows]
        if made.order:
            check_own(parts, {term.column for term in made.order})
            sort_rows(rows, made.order, len(parts[0].description))
        start = number_of(made.offset, params) or 0
        limit = number_of(made.limit, params)
        rows = rows[start : None if limit is None else start + limit]
    return shown(cursor, _described(parts, rows), rows, parts[-1])


def shown(
    cursor: VirtualCursor, description: Any, rows: Sequence[Any], part: Part
) -> MergedResult:
    """Return the result that `cursor` is to show: `rows` with this `description`.

    The rest is as `part`, one of those that they are made of, has it.
    """
    result = MergedResult(cursor.arraysize)
    result.description = description
    result.query = part.query
    tag = part.statusmessage
    result.statusmessage = None if tag is None else f"SELECT {len(rows)}"
    result.show(type(part.rows)(rows))
    if part.rowcount < 0:  # sqlite3 does not count what it reads
        result.rowcount = part.rowcount
    return result


def renamed(cursor: VirtualCursor, remainder: Remainder, part: Part) -> MergedResult:
    """Return the result of `remainder`, which `part` has, for `cursor` to show, with
    its columns called what they are where the text runs as it is written. Raises
    NotMerged where the rows have the names in them."""
    names = tuple(remainder.original(each[0]) for each in part.description)
    is_by_name = part.own or (part.rows and isinstance(part.rows[0], dict))
    described = part.description
    if names != tuple(each[0] for each in part.description):
        if is_by_name:
            why = part.own or "rows have them"
            raise NotMerged(f"a column is called after its text, and {why}")
        described = tuple(
            (name, *each[1:])
            for name, each in zip(names, part.description, strict=True)
        )
    return shown(cursor, described, part.rows, part)


def _described(parts: Sequence[Part], rows: Sequence[Any]) -> Any:
    """Return the description that fits the rows: MySQLdb has the length of the longest
    value in it (PEP 249, display_size), unless rows are fetched one by one."""
    first = parts[0].description
    if not any(part.shows_widths for part in parts):
        return first
    values = reader(rows, len(first))
    described = []
    for number, column in enumerate(first):
        if any(part.description[number][1:2] != column[1:2] for part in parts):
            raise NotMerged(f"column {column[0]} is of another type on another shard")
        widths = [_width(values(row)[number]) for row in rows]
        known = [width for width in widths if width is not None]
        if len(known) < len(widths):
            known = [part.description[number][2] for part in parts]
        described.append((*column[:2], max(known, default=0), *column[3:]))
    return tuple(described)


def _width(value: Any) -> int | None:
    """Return the length of a value in the text that MySQL sends; None: not known."""
    if value is None:
        return 0
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    is_plain = isinstance(value, (int, Decimal, datetime.date))
    is_fraction = isinstance(value, datetime.datetime) and value.microsecond
    return len(str(value)) if is_plain and not is_fraction else None


# -- one row ---------------------------------------------------------------------------


def _combined(combine: Sequence[Combine], parts: Sequence[Part]) -> Any:
    check_own(parts, range(len(combine)))
    rows = [row for part in parts for row in part.rows]
    values = reader(rows, len(combine))
    columns = zip(*map(values, rows), strict=True)
    row = tuple(
        _COMBINED[how]([value for value in column if value is not None])
        for how, column in zip(combine, columns, strict=True)
    )
    return _remade(rows[0], row)


def _remade(row: Any, values: Sequence[Any]) -> Any:
    """Return another row like `row`, which a class of a driver's has made."""
    if isinstance(row, dict):
        return type(row)(zip(row, values, strict=True))
    if hasattr(row, "_make"):  # a named tuple
        return row._make(values)
    if isinstance(row, list):  # psycopg2's DictRow
        made = copy.copy(row)
        made[:] = values
        return made
    return tuple(values)


def _count(values: list[Any]) -> Any:
    return sum(values)


def _sum(values: list[Any]) -> Any:
    if not values:
        return None
    if any(isinstance(value, float) for value in values):
        raise NotMerged("a sum of values that are not all whole numbers")
    with localcontext(Context(prec=2000, traps=[])):
        total = sum(values)
    if isinstance(total, int) and not -_BIGGEST <= total < _BIGGEST:
        raise errors.OperationalError("integer overflow")
    return total


def _least(values: list[Any]) -> Any:
    return _one_of(values, min)


def _greatest(values: list[Any]) -> Any:
    return _one_of(values, max)


def _one_of(values: list[Any], choose: Callable[..., Any]) -> Any:
    if not values:
        return None
    found = choose(values, key=comparable)
    alike = {type(value) for value in values if comparable(value) == comparable(found)}
    if len(alike) > 1:
        raise NotMerged("equal values of several types")
    return found


_COMBINED: dict[Combine, Callable[[list[Any]], Any]] = {
    Combine.COUNT: _count,
    Combine.SUM: _sum,
    Combine.MIN: _least,
    Combine.MAX: _greatest,
}


def number_of(bound: int | Slot | None, params: Any) -> int | None:
    """Return the number that a LIMIT or OFFSET, `bound`, is with these `params`."""
    if isinstance(bound, Slot):
        return int(bound.value(params))
    return bound


# -- whose values they are -------------------------------------------------------------


def check_own(parts: Sequence[Part], columns: Iterable[int]) -> None:
    """Refuse to look at those `columns` of the `parts` whose values are not the
    driver's own, with NotOwn."""
    for part in parts:
        if part.own:
            raise NotOwn(f"its rows have to be looked at, and {part.own}")
        for column in part.cast.intersection(columns):
            raise NotOwn(
                f"its column {part.description[column][0]} has to be looked at, and a "
                "type caster of the program's makes its values"
            )


def _why_not_own(cursor: VirtualCursor, link: Link, raw: ResultSet) -> str:
    if has_own_class(cursor):
        return "they are made by a cursor class of the program's"
    return _ENGINES.get(link.adapter.engine, _unknown)(cursor, link, raw)


def has_own_class(cursor: VirtualCursor) -> bool:
    """Tell whether `cursor` is of a class of the program's that may make other rows."""
    return _makes_rows(type(cursor))


@lru_cache(maxsize=256)
def _makes_rows(kind: type) -> bool:
    own = [each for each in kind.__mro__ if not _is_known(each)]
    if not own:
        return False
    theirs = {name for each in own for name in vars(each)} - _HARMLESS
    drivers = [each for each in kind.__mro__ if _is_drivers(each)]
    replaced = (hasattr(each, name) for each in drivers for name in theirs)
    return "__getattr__" in theirs or not drivers or any(replaced)


def _is_drivers(kind: type) -> bool:
    """Tell whether a class is a driver's, not one of ours with its name."""
    ours = (each.__module__.partition(".")[0] == "routedb" for each in kind.__mro__)
    return kind.__module__ in _DRIVERS and not any(ours)


def _is_known(kind: type) -> bool:
    module = kind.__module__
    return module.partition(".")[0] == "routedb" or module in _KNOWN


def _sqlite(cursor: Any, link: Link, raw: Any) -> str:
    if getattr(cursor, "row_factory", None) is not None:
        return "they are made by a row factory of the program's"
    if converts(link.node):
        return "values are made by converters of the program's"
    return sqlite_texts(link)


def sqlite_texts(link: Link) -> str:
    """Tell why the texts of `link` are not SQLite's own, "" when they are."""
    is_own = link.raw.text_factory is str
    return "" if is_own else "texts are made by a text factory of the program's"


def converts(node: NodeConfig) -> bool:
    """Tell whether converters of the program's make values of SQLite's `node`."""
    return bool(node.options.get("detect_types"))


def _postgresql(cursor: Any, link: Link, raw: Any) -> str:
    return ""  # see _cast


def _cast(link: Link, raw: Any) -> frozenset[int]:
    """Return the numbers of the columns whose values casters of the program's make."""
    if link.adapter.engine != "postgresql":
        return _NONE
    if not (raw.string_types or link.raw.string_types):
        return _NONE
    casters = {*(raw.string_types or ()), *(link.raw.string_types or ())}
    return frozenset(
        number
        for number, column in enumerate(raw.description)
        if column.type_code in casters
    )


def _mysql(cursor: Any, link: Link, raw: Any) -> str:
    if "conv" in link.node.options:
        return "values are made by a converter of the program's"
    return ""


def _unknown(cursor: Any, link: Link, raw: Any) -> str:
    return f"of {link.adapter.engine} that is not known"


_ENGINES: dict[str, Callable[[Any, Link, Any], str]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
}
