"""The table of placements of fake servers: a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from routedb.adapters.placement_table import PlacementTable, Raw
from routedb.config.placements import Place, Placement, Placements


class FakePlacements(PlacementTable):
    """What a server has is in `Server.placements`, None: no table. Whatever is written
    is there at once. The log has only what changes something: programs are not
    asked to script answers for what routedb asks by itself."""

    def make(self, raw: Raw, namespace: str | None) -> None:
        """Log it, for whichever `namespace`; keep what is there."""
        raw.use("CREATE TABLE routedb_placements")
        if raw.server.placements is None:
            raw.server.placements = Placements(0)

    def texts(self, namespace: str | None) -> tuple[str, ...]:
        """Return what `make` logs, whichever `namespace`."""
        return ("CREATE TABLE routedb_placements",)

    def is_there(self, raw: Raw, namespace: str | None) -> bool:
        """Look at the server, for whichever `namespace`."""
        return raw.server.placements is not None

    def version(self, raw: Raw, namespace: str | None) -> int:
        """Look at the server, for whichever `namespace`."""
        raw.server.check("placements")
        version: int = raw.server.placements.version
        return version

    def read(
        self, raw: Raw, namespace: str | None, known: int | None = None
    ) -> Placements | None:
        """Look at the server, for whichever `namespace`, unless that is `known`."""
        placements: Placements = raw.server.placements
        return None if self.version(raw, namespace) == known else placements

    def write(
        self,
        raw: Raw,
        namespace: str | None,
        places: Mapping[str, Place],
        move: str = "",
    ) -> int:
        """Add `places` by `move` to what the server has, whichever `namespace`."""
        version, rows = self._held(raw)
        kept = [row for row in rows if row.table not in places]
        new = [Placement(t, place, version + 1, move) for t, place in places.items()]
        raw.server.placements = Placements(version + 1, (*kept, *new))
        return version + 1

    def remove(self, raw: Raw, namespace: str | None, names: Iterable[str]) -> int:
        """Take those of `names` from what the server has, whichever `namespace`."""
        version, rows = self._held(raw)
        gone = set(names)
        kept = tuple(row for row in rows if row.table not in gone)
        raw.server.placements = Placements(version + 1, kept)
        return version + 1

    def _held(self, raw: Raw) -> Placements:
        held: Placements = raw.server.placements
        return held
