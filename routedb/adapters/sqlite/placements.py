"""SQLite's table of placements."""

from __future__ import annotations

from routedb.adapters.placement_table import TABLE, PlacementTable


class SQLitePlacements(PlacementTable):
    """In the file itself, whatever is attached."""

    create = (
        "CREATE TABLE IF NOT EXISTS {table} (table_name TEXT PRIMARY KEY NOT NULL, "
        "place TEXT NOT NULL, version INTEGER NOT NULL, "
        "move TEXT NOT NULL DEFAULT '')",
        "INSERT OR IGNORE INTO {table} VALUES ('', '', 0, '')",
    )
    exists = f"SELECT 1 FROM main.sqlite_master WHERE name = '{TABLE}'"
    keep = (
        "INSERT INTO {table} VALUES ({name}, {place}, {version}, {move}) "
        "ON CONFLICT (table_name) DO UPDATE SET place = excluded.place, "
        "version = excluded.version, move = excluded.move"
    )
    literal = "CAST(x'{digits}' AS TEXT)"

    def table(self, namespace: str | None) -> str:
        """A connection may have others attached."""
        return f"main.{TABLE}"
