"""The tables on the shards of a cluster: how many rows, how big, how much used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

from routedb import adapters, errors
from routedb.adapters.base import TxMode
from routedb.config.model import DatabaseConfig
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.shared.core import Core
from routedb.merge.catalogs import Catalogs
from routedb.sql.scanner.identifiers import quote_path
from routedb.sql.statement import Table

Ask = Callable[[str], list[tuple[Any, ...]]]


class TableSize(NamedTuple):
    """A table on one shard. `rows` may be the server's estimate; `touched` counts rows
    read and written since the server began to; None where it does not say."""

    schema: str | None
    name: str
    rows: int
    size: int | None
    touched: int | None


class ShardSize(NamedTuple):
    """A shard: its sharded tables, and the size of all that is there."""

    database: str
    number: int
    node: str
    tables: tuple[TableSize, ...]
    size: int


_POSTGRESQL = """
SELECT s.schemaname, s.relname, greatest(s.n_live_tup, c.reltuples)::bigint,
       pg_total_relation_size(s.relid),
       coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0) + s.n_tup_ins
       + s.n_tup_upd + s.n_tup_del
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid ORDER BY 1, 2"""
_MYSQL = """
SELECT table_schema, table_name, coalesce(table_rows, 0),
       coalesce(data_length, 0) + coalesce(index_length, 0), NULL
FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY 1, 2"""
_SQLITE = """
SELECT NULL, name, 0, NULL, NULL FROM sqlite_master
WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"""
_TABLES = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "sqlite": _SQLITE}
_ALL_OF_IT = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "mysql": "SELECT coalesce(sum(data_length + index_length), 0) "
    "FROM information_schema.tables WHERE table_schema = DATABASE()",
    "sqlite": "SELECT page_count * page_size "
    "FROM pragma_page_count(), pragma_page_size()",
}


@contextmanager
def asking(core: Core) -> Iterator[Session]:
    """Open a session of our own on `core` for the length of a block."""
    home = core.config.default_database.groups[0].nodes[0]
    session = Session(core, adapters.load(home.engine), TxMode(autocommit=True))
    with closing(session):
        yield session


def sharded(core: Core) -> list[DatabaseConfig]:
    """Return the databases that have shards."""
    return [each for each in core.config.databases.values() if each.is_sharded]


def shard_sizes(
    session: Session, database: DatabaseConfig, is_exact: bool
) -> list[ShardSize]:
    """Ask the writer of each shard of `database`, in `session`, for its sizes.

    `is_exact`: rows are counted, which reads all of them; SQLite has no estimates, and
    counts always. Raises what the drivers raise.
    """
    found = []
    for number, group in enumerate(database.groups):
        link = find_node.writer(session.links, group.id)
        ask = _asking(link)
        tables = [
            _counted(ask, each, database.dialect, is_exact)
            for each in _listed(ask, database.dialect)
            if _is_sharded(session, database, each)
        ]
        ((size,),) = ask(_ALL_OF_IT[database.dialect])
        name = link.node.name
        found.append(ShardSize(database.name, number, name, tuple(tables), int(size)))
    return found


def drifts(session: Session) -> list[str]:
    """Return how tables differ between the shards of a database, where they do: in
    columns, types, order of texts, or by not being there."""
    core, said = session.core, []
    catalogs = Catalogs(core)
    for database in sharded(core):
        views = [core.topology.groups[group.id] for group in database.groups]
        if any(view.writer is None for view in views):  # none is needed to read
            continue
        names: dict[Table, None] = {}
        for group in database.groups:
            ask = _asking(find_node.writer(session.links, group.id))
            for each in _listed(ask, database.dialect):
                table = _table(each, database.dialect)
                rule = core.rules.rule_for(table)
                if rule is not None and rule.database == database.name:
                    names[table] = None
        for table in names:
            try:
                catalogs.compare(session, database.name, table)
            except errors.ShardError as exc:
                said.append(str(exc))
    return said


def _asking(link: Link) -> Ask:
    return lambda sql: list(link.ask(link.adapter.run, sql))


def _listed(ask: Ask, dialect: str) -> list[TableSize]:
    return [
        TableSize(schema, name, int(rows), None if size is None else int(size), used)
        for schema, name, rows, size, used in ask(_TABLES[dialect])
    ]


def _table(each: TableSize, dialect: str) -> Table:
    """Return the table as statements name it: MySQL's schema is the database itself."""
    return Table(each.schema if dialect == "postgresql" else None, each.name)


def _is_sharded(session: Session, database: DatabaseConfig, each: TableSize) -> bool:
    rule = session.core.rules.rule_for(_table(each, database.dialect))
    return (
        rule is not None
        and rule.database == database.name
        and rule.shard_key is not None
    )


def _counted(ask: Ask, each: TableSize, dialect: str, is_exact: bool) -> TableSize:
    quoted = quote_path((each.schema, each.name), dialect)
    if is_exact or dialect == "sqlite":
        ((rows,),) = ask(f"SELECT count(*) FROM {quoted}")
        each = each._replace(rows=int(rows))
    if dialect == "sqlite":
        with suppress(Exception):  # the driver's: few are built with dbstat
            name = each.name.replace("'", "''")
            ((size,),) = ask(f"SELECT sum(pgsize) FROM dbstat WHERE name = '{name}'")
            each = each._replace(size=None if size is None else int(size))
    return each
