"""Where a table is, by the rules and by placements, and what its catalog says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

from routedb import errors
from routedb.config.label import label_of
from routedb.config.model import (
    ClusterConfig,
    DatabaseConfig,
    GroupConfig,
    TableRule,
)
from routedb.config.table_rules import split_name, tables_document
from routedb.engine.plans.placed_rules import placed_rules
from routedb.integrations.spark.sessions import Session, read_somewhere
from routedb.merge import mysql_catalog, postgresql_catalog, sqlite_catalog
from routedb.merge.table_answer import Ask, TableAnswer
from routedb.moving.spelling import name as spelt
from routedb.routing import Rules
from routedb.sql.statement import Table

_ASKED: dict[str, Callable[[Ask, Table], TableAnswer | None]] = {
    "sqlite": sqlite_catalog.table_answer,
    "postgresql": postgresql_catalog.table_answer,
    "mysql": mysql_catalog.table_answer,
}
_LISTED = {
    "postgresql": "SELECT c.relname::text FROM pg_catalog.pg_class c "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition "
    "AND pg_catalog.pg_table_is_visible(c.oid) AND c.relnamespace NOT IN ("
    "'pg_catalog'::pg_catalog.regnamespace, "
    "'information_schema'::pg_catalog.regnamespace) ORDER BY 1",
    "mysql": "SELECT TABLE_NAME FROM information_schema.TABLES "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'VIEW') "
    "ORDER BY 1",
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1",
}
_OURS = "routedb_"  # tables with a state of ours


@dataclass(frozen=True, slots=True)
class Place:
    """A table with its database, and the groups that together have each row once."""

    table: Table
    database: DatabaseConfig
    groups: tuple[GroupConfig, ...]

    @property
    def text(self) -> str:
        """The table's name, as its engine has it in SQL."""
        parts = [p for p in (self.table.schema, self.table.name) if p is not None]
        return ".".join(spelt(self.database.dialect, part) for part in parts)


def placed(config: ClusterConfig, bound: int) -> ClusterConfig:
    """Return `config` with the rules of placements above its own, asked of its home
    database, over one of `bound` connections. Raises what the driver raises."""
    home = config.home
    if home is None:
        return config
    database = replace(config.databases[home.database], reads="writer")

    def ask(session: Session) -> ClusterConfig:
        table = session.adapter.placements
        namespace = label_of(session.node).namespace
        if not table.is_there(session.raw, namespace):
            return config
        found = table.read(session.raw, namespace)
        rules = placed_rules(found, config) if found is not None else ()
        return replace(config, tables=(*rules, *config.tables))

    return read_somewhere(database, home, bound, 0, ask)


def place_of(config: ClusterConfig, name: str) -> Place:
    """Return where the table called `name` is, written as in `[tables]`. Raises
    UnknownTableError where nothing says it, NotSupportedError where no place does."""
    document = tables_document("table", {}, config)
    schema, plain = split_name(document, ("table",), name, config.text_dialect)
    table = Table(schema, plain)
    rule = Rules(config).rule_for(table)
    if rule is not None and rule.refusal:
        raise errors.UnknownTableError(rule.refusal)
    where = rule.database if rule is not None else _default(config)
    if where is None:
        raise errors.UnknownTableError(
            f"table {name}: no rule in [tables] says where it lives, and there is no "
            "default database"
        )
    return Place(table, config.databases[where], _groups(config, where, rule, table))


def _default(config: ClusterConfig) -> str | None:
    if config.default is None and len(config.databases) == 1:
        return next(iter(config.databases))
    return config.default


def _groups(
    config: ClusterConfig, where: str, rule: TableRule | None, table: Table
) -> tuple[GroupConfig, ...]:
    database = config.databases[where]
    if not database.is_sharded:
        return database.groups
    if rule is not None and rule.is_reference:
        # Any copy will do: not the same for all tables.
        at = crc32(table.name.encode()) % len(database.groups)
        return (database.groups[at],)
    if rule is not None and rule.moving is not None and rule.moving.hidden:
        raise errors.ShardError(
            f"rows of table {table} move between shards of {where}: read it before, "
            "or after `routedb move finish`"
        )
    if rule is not None and rule.shard_key is not None:
        return database.groups
    raise errors.ShardError(
        f"table {table} is in {where}, which is sharded, and no rule says how"
    )


def described(place: Place, bound: int) -> TableAnswer:
    """Return what the catalogs say of the table at `place`, asked over one of `bound`
    connections to each group. Raises ProgrammingError where it is no table, ShardError
    where shards differ."""
    first: TableAnswer | None = None
    for group in place.groups:
        answer = read_somewhere(
            place.database, group, bound, 0, lambda session: _ask(session, place.table)
        )
        if answer is None:
            where = group.database if group.shard is None else _shard(group)
            raise errors.ProgrammingError(f"{where} has no table {place.table}")
        if first is None:
            first = answer
        elif answer.info != first.info:
            raise errors.ShardError(
                f"table {place.table} differs between {_shard(place.groups[0])} and "
                f"{_shard(group)}: columns, types or primary key"
            )
    assert first is not None
    return first


def tables_of(config: ClusterConfig, bound: int) -> list[str]:
    """Return the names of all tables that have a place in `config`, as catalogs list
    them, asked over one of `bound` connections to a group of each database."""
    rules = Rules(config)
    found: set[str] = set()
    for database in config.databases.values():
        names = read_somewhere(database, database.groups[0], bound, 0, _list)
        for name in names:
            rule = rules.rule_for(Table(None, name))
            where = rule.database if rule is not None else _default(config)
            if where != database.name or name.startswith(_OURS):
                continue
            if database.is_sharded and not (
                rule is not None and (rule.is_reference or rule.shard_key)
            ):
                continue
            found.add(name)
    return sorted(found)


def _ask(session: Session, table: Table) -> TableAnswer | None:
    return _ASKED[session.dialect](session.run, table)


def _list(session: Session) -> list[str]:
    rows = session.run(_LISTED[session.dialect])
    return [_text(row[0]) for row in rows]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _shard(group: GroupConfig) -> str:
    return f"shard {group.shard} of {group.database}"
