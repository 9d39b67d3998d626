"""Plans a move: which tables, from where, what they become, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from routedb import errors
from routedb.config.model import ClusterConfig
from routedb.mover import catalogs, placements
from routedb.mover.sessions import Session, home_of, writer_of
from routedb.moving import ddl
from routedb.moving.definitions import Table
from routedb.moving.refusals import direction, notes, refusals
from routedb.moving.types import Mapped, mapped
from routedb.routing.rules import Rules
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


def plan(config: ClusterConfig, patterns: Iterable[str], target: str) -> Plan:
    """Return what moving the tables that match `patterns` to the database `target`
    would do; nothing is changed. Raises ConfigError where there are none."""
    to = writer_of(config, target)
    source, names = _found(config, list(patterns), target)
    session = Session(writer_of(config, source))
    try:
        wrong = direction(session.engine, to.engine)
        if wrong:
            raise errors.NotSupportedError(wrong[0])
        tables = tuple(catalogs.tables_of(session, names))
        found = refusals(tables, to.engine) + _no_triggers(session)
    finally:
        session.close()
    other = Session(to)
    try:
        found += _in_the_way(other, names)
        found += _missing_types(other, tables)
        found += _no_triggers(other)
    finally:
        other.close()
    made = () if found else tuple(_ddl(tables, to.engine))
    return Plan(
        source,
        target,
        tables,
        tuple(_types(tables, to.engine)),
        made,
        tuple(found),
        tuple(notes(tables, to.engine)),
    )


def _found(
    config: ClusterConfig, patterns: list[str], target: str
) -> tuple[str, list[str]]:
    """Return the one database that has tables of these names, by the rules, and their
    names."""
    by_source: dict[str, list[str]] = {}
    rules = Rules(config)
    moved = _moved(config)
    for name, database in config.databases.items():
        if name == target or database.is_sharded:
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
            home = moved.get(table, rule.database if rule else config.default)
            if home in (name, None) and any(fnmatchcase(table, p) for p in patterns):
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


def _moved(config: ClusterConfig) -> dict[str, str]:
    session = Session(home_of(config))
    try:
        found = placements.read(session)
    finally:
        session.close()
    return {name: row.database for name, row in found.items()}


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


def _types(tables: Iterable[Table], target: str) -> Iterable[tuple[str, str, str, str]]:
    for table in tables:
        for column in table.columns:
            to = mapped(column, table.engine, target)
            becomes = to.type if isinstance(to, Mapped) else "(refused)"
            yield table.name, column.name, column.type, becomes


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
