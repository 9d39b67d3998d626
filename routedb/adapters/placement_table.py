"""The table `routedb_placements` of one server's database: made, read, written.

For whoever moves tables: `adapter.placements` is one of these, and works on a raw
connection to the writer of the home database (`ClusterConfig.home`), whose `namespace`
is `label_of(node).namespace`. `make` first, outside of a transaction (MariaDB commits
with it). Then, in any transaction,

    version = adapter.placements.write(raw, namespace, {"orders": "main"}, move="crm")

says where tables are from the commit of that transaction on, and with no other effect
if it rolls back. Writers wait for one another: the version is a row that each of them
updates first. What is written is taken in force by every process within a second or so
(`routedb/engine/shared/placement_watch.py`), and by who meets a fence at once.

Names and places come from users, so they are sent and read as hexadecimal digits:
whatever the session's encoding is, and however it reads quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from routedb.config.placements import Place, Placement, Placements, read, written

TABLE = "routedb_placements"

Raw = Any
Run = Callable[[Raw, str], list[tuple[Any, ...]]]
Value: TypeAlias = str | bytes


class PlacementTable:
    """The placements in one database, by an adapter's `run`.

    A dialect gives the texts. `{table}` is filled in, with `{name}`, `{place}` and
    `{move}` as `literal` writes them. `namespace` is the name of the database, None
    where the DSN names none.
    """

    create: tuple[str, ...] = ()  # with the row of the version
    exists = ""
    keep = ""  # one row, whether it is there or not
    literal = ""  # a text, by its `{digits}`
    digits = "hex({column})"

    def __init__(self, run: Run) -> None:
        self._run = run

    def table(self, namespace: str | None) -> str:
        """Return the table's name in the database `namespace`."""
        return TABLE

    def texts(self, namespace: str | None) -> tuple[str, ...]:
        """Return the texts that make the table in `namespace`, where it is not."""
        table = self.table(namespace)
        return tuple(text.format(table=table) for text in self.create)

    def make(self, raw: Raw, namespace: str | None) -> None:
        """Make the table in `namespace`, unless it is there."""
        for text in self.texts(namespace):
            self._run(raw, text)

    def is_there(self, raw: Raw, namespace: str | None) -> bool:
        """Ask the catalog for the table in `namespace`."""
        table = self.table(namespace)
        schema = self.as_text(namespace or "")
        return bool(self._run(raw, self.exists.format(table=table, schema=schema)))

    def version(self, raw: Raw, namespace: str | None) -> int:
        """Ask for the version of the table in `namespace`, which is there."""
        return int(self._run(raw, self._version_text(namespace))[0][0])

    def read(
        self, raw: Raw, namespace: str | None, known: int | None = None
    ) -> Placements | None:
        """Return all placements in `namespace`; None when their version is `known`
        still. Raises what the driver raises where there is no table of them."""
        if known is not None and self.version(raw, namespace) == known:
            return None
        name, place, move = map(self._digits, ("table_name", "place", "move"))
        said = self._run(
            raw,
            f"SELECT {name}, {place}, version, {move} FROM {self.table(namespace)} "
            "ORDER BY table_name",
        )
        rows = [
            Placement(_text(name), read(_text(place)), int(version), _text(move))
            for name, place, version, move in said
        ]
        # MariaDB makes the table, and only then its first row.
        version = next((row.version for row in rows if not row.table), -1)
        return Placements(version, tuple(row for row in rows if row.table))

    def write(
        self,
        raw: Raw,
        namespace: str | None,
        places: Mapping[str, Place],
        move: str = "",
    ) -> int:
        """Write where tables are, in the transaction of `raw`; return the new version.

        `places` maps names of tables, written as in `[tables]`, to what may stand there
        too; `move` is the name of the move that has brought them there. The table of
        placements in `namespace` must be there.
        """
        table = self.table(namespace)
        version = self._next_version(raw, namespace)
        for name, place in sorted(places.items()):
            text = self.keep.format(
                table=table,
                name=self.as_text(name),
                place=self.as_text(written(place)),
                version=version,
                move=self.as_text(move),
            )
            self._run(raw, text)
        return version

    def remove(self, raw: Raw, namespace: str | None, names: Iterable[str]) -> int:
        """Forget the placements of tables by their `names` in `namespace`: they are
        where the file says. The rest is as for `write`."""
        version = self._next_version(raw, namespace)
        for name in sorted(names):
            self._run(
                raw,
                f"DELETE FROM {self.table(namespace)} "
                f"WHERE table_name = {self.as_text(name)}",
            )
        return version

    def as_text(self, value: str) -> str:
        """Return a literal of this server for `value`."""
        return self.literal.format(digits=value.encode().hex())

    def _next_version(self, raw: Raw, namespace: str | None) -> int:
        table = self.table(namespace)
        self._run(
            raw, f"UPDATE {table} SET version = version + 1 WHERE table_name = ''"
        )
        return self.version(raw, namespace)

    def _version_text(self, namespace: str | None) -> str:
        return f"SELECT version FROM {self.table(namespace)} WHERE table_name = ''"

    def _digits(self, column: str) -> str:
        return self.digits.format(column=column)


def _text(digits: Value) -> str:
    said = digits.decode("ascii") if isinstance(digits, bytes) else digits
    return bytes.fromhex(said).decode()
