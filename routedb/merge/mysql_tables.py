"""Temporary tables of MySQL and MariaDB, on a link of our own, whose session is made
new before anybody else has it.

While the tables are filled the session is in a mode of ours, in which a text becomes
the value that it was, or there is an error. What the user's session has set comes then.

What is done to temporary tables is in the binary log, unless that has rows: replicas
would do all of it again. So it is switched to rows, or off, which needs a right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from routedb.engine.links.link import Link
from routedb.merge.lines import Lines
from routedb.merge.refused import NotMerged
from routedb.merge.replay import replay
from routedb.planner import Column
from routedb.planner.carried_types import MYSQL_BYTES
from routedb.planner.results import type_of
from routedb.session.settings_log import Setting
from routedb.sql.scanner.identifiers import quote_identifier

SETTINGS: str | None = None  # all is in the texts that have set it
_STATE = (
    "SELECT @@log_bin AND @@sql_log_bin AND @@binlog_format <> 'ROW', @@sql_mode, "
    "@@character_set_client, @@collation_connection"
)
_UNLOGGED = ("SET SESSION binlog_format = 'ROW'", "SET SESSION sql_log_bin = 0")
_NO_RIGHT = frozenset({1044, 1142, 1227})  # to the database, the table, of this kind
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
_INDEXED = _TEXTS | {
    *("tinyint", "smallint", "mediumint", "int", "bigint", "decimal"),
    *("date", "datetime", "time"),
}
_PREFIX = 32  # letters of a text that are in an index
Before = Sequence[str]


def begin(link: Link, texts: Sequence[Setting], shown: Sequence[Any]) -> Before:
    """Give `link` what the user's session has set by `texts`, and make it fit to be
    filled; return what `ready` is to undo. `shown` is empty: the settings that
    matter here are followed by their texts. Raises NotMerged where what is done would
    be in the binary log, and what the driver raises."""
    # Imported here: it needs MySQLdb.
    from routedb.adapters.mysql.filling import MODE  # noqa: PLC0415

    replay(link, texts)
    ((is_logged, *before),) = link.run(_STATE)
    if is_logged:
        _stop_logging(link)
    link.run(
        f"SET SESSION sql_mode = '{MODE}', character_set_client = utf8mb4, "
        "character_set_connection = utf8mb4"
    )
    link.run("SET SESSION TRANSACTION READ WRITE")
    return before


def ready(link: Link, before: Before) -> None:
    """Have `link` read texts as it did `before`."""
    mode, charset, collation = before
    link.run(
        f"SET SESSION sql_mode = '{mode}', character_set_client = {charset}, "
        f"collation_connection = {collation}"
    )


def create(link: Link, name: str, columns: Sequence[Column]) -> None:
    """Create the temporary table `name` of these `columns` on `link`. Raises what the
    driver raises."""
    link.run(definition(name, columns))


def definition(name: str, columns: Sequence[Column]) -> str:
    """Return the text that makes the temporary table `name` of these `columns`."""
    return f"CREATE TEMPORARY TABLE {name} ({', '.join(map(_declared, columns))})"


def fill(
    link: Link, name: str, columns: Sequence[Column], lines: Iterable[Lines]
) -> None:
    """Put the rows of all `lines` into the table `name`, of these `columns`, on `link`.
    Raises what the driver raises."""
    # Imported here: it needs MySQLdb.
    from routedb.adapters.mysql.filling import (  # noqa: PLC0415
        insert_lines,
        load_lines,
    )

    put = load_lines if link.node.options.get("local_infile") else insert_lines
    for each in lines:
        if len(each):
            link.ask(put, name, each.blocks())
    for column in columns:
        if column.type == MYSQL_BYTES:  # which came in hexadecimal digits
            quoted = quote_identifier(column.name, "mysql")
            link.run(f"UPDATE {name} SET {quoted} = UNHEX({quoted})")


def finish(
    link: Link, name: str, keys: Sequence[Column], primary_key: Sequence[str]
) -> None:
    """Index the table `name` on `link` by each of the columns `keys`, and have the
    server look at what is in it. Its `primary_key` would tell this engine nothing."""
    if keys:
        listed = ", ".join(f"ADD KEY ({_indexed(column)})" for column in keys)
        link.run(f"ALTER TABLE {name} {listed}")
    link.run(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {name}")


def is_indexed(column: Column) -> bool:
    """Tell whether there can be an index by `column`."""
    return type_of(column) in _INDEXED


def refusal(link: Link, exc: Exception) -> NotMerged | None:
    """Return what is to be told of `exc`, an error of `create` on `link`; None: that is
    the error."""
    if not (exc.args and exc.args[0] in _NO_RIGHT):
        return None
    ((place, user),) = link.run("SELECT DATABASE(), CURRENT_USER()")
    return NotMerged(
        f"on {link.node.name} its user may not make temporary tables: GRANT CREATE "
        f"TEMPORARY TABLES ON {place}.* TO {user}"
    )


def _stop_logging(link: Link) -> None:
    for text in _UNLOGGED:
        try:
            link.run(text)
            return
        except Exception as exc:
            if not (exc.args and exc.args[0] in _NO_RIGHT):
                raise
    ((user,),) = link.run("SELECT CURRENT_USER()")
    raise NotMerged(
        f"on {link.node.name} temporary tables would be in the binary log: set "
        f"binlog_format = ROW there, or GRANT BINLOG ADMIN ON *.* TO {user}"
    )


def _declared(column: Column) -> str:
    charset = ""
    if column.collation:
        of = column.collation.partition("_")[0]
        charset = f" CHARACTER SET {of} COLLATE {column.collation}"
    return f"{quote_identifier(column.name, 'mysql')} {column.type}{charset} NULL"


def _indexed(column: Column) -> str:
    length = column.type.partition("(")[2].partition(")")[0]
    is_long = type_of(column) in _TEXTS and not (
        length.isdigit() and int(length) <= _PREFIX
    )
    return quote_identifier(column.name, "mysql") + (f"({_PREFIX})" if is_long else "")
