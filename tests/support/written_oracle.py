"""INSERT … SELECT, CREATE TABLE … AS by routedb against one database with all rows.

`python -m tests.support.written_oracle COUNT [SEED [ENGINE]]` makes the statements of
`merge_oracle` the queries of INSERTs, and of new tables but on MariaDB, on SQLite,
"postgresql" or "mysql", and prints what was written otherwise than in the one database,
and what was refused.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import MySQLdb
import psycopg2

import routedb
from tests.support.merge_oracle import tell
from tests.support.merge_servers import ServerWorld, server_world
from tests.support.servers import Reaper, open_place, start_mariadb, start_postgresql
from tests.support.split_statements import Made, Statements
from tests.support.split_world import SplitWorld

_STATEMENTS_A_WORLD = 50
_COLUMNS = 12
_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)
_STARTS: dict[str, tuple[Any, str]] = {
    "postgresql": (start_postgresql, "postgres"),
    "mysql": (start_mariadb, "mysql"),
}
# The number of a row, and of the columns of two tables the types.
_NUMBER = {
    "postgresql": "serial PRIMARY KEY",
    "mysql": "int AUTO_INCREMENT PRIMARY KEY",
    "sqlite": "INTEGER PRIMARY KEY",
}
_TYPES = {
    "postgresql": ("text", "double precision"),
    "mysql": ("text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "double"),
    "sqlite": ("", "REAL"),
}
TABLES = ("kept", "measured")
_MADE = "made"  # and taken away with each statement
_EVERY = 3  # so many INSERTs, then a table that is made
_SHOWN = {
    "postgresql": "SELECT attname, format_type(atttypid, atttypmod), "
    "attcollation::regcollation::text FROM pg_attribute "
    f"WHERE attrelid = '{_MADE}'::regclass AND attnum > 0 ORDER BY attnum",
    "sqlite": f"SELECT name, type FROM pragma_table_info('{_MADE}')",
}


class Wrong(NamedTuple):
    """A statement that wrote something else than in the one database."""

    sql: str
    params: Any
    got: Any
    expected: Any


class Report(NamedTuple):
    """What a campaign found; `several` statements read several groups."""

    statements: int
    errors: int
    written: int
    several: int
    refused: Counter[str]
    wrong: list[Wrong]


def campaign(seed: int, count: int, servers: ServerWorld | None = None) -> Report:
    """Compare `count` statements made by `seed`, on files or on `servers`."""
    rng = random.Random(seed)
    creating = (psycopg2.extensions.connection, sqlite3.Connection)
    refused: Counter[str] = Counter()
    wrong: list[Wrong] = []
    errors = written = several = 0
    for _ in range(0, count, _STATEMENTS_A_WORLD):
        with _world(rng, servers) as (world, routed, one, text):
            statements = Statements(rng)
            for number in range(min(_STATEMENTS_A_WORLD, count)):
                made = statements.one()
                made = made._replace(sql=text(made.sql))
                width = len(world.expected(made.sql, made.params).names)
                if not 0 < width <= _COLUMNS:
                    continue
                table = TABLES[number % len(TABLES)]
                listed = ", ".join(f"c{n}" for n in range(width))
                creates = number % _EVERY == 0 and isinstance(one, creating)
                table = _MADE if creates else table
                sql = f"INSERT INTO {table} ({listed}) {made.sql}"
                if creates:
                    sql = f"CREATE TABLE {_MADE} AS {made.sql}"
                expected = _written(one, one.cursor(), sql, made, table)
                cursor = routed.cursor()
                try:
                    got = _written(one, cursor, sql, made, table, routed)
                except _REFUSALS as exc:
                    reason = str(exc).rpartition(" either: ")[2]
                    refused[reason] += expected != "error"
                    continue
                errors += expected == "error"
                written += expected != "error" and expected[0] > 0
                several += cursor.route is not None and bool(cursor.route.fragments)
                if got != expected:
                    wrong.append(Wrong(sql, made.params, got, expected))
    return Report(count, errors, written, several, +refused, wrong)


def _written(
    one: Any, cursor: Any, sql: str, made: Made, table: str, routed: Any = None
) -> Any:
    """Run an INSERT; return the count and what has been written, which is taken away
    again, or that there was an error."""
    connection = one if routed is None else routed
    params, text = made.params, sql
    if isinstance(cursor, sqlite3.Cursor) and routed is None and params is not None:
        text, names = routedb.sql.to_qmark(sql)
        params = [params[name] for name in names] if names else params  # type: ignore
    try:
        cursor.execute(text, *(() if params is None else (params,)))
    except _REFUSALS:
        raise
    except (psycopg2.Error, MySQLdb.Error, sqlite3.Error):
        return "error"
    count = cursor.rowcount
    reader = connection.cursor()
    if table == _MADE:
        return _taken(reader, isinstance(cursor, psycopg2.extensions.cursor))
    reader.execute(f"SELECT * FROM {table} ORDER BY n")
    rows = [tuple(row)[1:] for row in reader.fetchall()]
    reader.execute(f"DELETE FROM {table}")
    if made.order:
        ordered = [tuple(row[number] for number in made.order) for row in rows]
        return count, ordered, Counter(map(str, rows))
    return count, Counter(map(str, rows))


def _taken(reader: Any, is_postgresql: bool) -> Any:
    """Return the rows and columns of the table that was made, and drop it."""
    reader.execute(f"SELECT * FROM {_MADE}")
    rows = Counter(str(tuple(row)) for row in reader.fetchall())
    asked = _SHOWN["postgresql" if is_postgresql else "sqlite"]
    reader.execute(f"/* routedb: database=crm */ {asked}")
    columns = [tuple(row) for row in reader.fetchall()]
    reader.execute(f"DROP TABLE {_MADE}")
    return rows.total(), rows, columns


@contextmanager
def _world(rng: random.Random, servers: ServerWorld | None) -> Iterator[Any]:
    if servers is not None:
        servers.fill(rng)
        yield servers, servers.connection, servers.one, servers.text
        return
    with TemporaryDirectory() as directory:
        world = SplitWorld(rng, directory=Path(directory))
        create([world.whole, *world.groups["crm"]], "sqlite")
        source = world.configuration
        source["tables"] |= dict.fromkeys((*TABLES, _MADE), {"database": "crm"})
        with closing(world), closing(routedb.Cluster(source)) as cluster:
            connection = cluster.connect(autocommit=True)
            yield world, connection, world.whole, lambda sql: sql


def create(raws: list[Any], engine: str) -> None:
    """Create the tables that are written to."""
    for raw in raws:
        for table, type_ in zip(TABLES, _TYPES[engine], strict=True):
            columns = ", ".join(f"c{n} {type_}" for n in range(_COLUMNS))
            raw.cursor().execute(
                f"CREATE TABLE {table} (n {_NUMBER[engine]}, {columns})"
            )


def main(count: str = "1000", seed: str = "", engine: str = "sqlite") -> int:
    chosen = int(seed) if seed else random.randrange(2**32)
    if engine == "sqlite":
        report = campaign(chosen, int(count))
    else:
        start, user = _STARTS[engine]
        with (
            closing(Reaper()) as reaper,
            closing(start(open_place(user, reaper))) as servers,
            written_world(engine, servers) as world,
        ):
            report = campaign(chosen, int(count), world)
    return tell(report, chosen, report.written)


@contextmanager
def written_world(engine: str, servers: Any) -> Iterator[ServerWorld]:
    """Make the databases, and the tables that are written to."""
    with ExitStack() as stack:
        more = dict.fromkeys((*TABLES, _MADE), {"database": "crm"})
        world = stack.enter_context(server_world(engine, servers, more=more))
        create([world.one, *world.raws("crm")], engine)
        yield world


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
