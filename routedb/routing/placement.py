"""From the tables of a statement to its database, or to a refusal by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routedb import errors
from routedb.config.model import ClusterConfig, DatabaseConfig, TableRule
from routedb.routing.route import Reason
from routedb.routing.rules import Rules
from routedb.sql.session_objects import RELATIONS
from routedb.sql.statement import Kind, Statement, Table

# Catalogs exist in every database: a statement on them alone goes where the
# transaction is, and beside other tables they do not count.
_CATALOG_SCHEMAS = {
    "postgresql": frozenset(
        {"pg_catalog", "information_schema", "pg_toast", "pg_temp"}
    ),
    "mysql": frozenset({"information_schema", "performance_schema", "mysql", "sys"}),
    "sqlite": frozenset({"temp"}),
}
_CATALOG_PREFIX = {"postgresql": "pg_", "mysql": "\0", "sqlite": "sqlite_"}

# Kinds that a database called read-only may still run.
_HARMLESS = frozenset(
    {Kind.READ, Kind.EXPLAIN, Kind.TRANSACTION, Kind.SESSION, Kind.EMPTY}
)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a statement belongs, whatever the session is doing.

    `database` None: it names no table, so the transaction decides, else the default.
    `sharded`: the rules of its tables when the database is sharded.
    """

    database: str | None
    reason: Reason
    why: str
    sharded: Mapping[Table, TableRule] = field(default_factory=dict)
    unruled: tuple[Table, ...] = ()  # on a sharded database, and no rule says how


def find_placement(statement: Statement, rules: Rules, using: str | None) -> Placement:
    """Find the database of `statement`. `using` is the name that `conn.using` gave.

    Raises HintError, UnknownTableError, CrossDatabaseError, ReadOnlyError.
    """
    config = rules.config
    hinted = _hinted_database(statement, config)
    homes = _homes(statement, rules, config)
    chosen = hinted or using
    if chosen is not None:
        reason = Reason.HINT_DATABASE if hinted else Reason.USING_DATABASE
        why = f"{'hint' if hinted else 'using()'} names database {chosen}"
        placement = Placement(chosen, reason, why, *_sharded(homes, chosen, config))
    else:
        placement = _by_tables(homes, config)
    _check_read_only(statement, placement, config)
    return placement


def is_catalog(table: Table, dialect: str) -> bool:
    """Tell whether `table` is one of the server's own, present in every database."""
    if table.schema is not None:
        return table.schema.lower() in _CATALOG_SCHEMAS[dialect]
    return table.name.startswith(_CATALOG_PREFIX[dialect])


def dialect_for(config: ClusterConfig, chosen: str | None) -> str:
    """Return the dialect a text is read in, by the rule of
    docs/architecture.rst, The dialect of a text."""
    if config.dialect is not None:
        return config.dialect
    return database_for(config, chosen).dialect


def database_for(config: ClusterConfig, chosen: str | None) -> DatabaseConfig:
    """Return the chosen database, else the default, else the first configured."""
    name = chosen if chosen is not None else config.default
    if name is None:
        return next(iter(config.databases.values()))
    return config.databases[name]


def _hinted_database(statement: Statement, config: ClusterConfig) -> str | None:
    hints = statement.hints
    if hints is None or not config.hints:
        return None
    if hints.unknown:
        raise errors.HintError(
            f"hint {' '.join(hints.unknown)!r} is not known; allowed are "
            "database=, role=writer|replica, shard=, key=, consistency="
        )
    if hints.database is not None and hints.database not in config.databases:
        raise errors.HintError(
            f"hint database={hints.database}: no such database in {config.source}; "
            f"configured are {', '.join(config.databases)}"
        )
    return hints.database


Homes = dict[Table, tuple[str | None, TableRule | None]]


def _homes(statement: Statement, rules: Rules, config: ClusterConfig) -> Homes:
    """Map each table that is not a catalog's to its database and the rule for it."""
    dialect = dialect_for(config, None)
    found: Homes = {}
    # A temporary table that it makes will be where the other tables are.
    made = {obj.name for obj in statement.holds if obj.kind in RELATIONS}
    for table in statement.tables:
        is_made = table.name in made and table in statement.writes
        if not is_made and not is_catalog(table, dialect):
            rule = rules.rule_for(table)
            found[table] = (rule.database if rule else config.default, rule)
    return found


def _by_tables(homes: Homes, config: ClusterConfig) -> Placement:
    if not homes:
        return Placement(None, Reason.DEFAULT, "no tables")
    names = {database for database, _ in homes.values()}
    if None in names:
        table = next(t for t, (database, _) in homes.items() if database is None)
        raise errors.UnknownTableError(
            f"table {table}: no rule of {config.source} gives it a database and there "
            'is no default; add a rule under [tables], set default = "…", or say '
            "/* routedb: database=… */"
        )
    if len(names) > 1:
        raise errors.CrossDatabaseError(_cross_text(homes))
    name = names.pop()
    assert name is not None
    table, (_, rule) = next(iter(homes.items()))
    if rule is None:
        why = f"table {table} has no rule, default database {name}"
        return Placement(name, Reason.DEFAULT, why, *_sharded(homes, name, config))
    why = f"table {table} matches rule {rule.pattern!r} of database {name}"
    return Placement(name, Reason.TABLE, why, *_sharded(homes, name, config))


def _cross_text(homes: Homes) -> str:
    listed = ", ".join(
        f"{table} is in {database}" for table, (database, _) in homes.items()
    )
    return (
        f"one statement cannot touch several databases: {listed}. Run one statement "
        "per database and join in the application, or send it to a database that holds "
        'all of them with conn.using("…") or /* routedb: database=… */'
    )


def _sharded(
    homes: Homes, name: str, config: ClusterConfig
) -> tuple[dict[Table, TableRule], tuple[Table, ...]]:
    """Return the rules of a sharded database's tables, and the tables without one."""
    if not config.databases[name].is_sharded:
        return {}, ()
    ruled = {
        table: rule
        for table, (_, rule) in homes.items()
        if rule is not None and rule.database == name
    }
    return ruled, tuple(table for table in homes if table not in ruled)


def _check_read_only(
    statement: Statement, placement: Placement, config: ClusterConfig
) -> None:
    name = placement.database
    if name is None or not config.databases[name].read_only:
        return
    if statement.read_only or statement.asks or statement.kind in _HARMLESS:
        return
    tables = ", ".join(map(str, statement.writes or statement.tables)) or "no table"
    raise errors.ReadOnlyError(
        f"{statement.verb or 'statement'} on {tables}: database {name} is configured "
        f"read_only ({statement.reason or 'it is not certainly a plain read'}); "
        "remove read_only = true to allow writes"
    )
