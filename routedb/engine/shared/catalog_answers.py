"""What the catalogs have said, kept for all connections until somebody changes it.

Two questions are asked: whether functions may write, before a statement is decided, and
whether a read may have written, after its answer was lost. The second is kept for a
short time only, since DDL that does not pass through here is not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from routedb.sql.statement import Kind, Table

KEPT_S = 10.0  # links are lost in swarms, which are over by then
MOST_READS = 4096
# What may define something: DDL, and what may have it inside.
DEFINING = frozenset({Kind.DDL, Kind.CALL, Kind.UNKNOWN})


class Read(NamedTuple):
    """What a catalog is asked about a read: its text without literals, and the tables
    that it names."""

    text: str
    tables: tuple[Table, ...]


class CatalogAnswers:
    """The answers of all catalogs of a cluster; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._volatile: dict[tuple[str, Table], bool] = {}
        self._plain: dict[tuple[str, Read], tuple[float, bool]] = {}
        self.version = 0  # goes up with each definition

    def is_volatile(
        self, database: str, function: Table, ask: Callable[[Table], bool | None]
    ) -> bool | None:
        """Tell whether `function` of `database` may write; None: there is none. What
        `ask` finds out of one that is there is kept."""
        key = (database, function)
        known = self._volatile.get(key)
        if known is None:
            version = self.version
            known = ask(function)
            if known is not None and version == self.version:
                self._volatile[key] = known
        return known

    def is_plain(self, database: str, read: Read) -> bool | None:
        """Tell whether the catalog of `database` has said, not long ago, that `read`
        writes nothing; None: it has said nothing."""
        said_at, said = self._plain.get((database, read), (0.0, None))
        return None if said_at + KEPT_S < self._clock() else said

    def ask_plain(self, database: str, read: Read, ask: Callable[[], bool]) -> bool:
        """Return what `ask` says of `read` in `database`, and keep it, unless something
        was defined meanwhile."""
        version, now = self.version, self._clock()
        said = ask()
        if len(self._plain) >= MOST_READS:
            self._plain.clear()
        if version == self.version:
            self._plain[database, read] = (now, said)
        return said

    def forget(self) -> None:
        """Know nothing any more: something was defined."""
        self.version += 1
        if self._volatile or self._plain:
            self._volatile, self._plain = {}, {}
