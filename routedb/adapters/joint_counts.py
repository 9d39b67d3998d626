"""The table by which snapshots of several groups are compared: see
`routedb.session.joint_counts`. Texts, as in `routedb.adapters.two_phase`.

Names of coordinators, and their counts, are of letters, digits, blanks and colons
alone, so they stand in the texts as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routedb.session.joint_counts import Row, row_of, text_of

COUNTS = "routedb_counts"

Raw = Any
Run = Callable[[Raw, str], list[tuple[Any, ...]]]


class CountsTable:
    """The table of one server's database, by an adapter's `run`. A dialect gives the
    texts: `create`, `exists` as a table is looked for, and `put`, which writes a row
    whether there is one or not. `{table}`, `{id}` and `{counts}` are filled in. `name`
    returns the table's name in a database, None where the DSN names none.
    `is_made_with_rows`: it is made with its first row, for nobody else can."""

    def __init__(
        self,
        run: Run,
        name: Callable[[str | None], str],
        create: str,
        exists: str,
        put: str,
        is_made_with_rows: bool = False,
    ) -> None:
        self._run = run
        self.name = name
        self._create = create
        self._exists = exists
        self._put = put
        self.is_made_with_rows = is_made_with_rows

    def text(self, namespace: str | None) -> str:
        """Return the text that makes it in `namespace`."""
        return self._create.format(table=self.name(namespace))

    def make(self, raw: Raw, namespace: str | None) -> None:
        """Make the table in `namespace`, unless it is there."""
        self._run(raw, self.text(namespace))

    def is_there(self, raw: Raw, namespace: str | None) -> bool:
        """Ask the catalog for the table in `namespace`."""
        return bool(self._run(raw, self._exists.format(table=self.name(namespace))))

    def put(self, raw: Raw, namespace: str | None, coordinator: str, text: str) -> None:
        """In an open transaction: let the row of `coordinator` in `namespace` say
        `text`."""
        if self.is_made_with_rows:
            self.make(raw, namespace)
        said = {"id": coordinator, "counts": text}
        self._run(raw, self._put.format(table=self.name(namespace), **said))

    def look(self, raw: Raw, namespace: str | None) -> dict[str, Row]:
        """Return the rows in `namespace`, by coordinator."""
        if self.is_made_with_rows and not self.is_there(raw, namespace):
            return {}
        table = self.name(namespace)
        rows = self._run(raw, f"SELECT id, counts, is_old FROM {table}")
        return {str(name): row_of(str(text), bool(old)) for name, text, old in rows}

    def mark(self, raw: Raw, namespace: str | None, name: str, row: Row) -> None:
        """Mark the row of the coordinator `name` in `namespace` as old, if it still is
        as `row`."""
        where = self._where(name, row)
        self._run(raw, f"UPDATE {self.name(namespace)} SET is_old = 1 WHERE {where}")

    def delete(self, raw: Raw, namespace: str | None, name: str, row: Row) -> None:
        """Delete the row of the coordinator `name` in `namespace`, if it is marked and
        still is as `row`."""
        where = self._where(name, row)
        table = self.name(namespace)
        self._run(raw, f"DELETE FROM {table} WHERE {where} AND is_old = 1")

    @staticmethod
    def _where(name: str, row: Row) -> str:
        return f"id = '{name}' AND counts = '{text_of(row.counts)}'"
