"""How to find the shards of the texts of one shape, kept with its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from routedb import errors
from routedb.sharding import ColumnsWanted, ShardPlan, TableColumns
from routedb.sql.statement import Table

_MOST = 1024  # one for each length of the lists in a shape
_LONGEST_KEY = 16_384


class ShardPlans(dict[str, ShardPlan | str]):
    """What was found out once for each of the texts that one plan serves: how to find
    their shards, or why that cannot be told.

    `columns` are of tables that the catalog was asked for, in this `version` of it. A
    plan that needs none has those of the class: to make this calls no code of ours.
    """

    columns: Mapping[Table, TableColumns] = MappingProxyType({})
    version = -1

    def learn(self, table: Table, columns: TableColumns, version: int) -> None:
        """Take the `columns` of `table`, as the catalog had them in this `version`:
        what was found out before may be otherwise now."""
        others = self.columns if version == self.version else {}
        self.columns, self.version = {**others, table: columns}, version
        self.clear()

    def renew(self, version: int) -> None:
        """Forget the columns when the catalog has another `version` by now."""
        if self.columns and version != self.version:
            self.columns = {}
            self.clear()

    def find(self, key: str, analyse: Callable[[], ShardPlan]) -> ShardPlan:
        """Return how to find the shards; `analyse` is called once for each `key`, which
        tells apart texts that are analysed apart. What it raises, a ShardError, is
        raised again each time."""
        known = self.get(key)
        if known is None:
            try:
                known = analyse()
            except ColumnsWanted:
                raise
            except errors.ShardError as exc:
                known = str(exc)
            if len(self) >= _MOST:
                self.clear()
            if len(key) <= _LONGEST_KEY:
                self[key] = known
        if isinstance(known, str):
            raise errors.ShardError(known)
        return known
