"""Numbers for a `Generator` of the program's, lent by one of its databases."""

from __future__ import annotations

from typing import Any

from routedb.cluster import Cluster
from routedb.frontends.connection import Connection
from routedb.numbering.lending import Lending
from routedb.runtime import connect


class Lease(Lending):
    """Lends numbers to `Generator`s, from the table `routedb_id_nodes` of the default
    database of `source`.

    `source` is a `Cluster`, or what `routedb.connect` takes. A number is lent for
    `seconds`; each process asks once in that time. The table is made when it is not
    there, if the user may do that. Raises ValueError for less than a second.
    """

    def __init__(self, source: Any, seconds: float = 120.0) -> None:
        self._source = source
        super().__init__(self._opened, seconds)

    def _opened(self) -> Connection:
        if isinstance(self._source, Cluster):
            return self._source.connect()
        found: Connection = connect(self._source)
        return found
