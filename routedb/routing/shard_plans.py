"""How to find the shards of the texts of one shape, kept with its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from routedb import errors
from routedb.sharding import ColumnsWanted, ShardPlan, TableColumns
from routedb.sql.statement import Table

_MOST = 1024  # one for each length of the lists in a shape
_LONGEST_KEY = 16_384


class ShardPlans:
    """What was found out once for each of the texts that one plan serves."""

    __slots__ = ("_known", "columns", "version")

    def __init__(self) -> None:
        # Of tables that the catalog was asked for, in this version of it.
        self.columns: Mapping[Table, TableColumns] = {}
        self.version = -1
        self._known: dict[str, ShardPlan | str] = {}  # or why there is none

    def learn(self, table: Table, columns: TableColumns, version: int) -> None:
        """Take the `columns` of `table`, as the catalog had them in this `version`:
        what was found out before may be otherwise now."""
        others = self.columns if version == self.version else {}
        self.columns, self.version = {**others, table: columns}, version
        self._known.clear()

    def renew(self, version: int) -> None:
        """Forget the columns when the catalog has another `version` by now."""
        if self.columns and version != self.version:
            self.columns = {}
            self._known.clear()

    def find(self, key: str, analyse: Callable[[], ShardPlan]) -> ShardPlan:
        """Return how to find the shards; `analyse` is called once for each `key`, which
        tells apart texts that are analysed apart. What it raises, a ShardError, is
        raised again each time."""
        known = self._known.get(key)
        if known is None:
            try:
                known = analyse()
            except ColumnsWanted:
                raise
            except errors.ShardError as exc:
                known = str(exc)
            if len(self._known) >= _MOST:
                self._known.clear()
            if len(key) <= _LONGEST_KEY:
                self._known[key] = known
        if isinstance(known, str):
            raise errors.ShardError(known)
        return known
