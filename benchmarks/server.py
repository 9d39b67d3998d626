"""Servers for the benchmarks, with what they measure on in a new database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from benchmarks.overhead import on_one_core
from tests.support.servers import Reaper, open_place, start_postgresql


@contextmanager
def filled_servers(
    *statements: str,
    user: str = "postgres",
    start: Callable[[Any], Any] = start_postgresql,
) -> Iterator[tuple[Any, str]]:
    """Start servers by `start` as the system's `user`, run `statements` in a new
    database; lend the servers, whose replicas hold it, and its name. Raises
    MissingServer."""
    reaper = Reaper()
    try:
        with closing(start(open_place(user, reaper))) as servers:
            name = servers.create_database()
            for sql in statements:
                servers.writer.execute(sql, dbname=name)
            servers.wait_replayed()
            yield servers, name
    finally:
        reaper.close()


@contextmanager
def one_server(*statements: str, **servers: Any) -> Iterator[str]:
    """Lend the DSN of a writer on one core, filled by `statements`; `servers` is what
    `filled_servers` takes."""
    with on_one_core(), filled_servers(*statements, **servers) as (started, name):
        yield started.writer.dsn(name)
