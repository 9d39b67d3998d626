"""PostgreSQL's table of placements."""

from __future__ import annotations

from routedb.adapters.placement_table import TABLE, PlacementTable


class PostgreSQLPlacements(PlacementTable):
    """In the schema `public`, as the table of decisions. Everybody may read it: it says
    where tables are, and a program that cannot know that must not run."""

    create = (
        "CREATE TABLE IF NOT EXISTS {table} (table_name text PRIMARY KEY, "
        "place text NOT NULL, version bigint NOT NULL, "
        "move text NOT NULL DEFAULT '')",
        "INSERT INTO {table} VALUES ('', '', 0, '') ON CONFLICT DO NOTHING",
        "GRANT SELECT ON {table} TO PUBLIC",
    )
    exists = "SELECT 1 WHERE pg_catalog.to_regclass('{table}') IS NOT NULL"
    keep = (
        "INSERT INTO {table} VALUES ({name}, {place}, {version}, {move}) "
        "ON CONFLICT (table_name) DO UPDATE SET place = excluded.place, "
        "version = excluded.version, move = excluded.move"
    )
    literal = "pg_catalog.convert_from(pg_catalog.decode('{digits}', 'hex'), 'UTF8')"
    digits = "pg_catalog.encode(pg_catalog.convert_to({column}, 'UTF8'), 'hex')"

    def table(self, namespace: str | None) -> str:
        """A connection sees one database."""
        return f"public.{TABLE}"
