"""The table of placements on MySQL and MariaDB."""

from __future__ import annotations

from routedb import errors
from routedb.adapters.placement_table import TABLE, PlacementTable

_TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"


class MySQLPlacements(PlacementTable):
    """In the database that the DSN names: USE must not change where it is."""

    create = (
        f"CREATE TABLE IF NOT EXISTS {{table}} (table_name varchar(190) {_TEXT} "
        f"PRIMARY KEY, place mediumtext {_TEXT}, version bigint NOT NULL, "
        f"move varchar(190) {_TEXT} DEFAULT '') ENGINE = InnoDB",
        "INSERT INTO {table} VALUES ('', '', 0, '') "
        "ON DUPLICATE KEY UPDATE version = version",
    )
    exists = (
        "SELECT 1 FROM information_schema.tables "
        f"WHERE table_schema = {{schema}} AND table_name = '{TABLE}'"
    )
    keep = (
        "INSERT INTO {table} VALUES ({name}, {place}, {version}, {move}) "
        "ON DUPLICATE KEY UPDATE place = {place}, version = {version}, move = {move}"
    )
    literal = "CONVERT(x'{digits}' USING utf8mb4)"
    digits = "hex(CONVERT({column} USING utf8mb4))"

    def table(self, namespace: str | None) -> str:
        """Raise NotSupportedError where no database is named."""
        if namespace is None:
            raise errors.NotSupportedError(
                "its DSN names no database, so there is no place for placements: name "
                "it"
            )
        return f"`{namespace.replace('`', '``')}`.{TABLE}"

    def is_there(self, raw: object, namespace: str | None) -> bool:
        """Ask the catalog, through `raw`; without a `namespace` there is none."""
        return namespace is not None and super().is_there(raw, namespace)
