"""One server on one core, for the benchmarks that need no replicas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from benchmarks.overhead import on_one_core
from tests.support.servers import Reaper, open_place, start_postgresql


@contextmanager
def one_server(
    *statements: str,
    user: str = "postgres",
    start: Callable[[Any], Any] = start_postgresql,
) -> Iterator[str]:
    """Start servers by `start` as the system's `user`, run `statements` in a new
    database; lend the writer's DSN."""
    reaper = Reaper()
    try:
        with (
            on_one_core(),
            closing(start(open_place(user, reaper))) as servers,
        ):
            name = servers.create_database()
            for sql in statements:
                servers.writer.execute(sql, dbname=name)
            yield servers.writer.dsn(name)
    finally:
        reaper.close()
