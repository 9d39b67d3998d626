"""A node to read from: a replica within `max_lag`, else the writer; another when it is
lost.

What is read is read whole before anything of it is given on, so that it can be read
again elsewhere, in another snapshot, without a row twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from routedb import adapters, errors
from routedb.adapters.base import Adapter, Raw
from routedb.config.mask import mask
from routedb.config.model import DatabaseConfig, GroupConfig, NodeConfig
from routedb.errors import Fault
from routedb.integrations.spark.slots import WAIT_S, slot
from routedb.topology.snapshot import Role

Read = TypeVar("Read")

_AGAIN_S = 0.25
# What another node may do better, or the same in a moment.
_ELSEWHERE = frozenset(
    {
        *(Fault.LINK_LOST, Fault.REFUSED, Fault.NODE_STARTING, Fault.OVERLOAD),
        Fault.CONFLICT,
    }
)
# What values are written by. On PostgreSQL all of it, and the claim, is a
# transaction's: behind a pool of them nothing is left in a session that others get.
_SETTINGS = {
    "postgresql": (
        "BEGIN; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; "
        "SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; "
        "SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = 0; "
        "SET LOCAL standard_conforming_strings = on; "
        "SET LOCAL client_encoding = 'UTF8'",
    ),
    "mysql": (
        "SET time_zone = '+00:00'",
        "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'",
    ),
}
_LOCK = 0x52444253  # of advisory locks: whose they are
_CLAIMS = {
    "postgresql": f"SELECT pg_catalog.pg_try_advisory_xact_lock({_LOCK}, {{number}})",
    # GET_LOCK is the server's, not the database's.
    "mysql": "SELECT GET_LOCK(CONCAT('routedb_spark_{number}_', "
    "MD5(IFNULL(DATABASE(), ''))), 0)",
}


class Session:
    """One open connection to `node`."""

    def __init__(self, node: NodeConfig, adapter: Adapter, raw: Raw) -> None:
        self.node = node
        self.adapter = adapter
        self.raw = raw
        self.dialect = adapter.dialect

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run a `text`; return its rows. Raises what the driver raises."""
        return self.adapter.run(self.raw, text)

    def finish(self) -> None:
        """End what `prepare` has begun. Raises what the driver raises."""
        if self.adapter.engine == "postgresql":
            self.run("COMMIT")

    def prepare(self, bound: int) -> bool:
        """Set what values are read by, and claim one of `bound` places among the
        connections of all machines; tell whether one was free."""
        for text in _SETTINGS.get(self.adapter.engine, ()):
            self.run(text)
        claim = _CLAIMS.get(self.adapter.engine)
        if claim is None:
            return True
        return any(
            self.run(claim.format(number=number))[0][0] for number in range(bound)
        )


class _Unsuited(Exception):  # noqa: N818  (never leaves this module)
    """The node is not to be read now."""


class _Failed(Exception):  # noqa: N818  (never leaves this module)
    """Reading failed, by this `fault`, as the link was while it was open."""

    def __init__(self, fault: Fault, cause: Exception) -> None:
        super().__init__(mask(str(cause)).strip())
        self.fault = fault
        self.cause = cause


def read_somewhere(
    database: DatabaseConfig,
    group: GroupConfig,
    bound: int,
    turn: int,
    read: Callable[[Session], Read],
) -> Read:
    """Return what `read` returns, given a session on a node of `group` of `database`:
    one of at most `bound` at once; `turn` spreads those who read.

    Raises NoNodeError when no node could be read within `failover_timeout`, else what
    `read` raises, as routedb's class too; both have the node's name in `node`.
    """
    deadline = None
    while True:
        said: dict[str, str] = {}
        for node, role in _candidates(database, group, turn):
            try:
                with _session(database, node, bound, role) as session:
                    return read(session)
            except _Unsuited as exc:
                said.setdefault(node.name, str(exc))
            except _Failed as exc:
                if not _is_for_another(exc.fault, role):
                    raise _told(exc.cause, node) from exc.cause.__cause__
                said[node.name] = str(exc)
        now = time.monotonic()
        deadline = now + database.failover_timeout_s if deadline is None else deadline
        if now >= deadline:
            break
        time.sleep(_AGAIN_S)
    listed = "; ".join(f"{name}: {what}" for name, what in said.items())
    error = errors.NoNodeError(f"no node of {_named(group)} could be read: {listed}")
    error.node = ", ".join(said)  # type: ignore[attr-defined]
    raise error


def _candidates(
    database: DatabaseConfig, group: GroupConfig, turn: int
) -> Iterator[tuple[NodeConfig, Role]]:
    """Yield the nodes in the order they are tried, and as what: all as replicas, unless
    the writer is to read; then all as writers."""
    at = turn % len(group.nodes)
    nodes = [*group.nodes[at:], *group.nodes[:at]]
    if group.is_single:
        yield nodes[0], Role.UNKNOWN
        return
    if database.reads == "replica" and database.consistency != "strong":
        for node in nodes:
            yield node, Role.REPLICA
    for node in nodes:
        yield node, Role.WRITER


@contextmanager
def _session(
    database: DatabaseConfig, node: NodeConfig, bound: int, role: Role
) -> Iterator[Session]:
    adapter = adapters.load(node.engine)
    with slot(node, bound):
        while True:
            raw = None
            try:
                raw = adapter.connect(node, database.connect_timeout_s)
                session = Session(node, adapter, raw)
                _check_role(database, session, role)
                if session.prepare(bound):
                    yield session
                    session.finish()
                    return
            except _Unsuited:
                raise
            except Exception as exc:
                raise _Failed(adapter.fault(exc, raw), exc) from exc
            finally:
                if raw is not None:  # its session counts until it has ended
                    adapter.end(raw)
            time.sleep(WAIT_S)


def _check_role(database: DatabaseConfig, session: Session, role: Role) -> None:
    if role is Role.UNKNOWN:
        return
    answer = session.adapter.probe(session.raw)
    if answer.role is not role:
        raise _Unsuited(f"is a {answer.role.value}")
    if role is Role.WRITER:
        return
    allowed, lag = database.max_lag_s, answer.lag_s
    if allowed is None:
        return
    if lag is None and database.must_know_lag:
        raise _Unsuited("does not tell its lag")
    if lag is not None and lag > allowed:
        raise _Unsuited(f"is {lag:.1f} s behind")


def _is_for_another(fault: Fault, role: Role) -> bool:
    """Tell whether another node may do better; what a replica does not have may not
    have come to it yet."""
    return fault in _ELSEWHERE or (fault is Fault.MISSING and role is Role.REPLICA)


def _told(exc: Exception, node: NodeConfig) -> Exception:
    """Return an error as routedb's class too, with the name of its `node`."""
    adapters.load(node.engine).adopt(exc)
    with suppress(AttributeError):
        exc.node = node.name  # type: ignore[attr-defined]
    return exc


def _named(group: GroupConfig) -> str:
    if group.shard is None:
        return group.database
    return f"shard {group.shard} of {group.database}"
