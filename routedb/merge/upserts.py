"""ON CONFLICT DO UPDATE on a table of another engine.

Row by row: whether a row is there is that engine's to say, and which one it is, by its
own collation. What becomes of that row is worked out in PostgreSQL, as for an UPDATE
whose FROM has the new row, called `excluded`. Its values are those that are stored.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from routedb import errors
from routedb.merge.change_queries import Queries
from routedb.merge.conflicts import Conflicts
from routedb.merge.refused import NotMerged
from routedb.merge.stored import Stored
from routedb.merge.targets import Target
from routedb.merge.worked_out import assigned
from routedb.planner import Bound, Change, Column

Row = Sequence[Stored | None]
Key = tuple[str, ...]
Text = tuple[str, Sequence[Any]]
# Runs a text with its values on the table's engine; returns its rows, and a count.
Run = Callable[[Text, Conflicts | None], tuple[list[Any], int]]


class Upserts(NamedTuple):
    """An INSERT with such a clause: `made`, with `params`, on `target`, gives these
    `columns` values. `run` runs what is written, `queries` ask for the rest."""

    made: Change
    params: Any
    target: Target
    columns: Sequence[Column]
    run: Run
    queries: Queries

    def write(
        self,
        rows: Sequence[Row],
        conflicts: Conflicts,
        inserted: Callable[[Row], Text],
    ) -> tuple[list[Key], int]:
        """Write `rows`, each by the text that `inserted` makes of it, unless it is
        there by the `conflicts`. Return the keys of those written, and their number.
        Raises NotMerged, ProgrammingError, and what the servers say."""
        self._check()
        written: list[Key] = []
        for row in rows:
            key = self._key(row)
            _, count = self.run(inserted(row), conflicts)
            if not count:
                key = self._there(key)
                if key in written:
                    raise errors.ProgrammingError(
                        "ON CONFLICT DO UPDATE command cannot affect row a second time"
                    )
                if not self._update(key, row):
                    continue
            written.append(key)
        return written, len(written)

    def _check(self) -> None:
        """Raise NotMerged for what cannot be told of every row."""
        made, keys = self.made, self.queries.keys
        known = self.target.known.info.primary_key
        if not known or set(made.skipped_by or ()) != set(known):
            raise NotMerged("ON CONFLICT DO UPDATE of other columns than its key")
        missing = made.excluded - {column.name for column in self.columns}
        for name in sorted(missing):
            self.target.column(name)
            raise NotMerged(f"excluded.{name} is a default of its engine's")
        assert made.instead is not None
        changed = [self.target.column(name) for name in made.instead.columns or ()]
        self.target.check_written(changed)
        for column in changed:
            if column in keys.columns:
                raise NotMerged(f"it changes {column.name}, of the primary key")
        keys.read()

    def _key(self, row: Row) -> Key:
        """Return the key of a new row. Raises NotMerged where the engine makes it."""
        given = {
            column.name: None if value is None else value.text
            for column, value in zip(self.columns, row, strict=True)
        }
        key = [given.get(column.name) for column in self.queries.keys.columns]
        known = tuple(each for each in key if each is not None)
        if len(known) < len(key):
            raise NotMerged("ON CONFLICT DO UPDATE of a row whose key is a default")
        return known

    def _there(self, key: Key) -> Key:
        """Return the key of the row that is in the way of another of this `key`."""
        keys, dialect = self.queries.keys, self.target.dialect
        where, values = keys.among([key], dialect)
        shown = ", ".join(keys.at_home(dialect))
        lock = " FOR UPDATE" if dialect == "mysql" else ""
        sql = f"SELECT {shown} FROM {self.target.name} WHERE {where}{lock}"
        rows, _ = self.run((sql, values), None)
        if len(rows) != 1:
            raise NotMerged("which row is in the way is not certain")
        return keys.of([_text(each) for each in rows[0]])

    def _update(self, key: Key, row: Row) -> bool:
        """Update the row of this `key`, for a new one; tell whether that was to be."""
        made, keys, target = self.made.instead, self.queries.keys, self.target
        assert made is not None
        (cells,) = made.rows
        columns = [target.column(name) for name in made.columns or ()]
        parts: list[Bound] = [Bound("SELECT " + ", ".join(keys.read()))]
        parts += assigned(target, self.params, columns, cells)
        new = self._excluded(row)
        found = f" FROM {made.target} CROSS JOIN ({new}) AS excluded WHERE "
        parts.append(Bound(found + keys.among_read([key])))
        if made.where.sql:
            parts += (Bound(" AND ("), made.where, Bound("\n)"))
        width = len(keys.columns)
        rows = self.queries.found(parts, columns, width)
        for found_row in rows:
            values = target.stored(columns, found_row[width::2])
            self.run(self._updated(key, columns, values), None)
        return bool(rows)

    def _updated(
        self, key: Key, columns: Sequence[Column], values: Sequence[Stored]
    ) -> Text:
        target = self.target
        listed = ", ".join(
            f"{target.quote(column.name)} = {value.sql}"
            for column, value in zip(columns, values, strict=True)
        )
        where, known = self.queries.keys.among([key], target.dialect)
        given = (each for value in values for each in value.values)
        return f"UPDATE {target.name} SET {listed} WHERE {where}", (*given, *known)

    def _excluded(self, row: Row) -> str:
        """Return a query of the new row, in PostgreSQL's dialect: all columns, so that
        names are as ambiguous as there; those that are not given are not named."""
        given = dict(zip((each.name for each in self.columns), row, strict=True))
        shown = []
        for column in self.target.known.info.columns:
            value = given.get(column.name)
            sql = "NULL"
            if value is not None:
                sql = _literal(value.text, self.target.type_of(column))
            name = column.name.replace('"', '""')
            shown.append(f'{sql} AS "{name}"')
        text = f"SELECT {', '.join(shown)}"
        return text if self.params is None else text.replace("%", "%%")


def _literal(text: str | None, type_: str) -> str:
    """Return a value as PostgreSQL's, of its text as `stored.shown` has it: without
    quotes or backslashes in quotes, whatever the settings."""
    if text is None:
        return f"NULL::{type_}"
    if type_ == "double precision":
        (number,) = struct.unpack(">d", bytes.fromhex(text))
        text = repr(number)
    elif type_ == "text":
        return (
            f"pg_catalog.convert_from(decode('{text.encode().hex()}', 'hex'), 'UTF8')"
        )
    return f"'{text}'::{type_}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
