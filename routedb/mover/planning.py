"""Plans a move: which tables, from where, what they become, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from routedb import errors
from routedb.config.model import ClusterConfig, TableRule
from routedb.config.placements import Place, Placement, Placements, rule_of
from routedb.engine.plans.placed_rules import placed_rules
from routedb.mover import catalogs, own_definitions, placements
from routedb.mover.ends import End, check_end
from routedb.mover.sessions import Session, home_of, writer_of
from routedb.moving import ddl, spreading
from routedb.moving.definitions import Table, fingerprint
from routedb.moving.refusals import direction, notes, refusals
from routedb.moving.script import Script, script_of
from routedb.moving.types import Mapped, mapped
from routedb.moving.wanted import wanted_place
from routedb.routing.rules import Rules
from routedb.sharding import check_rules
from routedb.sql.statement import Table as Named

_ROWS_PER_S = 50_000  # a cautious guess for the estimate


@dataclass(frozen=True, slots=True)
class Plan:
    """What a move would do."""

    source: str
    target: str
    tables: tuple[Table, ...]
    types: tuple[tuple[str, str, str, str], ...]  # table, column, from, to
    ddl: tuple[str, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...]
    places: Mapping[str, Place]  # of each table at the target
    old_places: Mapping[str, Place]
    placed: tuple[str, ...]  # what is where it is by placements

    @property
    def rows(self) -> int:
        """How many rows there are, as the source estimates."""
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        """How much they take at the source."""
        return sum(table.bytes for table in self.tables)

    @property
    def seconds(self) -> float:
        """How long copying may take."""
        return self.rows / _ROWS_PER_S


def plan(
    config: ClusterConfig,
    patterns: Iterable[str],
    target: str,
    rule: Mapping[str, Any] | None = None,
    definitions: str = "",
) -> Plan:
    """Return what moving the tables that match `patterns` to the database `target`
    would do; nothing is changed. `rule` is what their rule in `[tables]` would say
    beside the database, where that is sharded; `definitions` are the user's own, of
    the tables at the target. Raises ConfigError where there are no such tables, it can
    be no rule, or the definitions fail."""
    rules = rules_in_force(config)
    source, names = _found(config, rules, list(patterns), target, bool(rule))
    old_rules = {name: rule_of_table(rules, name, source) for name in names}
    new_rules = _new_rules(config, old_rules, target, rule)
    with closing(End(config, source, old_rules)) as old:
        wrong = direction(old.engine, _engine(config, target))
        if wrong:
            raise errors.NotSupportedError(wrong[0])
        check_end(old)
        tables = tuple(catalogs.tables_of(old.first, names))
        with closing(End(config, target, new_rules)) as new:
            check_end(new)
            script = _script(definitions, old, new)
            found = _refusals(tables, old, new, script is not None)
            own = None
            if script is not None and not found:
                own, wrong = _own(script, tables, old, new)
                found += wrong
    engine = _engine(config, target)
    return Plan(
        source,
        target,
        tables,
        tuple(_types(tables, engine, own)),
        () if found else tuple(script.statements if script else _ddl(tables, engine)),
        tuple(found),
        (
            *notes(tables, engine, own),
            *_untried(script, engine),
            *_staying(source == target),
        ),
        places_of(config, new_rules),
        places_of(config, old_rules),
        tuple(name for name, rule in old_rules.items() if rule.placed_by),
    )


def _script(definitions: str, old: End, new: End) -> Script | None:
    """Return the user's `definitions`, taken apart."""
    if not definitions:
        return None
    if old.database == new.database or new.engine == "sqlite":
        raise errors.ConfigError(
            "no definitions are taken for SQLite, and none where the tables stay"
        )
    return script_of(definitions, new.engine)


def _own(
    script: Script, tables: Sequence[Table], old: End, new: End
) -> tuple[dict[str, Table], list[str]]:
    """Return the tables that `script` makes, and why they cannot be the targets of
    `tables`. MariaDB cannot undo a definition: `start` looks there."""
    if new.engine != "postgresql":
        return {}, []
    own, found = own_definitions.tried(new.first, script, tables)
    return own, found or own_definitions.beyond(tables, own, old)


def _untried(script: Script | None, engine: str) -> tuple[str, ...]:
    if script is None or engine == "postgresql":
        return ()
    return ("the definitions are run by start, which refuses them before it copies",)


def _staying(is_so: bool) -> tuple[str, ...]:
    if not is_so:
        return ()
    return ("the tables stay, and rows move: definitions are for shards without them",)


def _refusals(tables: Sequence[Table], old: End, new: End, is_own: bool) -> list[str]:
    found = refusals(tables, new.engine, is_own)
    for end in (old, new):
        found += spreading.refusals(tables, end.rules)
    found += _unlike(tables, old, old.database == new.database)
    for session in old.sessions:
        found += _no_triggers(session)
    if old.database == new.database:
        found += spreading.refusals_within(tables)
    for session in new.sessions:
        if old.database != new.database:
            found += _in_the_way(session, [table.name for table in tables])
        found += [] if is_own else _missing_types(session, tables)
        found += _no_triggers(session)
    return list(dict.fromkeys(found))


def _unlike(tables: Sequence[Table], end: End, may_lack: bool) -> list[str]:
    """The shards of a table have one definition, which the first of them shows; a new
    shard `may_lack` it."""
    found = []
    for session in end.sessions[1:]:
        for table in tables:
            known = catalogs.table_of(session, table.name)
            if known is None and may_lack:
                continue
            if known is None or fingerprint(known) != fingerprint(table):
                found.append(
                    f"{table.name}: {session.node.name} has another definition of it "
                    f"than {end.first.node.name}"
                )
    return found


def _engine(config: ClusterConfig, database: str) -> str:
    return config.databases[database].groups[0].nodes[0].engine


def _new_rules(
    config: ClusterConfig,
    old_rules: Mapping[str, TableRule],
    target: str,
    rule: Mapping[str, Any] | None,
) -> dict[str, TableRule]:
    """Return the rules that the tables of `old_rules` are to have."""
    if target not in config.databases:
        raise errors.ConfigError(f"there is no database {target!r}")
    is_sharded = config.databases[target].is_sharded
    if is_sharded and not rule:
        raise errors.ConfigError(
            f"{target} is sharded: say by which column, with --shard-key"
        )
    shards = len(config.databases[target].groups)
    found = {}
    for name, old in old_rules.items():
        place: Place = {"database": target, **(rule or {})} if rule else target
        if rule and is_sharded:
            kept = old if old.database == target else None
            place = wanted_place(target, shards, rule, kept)
        found[name] = rule_of(Placement(name, place, 0), config)
        if found[name] == replace(old, moving=None):
            raise errors.ConfigError(f"{name} has this rule already: nothing moves")
    check_rules(replace(config, tables=tuple(found.values())))
    return found


def rules_in_force(config: ClusterConfig) -> Rules:
    """Return the rules of `config` below those of the placements."""
    session = Session(home_of(config))
    try:
        rows = tuple(placements.read(session).values())
    finally:
        session.close()
    placed = placed_rules(Placements(0, rows), config)
    return Rules(replace(config, tables=(*placed, *config.tables)))


def rule_of_table(rules: Rules, table: str, database: str) -> TableRule:
    """Return the one of `rules` that `table`, which is in `database`, has now."""
    found = rules.rule_for(Named(None, table))
    return found or TableRule(table, None, table, database)


def places_of(
    config: ClusterConfig, rules: Mapping[str, TableRule]
) -> dict[str, Place]:
    """Return the places that these `rules` of tables stand for, in the cluster of
    `config`."""
    return {
        table: spreading.place_of(rule, len(config.databases[rule.database].groups))
        for table, rule in rules.items()
    }


def _found(
    config: ClusterConfig,
    rules: Rules,
    patterns: list[str],
    target: str,
    is_within: bool,
) -> tuple[str, list[str]]:
    """Return the one database that has tables of these names, by the rules, and their
    names; it may be the target where rows may move `is_within` it."""
    by_source: dict[str, list[str]] = {}
    for name, database in config.databases.items():
        if name == target and not (is_within and database.is_sharded):
            continue
        session = Session(writer_of(config, name))
        try:
            known = catalogs.table_names(session)
        except errors.NotSupportedError:
            if len(config.databases) == 2:
                raise
            continue
        finally:
            session.close()
        for table in known:
            rule = rules.rule_for(Named(None, table))
            home = rule.database if rule else config.default
            is_here = home == name or (home is None and name != target)
            if is_here and any(fnmatchcase(table, p) for p in patterns):
                by_source.setdefault(name, []).append(table)
    if not by_source:
        raise errors.ConfigError(
            f"no table matches {', '.join(patterns)}, of those that live outside "
            f"{target}"
        )
    if len(by_source) > 1:
        raise errors.ConfigError(
            f"tables of several databases match: {', '.join(by_source)}"
        )
    return next(iter(by_source.items()))


def _in_the_way(session: Session, names: list[str]) -> list[str]:
    there = set(catalogs.table_names(session))
    return [
        f"{name}: {session.node.name} has a table of this name already"
        for name in names
        if name in there
    ]


def _no_triggers(session: Session) -> list[str]:
    """MariaDB with a binary log lets few make triggers."""
    if session.engine != "mysql":
        return []
    rows = session.run("SELECT @@log_bin, @@log_bin_trust_function_creators")
    if rows == [(1, 0)] and not any(
        "SUPER" in str(grant) or "ALL PRIVILEGES ON *.*" in str(grant)
        for (grant,) in session.run("SHOW GRANTS")
    ):
        return [
            f"{session.node.name}: this user may make no triggers: it needs SUPER, or "
            "the server log_bin_trust_function_creators = ON"
        ]
    return []


def _missing_types(session: Session, tables: Iterable[Table]) -> list[str]:
    """Types that users made are not moved: they have to be there."""
    if session.engine != "postgresql":
        return []
    found = []
    for table in tables:
        for column in table.columns:
            if column.is_custom and table.engine == "postgresql":
                quoted = column.type.replace("'", "''")
                ((known,),) = session.run(f"SELECT to_regtype('{quoted}')::text")
                if known is None:
                    found.append(
                        f"{table.name}: {column.name}: the target has no type "
                        f"{column.type}; make it there first"
                    )
    return found


def _types(
    tables: Iterable[Table], target: str, own: Mapping[str, Table] | None
) -> Iterable[tuple[str, str, str, str]]:
    for table in tables:
        for column in table.columns:
            if own is not None:
                becomes = _own_type(own.get(table.name), column.name)
            else:
                to = mapped(column, table.engine, target)
                becomes = to.type if isinstance(to, Mapped) else "(refused)"
            yield table.name, column.name, column.type, becomes


def _own_type(own: Table | None, column: str) -> str:
    found = [each.type for each in own.columns if each.name == column] if own else []
    return found[0] if found else "(as defined)"


def _ddl(tables: Iterable[Table], target: str) -> Iterable[str]:
    listed = list(tables)
    for table in listed:
        yield ddl.create_text(table, target)
        yield from ddl.comment_texts(table, target)
    for table in listed:
        yield from (text for _, text in ddl.index_texts(table, target))
    for table in listed:
        for key in table.foreign_keys:
            if key.child == table.name:
                yield ddl.foreign_key_text(key, target)
