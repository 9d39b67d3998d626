"""One PostgreSQL server on one core, for the benchmarks that need no replicas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from benchmarks.overhead import on_one_core
from tests.support.servers import Reaper, open_place, start_postgresql


@contextmanager
def one_server(*statements: str) -> Iterator[str]:
    """Start servers, run statements in a new database; lend the writer's DSN."""
    reaper = Reaper()
    try:
        with (
            on_one_core(),
            closing(start_postgresql(open_place("postgres", reaper))) as servers,
        ):
            name = servers.create_database()
            for sql in statements:
                servers.writer.execute(sql, dbname=name)
            yield servers.writer.dsn(name)
    finally:
        reaper.close()
