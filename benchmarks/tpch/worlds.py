"""One PostgreSQL with all tables, and the same rows over several databases.

Sharded: `lineitem` and `orders` over four PostgreSQL databases by the order's key, of
the rest a copy on each. Mixed: half of the tables in a MariaDB. Foreign: what a user
would take instead, postgres_fdw with a partition for each of the four.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import MySQLdb
import psycopg2
from psycopg2.extensions import parse_dsn

import routedb
from benchmarks.tpch.data import (
    SHARDED,
    TABLES,
    create,
    fill_mariadb,
    fill_postgresql,
    index,
    lines_of,
)
from tests.support.servers import Reaper, open_place, start_mariadb, start_postgresql

SHARDS = 4
_ELSEWHERE = ("customer", "supplier", "part", "partsupp")  # in MariaDB, when mixed


class World(NamedTuple):
    """The one database, routedb's connection, and others to compare with by name."""

    one: Any
    routed: Any
    beside: Mapping[str, Any]


@contextmanager
def world(folder: Path, is_mixed: bool, has_foreign: bool) -> Iterator[World]:
    """Make the databases, and fill them with the tables in `folder`."""
    with ExitStack() as stack:
        reaper = stack.enter_context(closing(Reaper()))
        servers = start_postgresql(open_place("postgres", reaper))
        stack.enter_context(closing(servers))
        one = _postgresql(_made(servers), stack)
        _load(one, folder, TABLES, carried=_ELSEWHERE if is_mixed else ())
        beside: dict[str, Any] = {}
        if is_mixed:
            source = _mixed(servers, folder, reaper, stack)
        else:
            dsns = [_made(servers) for _ in range(SHARDS)]
            source = _sharded(dsns, folder, stack)
            if has_foreign:
                beside["postgres_fdw"] = _foreign(servers, dsns, folder, stack)
        cluster = stack.enter_context(closing(routedb.Cluster(source)))
        routed = stack.enter_context(closing(cluster.connect(autocommit=True)))
        yield World(one, routed, beside)


def _made(servers: Any) -> str:
    dsn: str = servers.writer.dsn(servers.create_database())
    return dsn


def _postgresql(dsn: str, stack: ExitStack) -> Any:
    raw = stack.enter_context(closing(psycopg2.connect(dsn)))
    raw.autocommit = True
    return raw


def _load(
    raw: Any,
    folder: Path,
    tables: Any,
    shard: int | None = None,
    carried: Sequence[str] = (),
) -> None:
    create(raw, tables, carried)
    for table in tables:
        lines = lines_of(folder, table)
        if shard is not None and table in SHARDED:
            lines = (line for line in lines if _shard(line) == shard)
        fill_postgresql(raw, table, lines)
    index(raw, tables)


def _shard(line: str) -> int:
    return int(line.partition(",")[0]) % SHARDS


def _sharded(dsns: list[str], folder: Path, stack: ExitStack) -> dict[str, Any]:
    for number, dsn in enumerate(dsns):
        _load(_postgresql(dsn, stack), folder, TABLES, number)
    rule = {"database": "all", "function": "modulo", "key_type": "integer"}
    tables: dict[str, Any] = {
        table: {"database": "all", "reference": True} for table in TABLES
    }
    tables |= {table: {**rule, "shard_key": key} for table, key in SHARDED.items()}
    return {
        "default": "all",
        "databases": {"all": {"shards": [[dsn] for dsn in dsns]}},
        "tables": tables,
    }


def _mixed(
    servers: Any, folder: Path, reaper: Reaper, stack: ExitStack
) -> dict[str, Any]:
    mine = [table for table in TABLES if table not in _ELSEWHERE]
    dsn = _made(servers)
    _load(_postgresql(dsn, stack), folder, mine)
    others = start_mariadb(open_place("mysql", reaper))
    stack.enter_context(closing(others))
    other = stack.enter_context(others.database()).writer_dsn
    with closing(routedb.connect(other)) as found:
        options = found.session.core.nodes[0].options
    raw = stack.enter_context(closing(MySQLdb.connect(**options, autocommit=True)))
    create(raw, _ELSEWHERE)
    for table in _ELSEWHERE:
        fill_mariadb(raw, table, lines_of(folder, table))
    index(raw, _ELSEWHERE)
    return {
        "default": "shop",
        "databases": {"shop": {"nodes": [dsn]}, "erp": {"nodes": [other]}},
        "tables": dict.fromkeys(mine, "shop") | dict.fromkeys(_ELSEWHERE, "erp"),
    }


def _foreign(servers: Any, dsns: list[str], folder: Path, stack: ExitStack) -> Any:
    raw = _postgresql(_made(servers), stack)
    _load(raw, folder, [table for table in TABLES if table not in SHARDED])
    cursor = raw.cursor()
    cursor.execute("CREATE EXTENSION postgres_fdw")
    for number, dsn in enumerate(dsns):
        said = parse_dsn(dsn)
        cursor.execute(
            f"CREATE SERVER shard{number} FOREIGN DATA WRAPPER postgres_fdw "
            "OPTIONS (host %s, port %s, dbname %s, async_capable 'true')",
            (said["host"], said["port"], said["dbname"]),
        )
        cursor.execute(
            f"CREATE USER MAPPING FOR CURRENT_USER SERVER shard{number} "
            "OPTIONS (user %s, password %s)",
            (said["user"], said["password"]),
        )
    for table, key in SHARDED.items():
        columns = TABLES[table].columns.items()
        listed = ", ".join(f"{name} {type_} NOT NULL" for name, type_ in columns)
        by = f"PARTITION BY LIST (({key} % {SHARDS}))"
        cursor.execute(f"CREATE TABLE {table} ({listed}) {by}")
        for number in range(SHARDS):
            cursor.execute(
                f"CREATE FOREIGN TABLE {table}{number} PARTITION OF {table} "
                f"FOR VALUES IN ({number}) SERVER shard{number} "
                f"OPTIONS (table_name '{table}')"
            )
        cursor.execute(f"ANALYZE {table}")
    cursor.execute("SET enable_partitionwise_join = on")
    cursor.execute("SET enable_partitionwise_aggregate = on")
    return raw
