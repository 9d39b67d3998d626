"""Keeping this process away from a database that a statement needs without sessions.

PostgreSQL drops, renames or copies a database only while nobody else is connected to
it, and waits five seconds for those who are. Of this process that may be idle links in
a pool, and links of the monitor, of this configuration or of another one: those the
program does not know of, so they are closed before the statement is sent, and nobody
opens one until it has ended. A connection that the program holds open stays, as it
would with the driver alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import WeakSet

from routedb.sql.emptied import emptied_database


class Tenant(Protocol):
    """What this module needs of a runtime's core."""

    def vacate(self, database: str) -> frozenset[int]:
        """Close what idles on the nodes of `database`, as its server calls it, or of
        any with "", and open nothing there; return their ids."""

    def return_to(self, nodes: frozenset[int]) -> None:
        """Open links to `nodes`, ids that `vacate` has returned, again."""


class Vacancies:
    """The runtimes of this process."""

    def __init__(self) -> None:
        self._tenants: WeakSet[Tenant] = WeakSet()

    def join(self, tenant: Tenant) -> None:
        """Have `tenant` keep away from then on."""
        self._tenants.add(tenant)

    def leave(self, tenant: Tenant) -> None:
        """Ask no more of `tenant`, which is closed."""
        self._tenants.discard(tenant)

    @contextmanager
    def of(self, database: str) -> Iterator[None]:
        """Keep away from `database`, or from all with "", during a block."""
        left: list[tuple[Tenant, frozenset[int]]] = []
        try:
            for tenant in list(self._tenants):
                left.append((tenant, tenant.vacate(database)))
            yield
        finally:
            for tenant, nodes in left:
                tenant.return_to(nodes)


VACANCIES = Vacancies()


def vacating(call: Callable[[Any], Any], sql: str) -> Callable[[Any], Any]:
    """Return `call`, which runs `sql`, where the sessions that nobody uses leave the
    database that must have none for it."""
    database = emptied_database(sql)
    if database is None:
        return call

    def run(raw: Any) -> Any:
        with VACANCIES.of(database):
            return call(raw)

    return run
