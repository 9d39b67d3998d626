"""Remainders on MySQL and MariaDB: the rows are a part of the text, as JSON.

`JSON_TABLE` makes a table of them, whose columns have the types of the tables they
stand for: no temporary table, which would be in the binary log. Values go as text.
Where a text is not of the connection's characters, or a value is no value of its type
any more, there is an error and no other value (ERROR ON ERROR).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.merge.refused import NotMerged
from routedb.merge.row_values import values_of
from routedb.planner import Column, Fragment, Relation, Remainder
from routedb.planner.carried_types import MYSQL_BYTES
from routedb.sql.scanner.identifiers import quote_identifier

MOST_ROWS = 20_000
# Inside of what has a WITH of its own, MariaDB does not find what one outside names.
_WITH = re.compile(r"\bWITH\b", re.IGNORECASE).search
_ALL = 2**64 - 1
_RELATION = re.compile(r"\broutedb_r\d+_")


def _as_text(column: Column, name: str) -> str:
    return name if column.collation else f"CAST({name} AS CHAR)"


def as_texts(
    fragment: Fragment, written: Callable[[Column, str], str] = _as_text
) -> Fragment:
    """Return the fragment with its values as texts: each column as it is `written`,
    with its name."""
    shown = ", ".join(
        f"{written(column, f'routedb_f.{_quoted(column.name)}')} AS c{place}"
        for place, column in enumerate(fragment.columns)
    )
    inner = fragment.text.sql.rstrip().rstrip(";")
    if fragment.is_locking:
        inner += " FOR UPDATE"
    sql = f"SELECT {shown} FROM ({inner}) AS routedb_f"
    return replace(fragment, text=fragment.text._replace(sql=sql))


def open_raw(link: Link) -> RawCursor:
    """Open a plain cursor on `link`. Raises NotMerged where its rows are the program's,
    or not all characters pass."""
    raw: Any = link.adapter.cursor(link.raw)
    if type(raw).__module__ != "MySQLdb.cursors" or "conv" in link.node.options:
        raise NotMerged("rows are made by a cursor class or converter of the program's")
    if link.raw.character_set_name() != "utf8mb4":
        raise NotMerged(f"the link to {link.node.name} is not in utf8mb4")
    opened: RawCursor = raw
    return opened


def text_of(
    remainder: Remainder, rows: Mapping[int, Sequence[Any]], params: Any
) -> tuple[str, Any]:
    """Return the text of `remainder` with the `rows` of each fragment in it, by its
    number, and its parameters, of the statement's own `params`. Raises NotMerged."""
    if sum(map(len, rows.values())) > MOST_ROWS:
        raise NotMerged(f"more than {MOST_ROWS} rows would have to be moved")
    sql = remainder.text.sql
    tables = {
        relation.name: query_of(relation, rows[relation.fragment])
        for relation in remainder.relations
    }
    if _WITH(sql):
        sql = _RELATION.sub(lambda found: f"({tables[found[0]]})", sql)
    else:
        listed = ", ".join(f"{name} AS ({table})" for name, table in tables.items())
        sql = f"WITH {listed} {sql}"
    return sql, remainder.text.bind(params)


def query_of(relation: Relation, rows: Sequence[Any]) -> str:
    """Return the query that has the `rows` of a `relation`. Raises NotMerged for what
    is no text.

    They are written in hexadecimal digits: whether a backslash means something in a
    string depends on the session. LIMIT has the server make a table of them first:
    MariaDB 10.11 loses rows where it sees through the query to JSON_TABLE, under a
    window over a correlated NOT IN.
    """
    shown, columns = [], []
    for place, column in enumerate(relation.columns):
        type_, value = column.type, f"c{place}"
        if type_ == MYSQL_BYTES:  # of another engine's, in hexadecimal digits
            # Of a longtext MariaDB 10.11 takes the digits for no bytes at all.
            type_, value = "mediumtext CHARACTER SET ascii", f"UNHEX(c{place})"
        elif column.collation:
            charset = column.collation.partition("_")[0]
            type_ += f" CHARACTER SET {charset} COLLATE {column.collation}"
        shown.append(f"{value} AS {_quoted(column.name)}")
        columns.append(
            f"c{place} {type_} PATH '$[{place}]' NULL ON EMPTY ERROR ON ERROR"
        )
    plain = [list(map(_plain, values_of(row))) for row in rows]
    written = json.dumps(plain, ensure_ascii=False).encode().hex()
    return (
        f"SELECT {', '.join(shown)} FROM JSON_TABLE(_utf8mb4 X'{written}', "
        f"'$[*]' COLUMNS ({', '.join(columns)})) AS routedb_j LIMIT {_ALL}"
    )


def _plain(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise NotMerged(f"a value came as {type(value).__name__} and not as text")
    return value


def _quoted(name: str) -> str:
    return quote_identifier(name, "mysql").replace("%", "%%")
