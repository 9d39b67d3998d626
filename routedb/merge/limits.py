"""What a statement over several groups may take: rows, bytes, time, and whose work.

A setting is the database's, or that of `conn.using(merge=…)`, which wins. Of several
databases the least counts: each was given its own for a reason. Drivers that fetch all
rows at once have them in memory before they are counted, so `max_bytes` bounds what is
moved on from there, fragment by fragment, not the first of them.

Time is kept by a thread that waits for the end, or cancels what runs on the session's
links when it is too late. What it has sent may arrive after the statement: a link that
was cancelled is asked something that may fail before anybody else uses it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from routedb import errors
from routedb.adapters.start_thread import start_thread
from routedb.config.model import DatabaseConfig, MergeConfig
from routedb.engine.session import Session
from routedb.merge.cancelled import settle_cancelled
from routedb.merge.fragments import GroupReads, decide_reads
from routedb.merge.refused import NotMerged
from routedb.routing.decider import Decision
from routedb.routing.plan import Plan

_PATIENCE_S = 5.0  # for a statement that was cancelled to end
_AGAIN_S = 0.05  # between two fragments there is nothing to cancel
_UNITS = ((2**30, "GB"), (2**20, "MB"), (2**10, "kB"))


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of one statement; `set_by` says of each key who has set it."""

    limits: MergeConfig
    set_by: Mapping[str, str]

    def check_size(self, rows: int, size: int) -> None:
        """Refuse more than so many `rows`, of about `size` bytes. Raises NotMerged."""
        limits = self.limits
        if limits.max_rows is not None and rows > limits.max_rows:
            said = f"max_rows = {limits.max_rows}"
            raise self._beyond("max_rows", said, f"{rows} rows have come")
        if limits.max_bytes is not None and size > limits.max_bytes:
            said = f'max_bytes = "{spelt(limits.max_bytes)}"'
            found = f"about {spelt(size)} have come in {rows} rows"
            raise self._beyond("max_bytes", said, found)

    def _beyond(self, key: str, said: str, found: str) -> NotMerged:
        return NotMerged(
            f"{found}, and merge has {said} ({self.set_by[key]}): ask for fewer rows, "
            f"or allow more there, or by conn.using(merge={{{key!r}: …}}), or have "
            "Spark read them (docs/spark.rst)"
        )

    @contextmanager
    def timed(self, session: Session) -> Iterator[None]:
        """Cancel what runs in `session` in the length of a block that is too long.
        Raises OperationalError then."""
        if self.limits.timeout_s is None:
            yield
            return
        watch = _Watch(session, self.limits.timeout_s)
        try:
            yield
        except errors.Error as exc:
            # A transaction whose link had to be cut is lost: more than too late.
            if not watch.end() or isinstance(exc, errors.TransactionLost):
                raise
            said = f"{self.limits.timeout_s:g} s ({self.set_by['timeout']})"
            raise errors.OperationalError(
                f"a read of several groups took longer than merge.timeout: {said}"
            ) from exc
        finally:
            watch.end()


def decide_work(
    session: Session, plan: Plan, reads: GroupReads, bounds: Bounds
) -> Decision:
    """Return where the rest of a statement of this `plan` in `session` is worked out:
    on the work node of `bounds`, else where its `reads` of one group are. Raises
    NotMerged for a node whose texts are of another dialect."""
    name = bounds.limits.work_node
    if name is None:
        return decide_reads(session, plan, reads)
    config = session.core.config
    (node,) = (node for node in config.nodes if node.name == name)
    database = config.databases[node.database]
    if database.dialect != plan.dialect:
        raise NotMerged(
            f"its work node {name} ({bounds.set_by['work_node']}) reads "
            f"{database.dialect}, and the statement is in {plan.dialect}"
        )
    number = session.core.groups[node.group].shard or 0
    decision = decide_reads(session, plan, GroupReads(database, number))
    return decision._replace(node=node.id)


def bounds_of(session: Session, databases: Iterable[DatabaseConfig]) -> Bounds:
    """Return the limits of a statement in `session` that reads these `databases`."""
    return _bounds(databases, session.merge_limits)


def bounds_of_one(database: DatabaseConfig) -> Bounds:
    """Return the limits of a statement that reads `database` alone, where nothing is
    chosen for the session."""
    known = _known.get(id(database))
    if known is None or known[0] is not database:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[id(database)] = (database, _bounds((database,), {}))
    return known[1]


_MOST_KNOWN = 256
# By the id of a database, which is kept, or the id could be another's.
_known: dict[int, tuple[DatabaseConfig, Bounds]] = {}


def _bounds(databases: Iterable[DatabaseConfig], chosen: Mapping[str, Any]) -> Bounds:
    found: dict[str, Any] = {}
    set_by: dict[str, str] = {}
    for database in databases:
        where = f"[databases.{database.name}]"
        for key, field in _FIELDS.items():
            value = getattr(database.merge, field)
            if value is not None and (field not in found or _less(value, found[field])):
                found[field], set_by[key] = value, where
    for key, field in _FIELDS.items():
        if field in chosen:
            found[field], set_by[key] = chosen[field], "conn.using()"
    none = MergeConfig(None)
    return Bounds(replace(none, **found), set_by)


_FIELDS = {
    "max_bytes": "max_bytes",
    "max_rows": "max_rows",
    "timeout": "timeout_s",
    "work_node": "work_node",
    "tables_above": "tables_above",
}


def _less(value: Any, other: Any) -> bool:
    return not isinstance(value, str) and value < other


def spelt(size: int) -> str:
    """Return a number of bytes as the configuration has it, about."""
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.4g}{name}"
    return f"{size}B"


class _Watch:
    """Waits until `end` is called, for so many seconds, then cancels.

    A server that hangs does not hear of that: after a while the links on which
    something is still under way are cut, and so are those that do not answer when they
    are looked at afterwards.
    """

    def __init__(self, session: Session, seconds: float) -> None:
        self._session = session
        self._is_late = False
        self._is_over = False  # nothing is cancelled any more
        self._has_ended = threading.Event()
        self._lock = threading.Lock()
        self._seconds = seconds
        thread = threading.Thread(
            target=self._wait, name="routedb-merge-timeout", daemon=True
        )
        start_thread(thread)

    def end(self) -> bool:
        """Stop waiting; tell whether it was too late."""
        with self._lock:
            self._is_over = True
            is_late, self._is_late = self._is_late, False
        try:
            if is_late:
                for link in list(self._session.links):
                    settle_cancelled(self._session, link)
        finally:
            self._has_ended.set()
        return is_late

    def _wait(self) -> None:
        seconds, over_at = self._seconds, time.monotonic() + self._seconds
        while not self._has_ended.wait(seconds):
            seconds = _AGAIN_S
            with self._lock:
                if not self._is_over:
                    self._is_late = True
                    with suppress(errors.Error):  # of a server that is gone
                        self._session.links.cancel()
            if time.monotonic() - over_at > _PATIENCE_S:
                for link in list(self._session.links):
                    if link.is_busy():
                        link.interrupt()
