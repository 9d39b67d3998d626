"""From the tables of a statement to its database, or to a refusal by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from routedb import errors
from routedb.config.model import ClusterConfig, DatabaseConfig, TableRule
from routedb.routing.route import Reason
from routedb.routing.rules import Rules
from routedb.sql.catalog.system_tables import is_catalog
from routedb.sql.session_objects import RELATIONS
from routedb.sql.statement import Hints, Kind, Statement, Table

_UNKNOWN = TableRule("", None, "", "")  # no answer is known yet

# Kinds that a database called read-only may still run.
_HARMLESS = frozenset(
    {Kind.READ, Kind.EXPLAIN, Kind.TRANSACTION, Kind.SESSION, Kind.EMPTY}
)
_INSERTS = frozenset({"INSERT", "REPLACE"})
_RENAMES = frozenset({"ALTER TABLE", "ALTER VIEW"})
# Kinds whose answer depends on what the words of the text mean. Others say something to
# the one server (DDL, SET, LOCK TABLES …), and are its own.
_TRANSLATED = frozenset({Kind.READ, Kind.WRITE, Kind.LOCK, Kind.EXPLAIN, Kind.COPY})


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
    fills: str | None = None  # a column of the table that an INSERT may leave out


NO_TABLES = Placement(None, Reason.DEFAULT, "no tables")


def find_placement(statement: Statement, rules: Rules, using: str | None) -> Placement:
    """Find the database of `statement` by `rules`. `using` is the name that
    `conn.using` gave.

    Raises HintError, UnknownTableError, CrossDatabaseError, ReadOnlyError.
    """
    config = rules.config
    hinted = None
    if statement.hints is not None and config.hints:
        hinted = _hinted_database(statement.hints, config)
    homes = _homes(statement, rules)
    chosen = hinted or using
    if chosen is not None:
        reason = Reason.HINT_DATABASE if hinted else Reason.USING_DATABASE
        why = f"{'hint' if hinted else 'using()'} names database {chosen}"
        placement = Placement(chosen, reason, why, *_sharded(homes, chosen, config))
    else:
        if statement.kind is Kind.UNKNOWN:
            _check_understood(statement, config)
        placement = _by_tables(homes, config) if homes else NO_TABLES
    if statement.verb in _INSERTS:
        placement = replace(placement, fills=_filled(statement, homes))
    name = placement.database
    if name is not None and config.databases[name].read_only:
        _check_read_only(statement, name, config)
    return placement


def _filled(statement: Statement, homes: Homes) -> str | None:
    """Return the column that the rule of the table fills which an INSERT writes to."""
    if len(statement.writes) != 1:
        return None
    rule = homes.get(statement.writes[0], (None, None))[1]
    return None if rule is None else rule.id_column


def check_dialect(
    statement: Statement, placement: Placement, config: ClusterConfig, dialect: str
) -> None:
    """Raise CrossDatabaseError where `statement`, which is in `dialect`, has its
    `placement` in a database of another dialect, which would read it otherwise.

    Who chose the database (`using()`, a hint) knows what is read there, and with
    `joins = "refuse"` in `config` texts go as they are.
    """
    name = placement.database
    is_chosen = placement.reason not in (Reason.TABLE, Reason.DEFAULT)
    if name is None or is_chosen or config.joins == "refuse":
        return
    theirs = config.databases[name].dialect
    if theirs == dialect or statement.kind not in _TRANSLATED:
        return
    listed = ", ".join(map(str, statement.tables))
    raise errors.CrossDatabaseError(
        f"{listed}: database {name} speaks {theirs}, and the text is in {dialect}. "
        f"Send a text in {theirs} with conn.using({name!r}) or "
        f"/* routedb: database={name} */"
    )


def dialect_for(config: ClusterConfig, chosen: str | None) -> str:
    """Return the dialect a text is read in when the database `chosen`, or none, is
    asked for: docs/architecture.rst, The dialect of a text."""
    if config.dialect is not None:
        return config.dialect
    return database_for(config, chosen).dialect


def database_for(config: ClusterConfig, chosen: str | None) -> DatabaseConfig:
    """Return the chosen database, else the default, else the first configured."""
    return config.default_database if chosen is None else config.databases[chosen]


def _hinted_database(hints: Hints, config: ClusterConfig) -> str | None:
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


def _homes(statement: Statement, rules: Rules) -> Homes:
    """Map each table that is not a catalog's to its database and the rule for it."""
    found: Homes = {}
    for table in (*statement.tables, *_renamed(statement)):
        if is_catalog(table, rules.dialect):  # every database has it
            continue
        # A temporary table that it makes will be where the other tables are.
        if statement.holds and _is_made(table, statement):
            continue
        rule = rules.known.get(table, _UNKNOWN)
        if rule is _UNKNOWN:
            rule = rules.rule_for(table)
        found[table] = (rule.database if rule else rules.config.default, rule)
    return found


def _renamed(statement: Statement) -> tuple[Table, ...]:
    """Return the new names of tables, which are to be looked for at the same place."""
    if not statement.renames or statement.verb not in _RENAMES:
        return ()
    schemas = {table.name: table.schema for table in statement.tables}
    return tuple(Table(schemas.get(old), new) for old, new in statement.renames)


def _is_made(table: Table, statement: Statement) -> bool:
    made = {obj.name for obj in statement.holds if obj.kind in RELATIONS}
    return table.name in made and table in statement.writes


def _by_tables(homes: Homes, config: ClusterConfig) -> Placement:
    table, (name, rule) = next(iter(homes.items()))
    if len(homes) > 1:
        _check_one_database(homes, config)
    if not name:
        raise _homeless(table, rule, config)
    if rule is None:
        named = table.name if table.schema is None else table
        reason = Reason.DEFAULT
        why = f"table {named} has no rule, default database {name}"
    else:
        reason = Reason.TABLE
        why = f"table {table} matches rule {rule.pattern!r} of database {name}"
        if rule.placed_by:
            why = f"table {table} is in database {name} by {rule.placed_by}"
    if not config.databases[name].is_sharded:
        return Placement(name, reason, why)
    return Placement(name, reason, why, *_sharded(homes, name, config))


def _check_understood(statement: Statement, config: ClusterConfig) -> None:
    """Refuse what cannot be read where its tables may be in another database."""
    elsewhere = {rule.database for rule in config.tables} - {config.default}
    if elsewhere:
        raise errors.UnknownTableError(
            f"the statement cannot be read ({statement.reason}), and its tables may be "
            f"in {', '.join(sorted(elsewhere))} by the rules of {config.source}: name "
            'its database with conn.using("…") or /* routedb: database=… */'
        )


def _homeless(
    table: Table, rule: TableRule | None, config: ClusterConfig
) -> errors.UnknownTableError:
    """Return the error for a table that no rule gives a database, or one that is not
    known here: the placement of it says why."""
    if rule is not None:
        return errors.UnknownTableError(rule.refusal)
    return errors.UnknownTableError(
        f"table {table}: no rule of {config.source} gives it a database and there "
        'is no default; add a rule under [tables], set default = "…", or say '
        "/* routedb: database=… */"
    )


def _check_one_database(homes: Homes, config: ClusterConfig) -> None:
    for table, (database, rule) in homes.items():
        if not database:
            raise _homeless(table, rule, config)
    if len({database for database, _ in homes.values()}) > 1:
        raise errors.CrossDatabaseError(_cross_text(homes))


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


def _check_read_only(statement: Statement, name: str, config: ClusterConfig) -> None:
    if statement.read_only or statement.asks or statement.kind in _HARMLESS:
        return
    tables = ", ".join(map(str, statement.writes or statement.tables)) or "no table"
    raise errors.ReadOnlyError(
        f"{statement.verb or 'statement'} on {tables}: database {name} is configured "
        f"read_only ({statement.reason or 'it is not certainly a plain read'}); "
        "remove read_only = true to allow writes"
    )
