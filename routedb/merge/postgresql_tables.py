"""Temporary tables of PostgreSQL, on a link of our own, in a transaction that is rolled
back: nothing of it stays, and through a pooler it is one session.

The link is given what the user's session has set, by what its server shows of it, as
far as a value could depend on it. What it says of transactions is about others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from routedb.engine.links.link import Link
from routedb.merge.lines import Lines
from routedb.merge.refused import NotMerged
from routedb.merge.replay import replay
from routedb.merge.table_answer import quoted
from routedb.planner import Column
from routedb.planner.results import type_of
from routedb.session.settings_log import Setting
from routedb.sql.scanner.identifiers import quote_identifier

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_NO_RIGHT = "42501"  # insufficient_privilege
# What has an order for a B-tree, and values that are short.
_INDEXED = frozenset(
    {"smallint", "integer", "bigint", "numeric", "boolean", "uuid", "date"}
    | {"timestamp without time zone", "timestamp with time zone"}
    | {"text", "character varying", "character"}
)
_INSERTED = 1000  # rows at once, without COPY
# The session's own; client_encoding and the like are the driver's to set.
SETTINGS: str | None = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE source = 'session' AND context IN ('user', 'superuser')
    AND name NOT LIKE 'default_transaction_%' AND name NOT LIKE 'transaction_%'
    AND name <> 'client_encoding'
UNION ALL SELECT 'role', pg_catalog.current_setting('role')
WHERE pg_catalog.current_setting('role') <> 'none'
"""


def begin(link: Link, texts: Sequence[Setting], shown: Sequence[Any]) -> Sequence[str]:
    """Begin on `link`, and set what the user's session has: by its `texts`, and by what
    its server has `shown` for SETTINGS. Raises what the driver raises."""
    link.run(_BEGIN)
    replay(link, texts)
    if shown:
        calls = ", ".join(
            f"pg_catalog.set_config({_literal(name)}, {_literal(value)}, true)"
            for name, value in shown
        )
        link.run(f"SELECT {calls}")
    return ()


def ready(link: Link, before: Sequence[str]) -> None:
    """Nothing is to be undone of `before` on `link`: COPY does not ask the session."""


def create(link: Link, name: str, columns: Sequence[Column]) -> None:
    """Create the temporary table `name` of these `columns` on `link`. Raises what the
    driver raises."""
    listed = ", ".join(map(_declared, columns))
    link.run(f"SAVEPOINT routedb_s; CREATE TEMPORARY TABLE {name} ({listed})")


def fill(
    link: Link, name: str, columns: Sequence[Column], lines: Iterable[Lines]
) -> None:
    """Put the rows of all `lines` into the table `name`, of these `columns`, on `link`.
    Raises what the driver raises."""
    # Imported here: it needs psycopg2.
    from routedb.adapters.postgresql import copying  # noqa: PLC0415

    for each in lines:
        if not len(each):
            continue
        if copying.can_copy(link.raw):
            link.ask(copying.copy_in, name, each.read())
        else:
            _insert(link, name, columns, each)


def finish(
    link: Link, name: str, keys: Sequence[Column], primary_key: Sequence[str]
) -> None:
    """Index the table `name` on `link` by each of the columns `keys`, and by its
    `primary_key` if it has one; have the server look at what is in it. An index that
    cannot be is none."""
    texts = [
        f"CREATE INDEX ON {name} ({quote_identifier(key.name, 'postgresql')})"
        for key in keys
    ]
    if primary_key:
        listed = ", ".join(quote_identifier(each, "postgresql") for each in primary_key)
        texts.insert(0, f"ALTER TABLE {name} ADD PRIMARY KEY ({listed})")
    for text in texts:
        link.run("SAVEPOINT routedb_s")
        try:
            link.run(text)
        except Exception as exc:
            if not link.is_failed():
                raise
            link.adapter.adopt(exc)
            link.run("ROLLBACK TO routedb_s")
    link.run(f"ANALYZE {name}")


def is_indexed(column: Column) -> bool:
    """Tell whether an index by `column` is worth trying."""
    return type_of(column) in _INDEXED


def refusal(link: Link, exc: Exception) -> NotMerged | None:
    """Return what is to be told of `exc`, an error of `create` on `link`; None: that is
    the error."""
    if getattr(exc, "pgcode", None) != _NO_RIGHT:
        return None
    link.run("ROLLBACK TO routedb_s")
    ((place, user),) = link.run(
        "SELECT pg_catalog.quote_ident(pg_catalog.current_database()), "
        "pg_catalog.quote_ident(current_user)"
    )
    return NotMerged(
        f"on {link.node.name} its user may not make temporary tables: GRANT TEMPORARY "
        f"ON DATABASE {place} TO {user}"
    )


def _insert(link: Link, name: str, columns: Sequence[Column], lines: Lines) -> None:
    """Do without COPY: each block of rows is arrays of texts, one for each column."""
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    shown = ", ".join(f"c{n}::{column.type}" for n, column in enumerate(columns))
    arrays = ", ".join(["%s::text[]"] * len(columns))
    sql = f"INSERT INTO {name} SELECT {shown} FROM unnest({arrays}) AS u({names})"
    rows = iter(lines)
    cursor: Any = link.adapter.cursor(link.raw)
    while block := list(islice(rows, _INSERTED)):
        values = [list(column) for column in zip(*block, strict=True)]
        link.ask(lambda raw, values=values: cursor.execute(sql, values))
    cursor.close()


def _declared(column: Column) -> str:
    collation = f" COLLATE {column.collation}" if column.collation else ""
    return f"{quote_identifier(column.name, 'postgresql')} {column.type}{collation}"


def _literal(text: str) -> str:
    """Return a string that is read alike whatever backslashes mean in the session."""
    if "\\" not in text:
        return quoted(text)
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f" E'{doubled}'"
