"""Rows of a table that is written to, told by the values of its primary key."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from routedb.merge.refused import NotMerged
from routedb.planner import TableInfo

# Texts that are the same between quotes in each dialect, mode and encoding.
_PLAIN = re.compile(r"[A-Za-z0-9 _.:@/+-]*", re.ASCII).fullmatch
_INTEGER = re.compile(r"(?:tiny|small|medium|big)?int", re.IGNORECASE).match
_TEXT = re.compile(r"(?:var)?char|text", re.IGNORECASE).match


class Keys:
    """The key of the table that `info` is about: `quote` writes names as its engine
    does, and `alias` is what qualifies its columns in the statement."""

    def __init__(
        self, info: TableInfo, quote: Callable[[str], str], alias: str
    ) -> None:
        self._quote, self._alias = quote, alias
        names = set(info.primary_key)
        self.columns = [each for each in info.columns if each.name in names]

    def read(self) -> list[str]:
        """Return the columns as texts, in PostgreSQL's dialect. Raises NotMerged for a
        table without a key, or whose key's values are not told exactly."""
        if not self.columns:
            raise NotMerged("its table has no primary key, by which rows are found")
        for column in self.columns:
            if not (_INTEGER(column.type) or _TEXT(column.type)):
                raise NotMerged(
                    f"{column.name}, of its table's primary key, is no whole number "
                    "and no text"
                )
        return [f"{name}::text" for name in self._names()]

    def at_home(self, dialect: str) -> list[str]:
        """Return the columns as texts, as an engine of `dialect` takes them after
        RETURNING."""
        self.read()
        type_ = "CHAR" if dialect == "mysql" else "TEXT"
        return [f"CAST({self._quote(each.name)} AS {type_})" for each in self.columns]

    def of(self, row: Sequence[Any]) -> tuple[str, ...]:
        """Return the key of a `row` of what is read."""
        return tuple(str(value) for value in row[: len(self.columns)])

    def among(
        self, keys: Sequence[tuple[str, ...]], dialect: str
    ) -> tuple[str, tuple[Any, ...]]:
        """Return a condition of an engine of `dialect` that the rows of these `keys`
        alone meet, and its parameters."""
        names = [self._quote(column.name) for column in self.columns]
        values: list[Any] = []
        rows = []
        for key in keys:
            marks = [self._mark(n, each, dialect, values) for n, each in enumerate(key)]
            rows.append(marks)
        if len(names) == 1:
            listed = ", ".join(row[0] for row in rows)
            return f"{names[0]} IN ({listed})", tuple(values)
        each = (
            " AND ".join(f"{n} = {mark}" for n, mark in zip(names, row, strict=True))
            for row in rows
        )
        return " OR ".join(f"({one})" for one in each), tuple(values)

    def among_read(self, keys: Sequence[tuple[str, ...]]) -> str:
        """Return the same condition in PostgreSQL's dialect. Raises NotMerged."""
        if not keys:
            return "false"
        names = self._names()
        if len(names) == 1:
            listed = ", ".join(self._literal(0, key[0]) for key in keys)
            return f"{names[0]} IN ({listed})"
        each = (
            " AND ".join(
                f"{names[n]} = {self._literal(n, value)}" for n, value in enumerate(key)
            )
            for key in keys
        )
        return " OR ".join(f"({one})" for one in each)

    def order(self, keys: Sequence[tuple[str, ...]]) -> str:
        """Return ORDER BY in PostgreSQL's dialect that has rows in the order of their
        `keys`. Raises NotMerged."""
        if len(keys) < 2:
            return ""
        if len(self.columns) > 1:
            raise NotMerged("RETURNING of several rows whose key has several columns")
        listed = ", ".join(
            f"'{self._literal(0, key[0]).strip(chr(39))}'" for key in keys
        )
        (name,) = self._names()
        known = f"ARRAY[{listed}]::text[]"
        return f" ORDER BY pg_catalog.array_position({known}, {name}::text)"

    def _names(self) -> list[str]:
        return [
            f'{self._alias}."' + column.name.replace('"', '""') + '"'
            for column in self.columns
        ]

    def _mark(self, number: int, value: str, dialect: str, values: list[Any]) -> str:
        if _INTEGER(self.columns[number].type):
            return value
        if dialect == "mysql":
            return f"_utf8mb4 X'{value.encode().hex()}'" if value else "''"
        values.append(value)
        return "%s"

    def _literal(self, number: int, value: str) -> str:
        if _INTEGER(self.columns[number].type):
            return value
        if not _PLAIN(value):
            raise NotMerged("RETURNING of a row whose key has letters beyond ASCII")
        return f"'{value}'"
