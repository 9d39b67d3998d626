"""The text of INSERT … SELECT with rows in the place of its query, and their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.merge import bringing, mysql_load, postgresql_load
from routedb.merge.putting import Found
from routedb.merge.refused import NotMerged
from routedb.planner import Written, strung


def types_for(
    session: Session, link: Link, made: Written, params: Any, found: Found
) -> list[str]:
    """Return the types by which the rows that were `found` are brought to `link`, a
    branch of `session`, for the statement `made` with `params`. Raises NotMerged, and
    what the driver raises."""
    engine = link.adapter.engine
    if found.link.adapter.engine != engine or engine not in bringing.ENGINES:
        raise NotMerged(f"its target is on {engine}, its rows on another engine")
    if engine == "sqlite":
        return [""] * len(found.description)
    if engine == "mysql":
        mysql_load.check_alike(link.run, found.description, found.warnings, made)
        return mysql_load.types_of(found.description, found.rows)
    oids = [column[1] for column in found.description]
    # A link of our own that has worked out the rest is not there any more.
    source = session.transaction.branches.get(found.link.node.group)
    if any(oid >= postgresql_load.FIRST_OWN for oid in oids):
        if source is None:
            raise NotMerged("it has a type of the user's, of a database not asked")
    else:
        source = link
    types = postgresql_load.types_of(source.run, oids)
    untyped = untyped_places(made, params, len(types))
    if untyped:
        targets = _target_types(link, made)
        for place in untyped:
            if place < len(targets):  # else the server says so
                types[place] = targets[place]
    return types


def untyped_places(made: Written, params: Any, width: int) -> list[int]:
    """Return which of so many columns, `width`, of the query of `made` with `params`
    have no type of their own."""
    return [
        place % width
        for place, slot in made.untyped
        if slot is None or _is_untyped(slot.value(params))
    ]


def _is_untyped(value: Any) -> bool:
    """Tell whether psycopg2 writes a parameter as a literal without a type."""
    return value is None or isinstance(value, str)


def _target_types(link: Link, made: Written) -> list[str]:
    columns = postgresql_load.columns_of(link.run, made.target)
    if made.columns is None:
        return [type_ for _, type_ in columns]
    by_name = dict(columns)
    missing = [name for name in made.columns if name not in by_name]
    if missing:
        raise NotMerged(f"{missing[0]} is no column of its target that is understood")
    return [by_name[name] for name in made.columns]


def with_rows(
    made: Written, rows: bringing.Rows, params: Any
) -> tuple[str, Mapping[str, Any] | tuple[Any, ...] | None]:
    """Return the statement `made` with `params`, with the query of the `rows` in the
    place of its own, and its parameters."""
    before, after, sql = made.before, made.after, rows.sql
    if params is None and not rows.values:
        return strung(before.sql, sql, after.sql), None
    if params is None:  # a percent sign is one
        doubled = [part.sql.replace("%", "%%") for part in (before, after)]
        return strung(doubled[0], sql, doubled[1]), rows.values
    if isinstance(params, Mapping):
        names = [f"routedb_a{number}" for number in range(len(rows.values))]
        pieces = sql.split("%s")
        marks = [f"%({name})s" for name in names]
        sql = "".join(
            piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True)
        )
        values = dict(zip(names, rows.values, strict=True))
        return strung(before.sql, sql, after.sql), {**params, **values}
    bound = (*before.bind(params), *rows.values, *after.bind(params))
    return strung(before.sql, sql, after.sql), bound
