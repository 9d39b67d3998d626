"""Rows of described types, as a temporary table on a link of our own.

How that is done on an engine is in `postgresql_tables` and `mysql_tables`. `load` is
for a link that one of them has begun; who lends links is `scratch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from routedb.engine.links.link import Link
from routedb.merge import mysql_tables, postgresql_tables
from routedb.merge.lines import Lines
from routedb.planner import Column

TABLES: dict[str, Any] = {"postgresql": postgresql_tables, "mysql": mysql_tables}
_INDEXED_FROM = 200  # rows: fewer are read through as fast


def load(
    link: Link,
    name: str,
    columns: Sequence[Column],
    lines: Sequence[Lines],
    keys: Iterable[str] = (),
    primary_key: Sequence[str] = (),
) -> None:
    """Make the temporary table `name`, which needs no quotes, on `link`, with `columns`
    and the rows of all `lines`, each value of which is a text that its type takes.

    It is indexed by each of the columns called `keys`, where that can be, and has the
    `primary_key`, if the rows have. Raises NotMerged for a right that is missing, and
    what the driver raises.
    """
    tables = TABLES[link.adapter.dialect]
    try:
        tables.create(link, name, columns)
    except Exception as exc:
        link.adapter.adopt(exc)
        refusal = tables.refusal(link, exc)
        raise refusal or exc from None
    tables.fill(link, name, columns, lines)
    wanted = set(keys) if sum(map(len, lines)) >= _INDEXED_FROM else set()
    indexed = [c for c in columns if c.name in wanted and tables.is_indexed(c)]
    tables.finish(link, name, indexed, primary_key)
