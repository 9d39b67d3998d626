"""Remainders on SQLite: in a database in memory, with what the program has registered.

Values of the groups' rows come through Python, which has each of SQLite's five types
as one of its own, and are stored in columns of the same types, so they stay what they
are. Keys are left out: no statement shows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge.answers import Part, part_of, renamed, shown, sqlite_texts
from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import Shape, quoted
from routedb.planner import Column, Remainder


def open_raw(link: Link) -> RawCursor:
    """Open a cursor on `link` whose rows are SQLite's own values. Raises NotMerged
    where the program makes other texts of them."""
    why = sqlite_texts(link)
    if why:
        raise NotMerged(why)
    return link.adapter.exact_cursor(link.raw)


def present(
    session: Session, cursor: VirtualCursor, link: Link, part: Part
) -> MergedResult:
    """Return the result that has the rows of `part`, as `cursor` makes rows; `link` is
    one of those of `session` that they came from."""
    names = [str(column[0]).replace('"', '""') for column in part.description]
    columns = [Column(f"c{number}", "") for number in range(len(names))]
    scratch = _scratch(session, link)
    try:
        _fill(scratch.raw, "routedb_r", columns, part.rows)
        listed = ", ".join(f'c{n} AS "{name}"' for n, name in enumerate(names))
        raw = cursor.make_raw_cursor(scratch)
        raw.execute(f"SELECT {listed} FROM routedb_r ORDER BY rowid")
        made = part_of(cursor, scratch, raw)
        return shown(cursor, made.description, made.rows, made)
    finally:
        scratch.close()


def run_remainder(
    session: Session,
    cursor: VirtualCursor,
    link: Link,
    remainder: Remainder,
    rows: Mapping[int, Sequence[Any]],
    params: Any,
) -> MergedResult:
    """Run `remainder` with `params` over the `rows` of each fragment, by its number;
    return the result for `cursor` to show.

    `link` is one of those of `session` that the rows came from. Raises NotMerged.
    """
    scratch = _scratch(session, link)
    try:
        for relation in remainder.relations:
            _fill(scratch.raw, relation.name, relation.columns, rows[relation.fragment])
        raw = cursor.make_raw_cursor(scratch)
        text = remainder.text
        bound = text.bind(params)
        if bound is None:
            raw.execute(text.sql)
        else:
            raw.execute(text.sql, bound)
        return renamed(cursor, remainder, part_of(cursor, scratch, raw))
    except Exception as exc:
        scratch.classify_error(exc)  # which makes it routedb's as well
        raise
    finally:
        scratch.close()


def shape_of(session: Session, link: Link, remainder: Remainder, params: Any) -> Shape:
    """Return the columns of a table that is made of `remainder` with `params`, in the
    place of `link` of `session`. Raises what the driver raises."""
    scratch = _scratch(session, link)
    try:
        for relation in remainder.relations:
            _fill(scratch.raw, relation.name, relation.columns, ())
        raw: Any = scratch.adapter.cursor(scratch.raw)
        bound = remainder.text.bind(params)
        made = f"CREATE TABLE routedb_shape AS {remainder.text.sql}"
        raw.execute(made) if bound is None else raw.execute(made, bound)
        asked = "SELECT name, type FROM pragma_table_info('routedb_shape') ORDER BY cid"
        return [(remainder.original(name), type_) for name, type_ in scratch.run(asked)]
    except Exception as exc:
        scratch.classify_error(exc)
        raise
    finally:
        scratch.close()


def is_there(link: Link, target: str, is_temporary: bool) -> bool:
    """Tell whether `target`, as a text names it, is a table that `link` has, where one
    would be made that `is_temporary` or not."""
    schema, _, name = target.rpartition(".")
    schema = schema.strip() or ("temp" if is_temporary else "main")
    plain = name.strip().strip('"')
    return bool(
        link.run(
            f"SELECT 1 FROM {schema}.sqlite_master "
            f"WHERE type IN ('table', 'view') AND lower(name) = lower({quoted(plain)})"
        )
    )


def _scratch(session: Session, link: Link) -> Link:
    options = {**link.node.options, "database": ":memory:", "uri": False}
    node = replace(link.node, options=options, is_read_only=False)
    host = session.links.frontend_hooks.get("sqlite")
    timeout_s = session.core.config.databases[node.database].connect_timeout_s
    opener = link.adapter.connect if host is None else host.open_link
    scratch = Link(node, link.adapter, opener(node, timeout_s), 0)
    if host is not None:
        host.configure_raw(scratch.raw, node)
    return scratch


def _fill(
    raw: Any, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]
) -> None:
    lines = []
    for column in columns:
        quoted = '"' + column.name.replace('"', '""') + '"'
        collation = f" COLLATE {column.collation}" if column.collation else ""
        lines.append(f"{quoted} {column.type}{collation}")
    raw.execute(f'CREATE TABLE "{name}" ({", ".join(lines)})')
    if rows:
        marks = ", ".join("?" * len(columns))
        raw.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
