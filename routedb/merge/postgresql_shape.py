"""What the columns of a table would be that PostgreSQL makes of a query."""

from __future__ import annotations

from typing import Any

from routedb.engine.links.link import Link
from routedb.merge import bringing, postgresql_work
from routedb.merge.table_answer import Shape, quoted
from routedb.planner import Created, Relation, Remainder
from routedb.sql.scanner.identifiers import quote_identifier

_THERE = "42P07"  # duplicate_table
_COLUMNS = """
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> t.typcollation THEN (
        SELECT pg_catalog.format('%I.%I', n.nspname, c.collname)
        FROM pg_catalog.pg_collation c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
        WHERE c.oid = a.attcollation) END
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = {name}::pg_catalog.regclass AND a.attnum > 0
ORDER BY a.attnum
"""


def shape_of(
    link: Link, made: Created, remainder: Remainder, params: Any
) -> Shape | None:
    """Return the columns of the table that is `made` of `remainder` with `params`, as
    the server of `link` makes them; None where it is there, and may be. Nothing stays
    of it. Raises what the driver raises."""
    link.run("SAVEPOINT routedb_shape")
    try:
        _create(link, made, remainder, params)
    except Exception as exc:
        if made.if_absent is None or getattr(exc, "pgcode", None) != _THERE:
            raise
        found = None
    else:
        found = [_column(*row) for row in link.run(_COLUMNS.format(name=_name(made)))]
    link.run("ROLLBACK TO SAVEPOINT routedb_shape")
    link.run("RELEASE SAVEPOINT routedb_shape")
    return found


def _create(link: Link, made: Created, remainder: Remainder, params: Any) -> None:
    if remainder.needs_tables:  # what may stand beside GROUP BY depends on their keys
        for relation in remainder.relations:
            link.run(_definition(relation))
        sql, values = remainder.text.sql, remainder.text.bind(params)
    else:
        rows: dict[int, list[Any]] = {r.fragment: [] for r in remainder.relations}
        sql, values = postgresql_work.text_of(remainder, rows, params)
    before = made.before.sql
    if values:
        before = before.replace("%", "%%")
    text = f"{before} {sql.rstrip().rstrip(';')} WITH NO DATA"
    link.ask(bringing.execute, text, values)


def _definition(relation: Relation) -> str:
    lines = []
    for column in relation.columns:
        collation = f" COLLATE {column.collation}" if column.collation else ""
        lines.append(
            f"{quote_identifier(column.name, 'postgresql')} {column.type}{collation}"
        )
    if relation.primary_key:
        keys = [quote_identifier(each, "postgresql") for each in relation.primary_key]
        lines.append(f"PRIMARY KEY ({', '.join(keys)})")
    return f"CREATE TABLE {relation.name} ({', '.join(lines)})"


def _name(made: Created) -> str:
    """Return SQL for the text of the name, with the schema that the table is in."""
    if "." in made.target:
        return quoted(made.target)
    if made.is_temporary:
        return quoted(f"pg_temp.{made.target}")
    here = "pg_catalog.quote_ident(pg_catalog.current_schema())"
    return f"({here} || {quoted(f'.{made.target}')})"


def _column(name: str, type_: str, collation: str | None) -> tuple[str, str]:
    return name, type_ if collation is None else f"{type_} COLLATE {collation}"
