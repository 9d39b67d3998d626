"""Rows whose reference leads nowhere: an anti-join of tables of any two databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from itertools import islice
from typing import Any, NamedTuple

from routedb.config.model import KeyColumns, Reference
from routedb.frontends.connection import Connection

_BLOCK = 10_000  # rows of the child that are looked at in one go
_MOST_KEYS = 500  # in one question to the parent
_MOST_KNOWN = 1_000_000  # keys that have a parent, kept not to be asked for again

Key = tuple[Any, ...]
Progress = Callable[[int], None]  # rows that were looked at since the last call


class Orphans(NamedTuple):
    """What was found for one reference."""

    reference: Reference
    rows: int  # of the child that refer to something
    keys: dict[Key, int]  # those without a parent, and how many rows have each


def find_orphans(
    connection: Connection, reference: Reference, progress: Progress
) -> Orphans:
    """Read all keys of the child of `reference` and look for each in its parent.

    A key with a NULL refers to nothing (MATCH SIMPLE, as SQL's foreign keys by
    default). `connection` is in autocommit mode, and every read is its writers':
    a replica may have a child before its parent. `progress` is called with a number of
    rows for each block. What is missing is looked for once more at the end, with its
    child, which may be gone by then. Raises what the databases raise.
    """
    child, parent = reference.child, reference.parent
    known: set[Key] = set()
    missing: dict[Key, None] = {}
    rows = 0
    with connection.using(consistency="strong"):
        for block in _blocks(connection, child):
            rows += len(block)
            new = [
                key
                for key in dict.fromkeys(block)
                if key not in known and key not in missing
            ]
            there = _present(connection, parent, new)
            missing.update((key, None) for key in new if key not in there)
            if len(known) < _MOST_KNOWN:
                known |= there
            progress(len(block))
        keys = {}
        for key in missing:
            count = _count(connection, child, key)
            if count and not _count(connection, parent, key):
                keys[key] = count
    return Orphans(reference, rows, keys)


def _blocks(connection: Connection, child: KeyColumns) -> Iterator[list[Key]]:
    """Yield the keys of all rows that refer to something, in blocks: by a named cursor
    where the driver has such, as others keep all rows."""
    given = " AND ".join(f"{name} IS NOT NULL" for name in child.columns)
    sql = f"SELECT {', '.join(child.columns)} FROM {child.table} WHERE {given}"
    is_named = connection.session.frontend.dialect == "postgresql"
    if is_named:
        connection.autocommit = False  # one is of a transaction
    try:
        named: Any = {"name": "routedb_orphans"} if is_named else {}
        cursor = connection.cursor(**named)
        with placed(connection, child), closing(cursor):
            cursor.execute(sql)  # without parameters a percent sign is one
            while block := cursor.fetchmany(_BLOCK):
                yield [tuple(row) for row in block]
    finally:
        if is_named:
            connection.rollback()
            connection.autocommit = True


def _present(
    connection: Connection, parent: KeyColumns, keys: Sequence[Key]
) -> set[Key]:
    """Return those of `keys` that the parent has, by values that are equal here too;
    one that only the database finds equal is looked for by `_count`."""
    found: set[Key] = set()
    left = iter(keys)
    with placed(connection, parent), closing(connection.cursor()) as cursor:
        while some := list(islice(left, _MOST_KEYS)):
            cursor.execute(*_question(parent, some))
            found.update(tuple(row) for row in cursor.fetchall())
    return found


def _question(parent: KeyColumns, keys: Sequence[Key]) -> tuple[str, list[Any]]:
    """Return the text that asks which of `keys` there are, and its parameters."""
    names = parent.columns
    if len(names) == 1:
        asked = f"{_literally(names[0])} IN ({', '.join(['%s'] * len(keys))})"
    else:
        one = " AND ".join(f"{_literally(name)} = %s" for name in names)
        asked = " OR ".join([f"({one})"] * len(keys))
    columns = _literally(", ".join(names))
    sql = f"SELECT DISTINCT {columns} FROM {_literally(parent.table)} WHERE {asked}"
    return sql, [value for key in keys for value in key]


def _count(connection: Connection, of: KeyColumns, key: Key) -> int:
    """Return how many rows have `key`."""
    asked = " AND ".join(f"{_literally(name)} = %s" for name in of.columns)
    with placed(connection, of), closing(connection.cursor()) as cursor:
        sql = f"SELECT count(*) FROM {_literally(of.table)} WHERE {asked}"
        cursor.execute(sql, key)
        [(count,)] = cursor.fetchall()
    return int(count)


def placed(
    connection: Connection, of: KeyColumns
) -> AbstractContextManager[Connection]:
    """Return a block in which `connection` sends texts to the database that has the
    table `of` a key, in whatever dialect: what is asked here is the same in all."""
    session = connection.session
    is_mysql = session.frontend.dialect == "mysql"
    named = of.table.replace('"', "`") if is_mysql else of.table.replace("`", '"')
    [table] = session.learn(f"SELECT 1 FROM {named}").plan.statement.tables
    rule = session.core.rules.rule_for(table)
    config = session.core.config
    return connection.using(config.default if rule is None else rule.database)


def _literally(sql: str) -> str:
    """Return a text whose percent signs are no placeholders."""
    return sql.replace("%", "%%")
