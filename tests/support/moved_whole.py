"""`python -m tests.support.moved_whole DUMP.sql …`: a database as its authors publish
it for MySQL moves to PostgreSQL and back.

The dumps are run in turn by the client `mariadb`, and say by CREATE DATABASE what they
fill (Chinook's `Chinook_MySql_AutoIncrementPKs.sql`; Sakila's schema and data). What
is refused is printed, and left out with all that has foreign keys to it; the rest is
moved together, with its foreign keys, and counted at each end.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.server import filled_servers
from routedb import move
from tests.support.servers import start_mariadb

_KEYS = (
    "SELECT count(*) FROM information_schema.table_constraints WHERE "
    "constraint_type = 'FOREIGN KEY' AND constraint_schema = "
)


def main(dumps: list[str]) -> int:
    """Load `dumps`, move what can be moved, and print what comes of it; return the exit
    status."""
    with ExitStack() as stack:
        servers, name = stack.enter_context(filled_servers())
        others, _ = stack.enter_context(
            filled_servers(start=start_mariadb, user="mysql")
        )
        others.writer.execute("SET GLOBAL log_bin_trust_function_creators = 1")
        filled = _loaded(others, dumps)
        config = {
            "default": "new",
            "databases": {
                "old": {"nodes": [others.writer.dsn(filled)]},
                "new": {"nodes": [servers.writer.dsn(name)]},
            },
            "tables": {"*": "old"},
        }
        tables = _movable(config)
        if not tables:
            print("nothing can be moved")
            return 1
        old, new = (others.writer, filled), (servers.writer, name)
        return _moved(config, tables, old, new)


def _loaded(servers: Any, dumps: list[str]) -> str:
    """Run `dumps`; return the name of the database that they have made."""
    node = servers.writer
    before = {row[0] for row in node.execute("SHOW DATABASES")}
    login = [f"--host={node.host}", f"--port={node.port}", f"--user={node.user}"]
    for dump in dumps:
        with Path(dump).open("rb") as file:
            subprocess.run(
                ["mariadb", *login, f"--password={node.password}", "--force"],
                stdin=file,
                check=False,  # of views and routines some may be MySQL's alone
            )
    (made,) = {row[0] for row in node.execute("SHOW DATABASES")} - before
    return str(made)


def _movable(config: dict[str, Any]) -> list[str]:
    """Return the tables that can be moved together; print what is refused."""
    plan = move.plan(config, ["*"], "new")
    names = {table.name for table in plan.tables}
    while plan.refusals:
        print(*(f"refused: {each}" for each in plan.refusals), sep="\n")
        names -= {each.partition(":")[0] for each in plan.refusals}
        if not names:
            return []
        plan = move.plan(config, sorted(names), "new")
    print(*(f"note: {each}" for each in plan.notes), sep="\n")
    return sorted(names)


def _moved(
    config: dict[str, Any],
    tables: list[str],
    old: tuple[Any, str],
    new: tuple[Any, str],
) -> int:
    began = time.monotonic()
    move.start(config, "whole", tables, "new")
    took = time.monotonic() - began
    move.switch(config, "whole")
    counts = [_counts(node, name, tables, mark) for (node, name), mark in
              ((old, "`"), (new, '"'))]  # fmt: skip
    keys = [
        node.execute(f"{_KEYS} '{schema}'", dbname=name)[0][0]
        for (node, name), schema in ((old, old[1]), (new, "public"))
    ]
    rows = sum(counts[1].values())
    print(
        f"{len(tables)} tables with {rows:,} rows moved in {took:.1f} s; foreign keys:"
    )
    print(f"{keys[0]} at the source, {keys[1]} at the target")
    move.undo(config, "whole")
    move.abort(config, "whole")
    return int(counts[0] != counts[1])


def _counts(node: Any, name: str, tables: list[str], mark: str) -> dict[str, int]:
    return {
        table: node.execute(f"SELECT count(*) FROM {mark}{table}{mark}", dbname=name)[
            0
        ][0]
        for table in tables
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
