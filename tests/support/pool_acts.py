"""What is done with connections of a pool, interrupted at any line; no place is lost.

The same acts run on every engine. After each the pool counts just the links that are
there, and lends as many as it is allowed to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple
from weakref import WeakSet

import pytest

import routedb
from routedb.adapters import fake
from routedb.engine.pool.pool import Pool
from tests.support.inject import Injection
from tests.support.servers import Database

MOST = 2
LIMITS = {"max": MOST, "wait_timeout": "20ms"}


class Pooled(NamedTuple):
    """A cluster with a pool. `read` and `write` are texts for its servers; `sessions`
    counts those that the server has, or None where it cannot tell."""

    cluster: routedb.Cluster
    read: str
    write: str
    sessions: Callable[[], int | None]

    @property
    def pool(self) -> Pool:
        """The writer's."""
        pool = self.cluster.runtime.core.pools.of(0)
        assert pool is not None
        return pool

    def used(self, text: str, autocommit: bool = True) -> Any:
        """Return a connection that has run a text."""
        connection = self.cluster.connect(autocommit=autocommit)
        connection.cursor().execute(text)
        return connection

    def empty(self) -> None:
        """Close the links that nobody uses."""
        pool = self.pool
        for slot in pool._decide(pool._slots.expire, float("inf"), lambda _: False):
            pool.cancel(slot)

    def fill(self) -> None:
        """See to it that a link is idle."""
        self.cluster.connect().close()


def connect(pooled: Pooled) -> Callable[[], object]:
    pooled.empty()
    return lambda: pooled.cluster.connect(autocommit=True).close()


def connect_to_idle(pooled: Pooled) -> Callable[[], object]:
    pooled.fill()
    return lambda: pooled.cluster.connect(autocommit=True).close()


def use(pooled: Pooled) -> Callable[[], object]:
    pooled.fill()
    return lambda: pooled.used(pooled.read).close()


def close_after_read(pooled: Pooled) -> Callable[[], object]:
    return pooled.used(pooled.read).close


def close_after_write(pooled: Pooled) -> Callable[[], object]:
    return pooled.used(pooled.write).close


def close_in_transaction(pooled: Pooled) -> Callable[[], object]:
    return pooled.used(pooled.write, autocommit=False).close


def close_what_is_dead(pooled: Pooled) -> Callable[[], object]:
    connection = pooled.used(pooled.read)
    for link in connection.session.links:
        link.adapter.close(link.raw)
    return connection.close


def refused(pooled: Pooled) -> Callable[[], object]:
    """All places are taken: it waits in vain."""
    held = [pooled.cluster.connect() for _ in range(MOST)]

    def act() -> None:
        try:
            with suppress(routedb.PoolTimeout):
                pooled.cluster.connect().close()
        finally:
            for connection in held:
                _close(connection)

    return act


ACTS = {
    act.__name__: act
    for act in (
        connect,
        connect_to_idle,
        use,
        close_after_read,
        close_after_write,
        close_in_transaction,
        close_what_is_dead,
        refused,
    )
}


def interrupt(pooled: Pooled, name: str, at: int, kind: type[BaseException]) -> bool:
    """Raise `kind` at line event `at` of the act called `name`, and check; False when
    it has fewer."""
    act = ACTS[name](pooled)
    injection = Injection(at, kind)
    came = injection.run(act)
    try:
        if injection.has_fired:
            injection.check_made(came)
        del act, came
        injection.check_freed()
        check(pooled)
    except BaseException as failure:
        raise AssertionError(f"{name} {at}: {injection.place}") from failure
    return injection.has_fired


def check(pooled: Pooled) -> None:
    """Nobody has a connection: what is open is idle, and may all be lent."""
    pool = pooled.pool
    idle = len(list(pool._slots.idle))
    assert pool.open == idle, f"{pool.open - idle} places lost"
    assert not pool._resetting
    sessions = pooled.sessions()
    assert sessions is None or sessions == idle, f"{sessions} sessions, {idle} idle"
    made = []
    try:
        for _ in range(MOST):
            made.append(pooled.used(pooled.read))
    finally:
        for connection in made:
            connection.close()


def _close(connection: Any) -> None:
    with closing(connection):
        pass


COUNTED = "SELECT count(*) FROM t"
WRITTEN = "INSERT INTO t VALUES (1)"


@contextmanager
def on_servers(database: Database) -> Iterator[Pooled]:
    """A pool of a writer."""
    database.execute("CREATE TABLE t (a int)")
    with routedb.Cluster(database.writer_dsn, pool=LIMITS) as cluster:
        yield Pooled(cluster, COUNTED, WRITTEN, lambda: None)


@contextmanager
def on_sqlite(folder: str) -> Iterator[Pooled]:
    """A pool of a file."""
    path = f"{folder}/pool.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE t (a int)")
    with routedb.Cluster(f"sqlite:///{path}", pool=LIMITS) as cluster:
        yield Pooled(cluster, COUNTED, WRITTEN, lambda: None)


@contextmanager
def on_fake() -> Iterator[Pooled]:
    """A pool of a fake server, which tells how many links it has beside the
    monitor's."""
    apart = WeakSet[fake.Link]()

    def connect_apart(self: Any, node: Any, timeout_s: float) -> fake.Link:
        raw: fake.Link = self.connect(node, timeout_s)
        apart.add(raw)
        return raw

    with pytest.MonkeyPatch.context() as patch, fake.Server("w") as server:
        patch.setattr(fake.FakeAdapter, "connect_apart", connect_apart)
        server.answer("SELECT", rows=[(1,)], columns=["a"])
        with routedb.Cluster("fake://w", pool=LIMITS) as cluster:
            cluster.connect().close()
            yield Pooled(
                cluster,
                COUNTED,
                WRITTEN,
                lambda: sum(raw not in apart for raw in list(server.links)),
            )
