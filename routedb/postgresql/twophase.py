"""The part of the PostgreSQL face that ends transactions, in one phase or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg2 import extensions as ext

from routedb.engine.link import Link
from routedb.postgresql.modes import Modes
from routedb.topology.snapshot import Role

_Base: Any = ext.connection


class TwoPhase(Modes):
    """PEP 249's two-phase commit, on the default database's writer."""

    _two_phase: Link | None = None

    def tpc_begin(self, xid: Any) -> None:
        """Begin a two-phase transaction, on the default database's writer."""
        dispatcher = self.usable()
        transaction = dispatcher.transaction
        if transaction.is_bound or dispatcher.links.mode.autocommit:
            self._refuse("tpc_begin is for outside a transaction and autocommit")
        group = self._database.groups[0].id
        link = dispatcher.links.writer(group, must_live=True)
        self.guarded(link.raw.tpc_begin, xid)
        transaction.join(group, link, Role.WRITER, is_home=True)
        transaction.note_write(group)
        dispatcher.refresh()
        self._two_phase = link

    def tpc_prepare(self) -> None:
        """Prepare the transaction: from now on it can be committed by anybody."""
        self.usable()
        self.guarded(self._in_two_phase("tpc_prepare").raw.tpc_prepare)

    def tpc_commit(self, xid: Any = None) -> None:
        """Commit the transaction, or, from outside, the prepared one named `xid`."""
        self._finish("tpc_commit", xid)

    def tpc_rollback(self, xid: Any = None) -> None:
        """Roll back the transaction, or, from outside, the prepared one named `xid`."""
        self._finish("tpc_rollback", xid)

    def tpc_recover(self) -> list[Any]:
        """Return the ids of the transactions prepared on the writer."""
        was_idle = not self.usable().transaction.is_bound
        with self.using(role="writer"):
            found: list[Any] = self.guarded(ext.connection.tpc_recover, self)
        if was_idle:
            self.rollback()
        return found

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        self._check_one_phase("commit")
        self._end_stray(_Base.commit)
        super().commit()

    def rollback(self) -> None:
        """Roll back the open transaction, if any; also acknowledges a lost one."""
        self._check_one_phase("rollback")
        self._end_stray(_Base.rollback)
        super().rollback()

    def _end_stray(self, end: Callable[[Any], None]) -> None:
        """End what C code has begun on the identity handle behind the engine's back, as
        a large object does that is used after its transaction."""
        if self.usable().transaction.is_bound or not self.has_live_identity:
            return
        if _Base.status.__get__(self) == ext.STATUS_BEGIN:
            self.guarded(end, self)

    def _finish(self, method: str, xid: Any) -> None:
        dispatcher = self.usable()
        if xid is not None:
            if dispatcher.transaction.is_bound:
                self._refuse(f"{method} with a xid is for outside a transaction")
            group = self._database.groups[0].id
            link = dispatcher.links.writer(group, must_live=True)
            self.guarded(getattr(link.raw, method), xid)
            link.used_at = dispatcher.core.clock()
            dispatcher.sight.wrote(group, link.id)
            return
        link = self._in_two_phase(method)
        try:
            self.guarded(getattr(link.raw, method))
        finally:
            self._two_phase = None
            dispatcher.transaction.end(committed=method == "tpc_commit")
            dispatcher.refresh()

    def _in_two_phase(self, method: str) -> Link:
        if self._two_phase is None:
            self._refuse(f"{method} must be called inside a two-phase transaction")
        return self._two_phase

    def _check_one_phase(self, method: str) -> None:
        if self._two_phase is not None:
            self._refuse(f"{method} cannot be used during a two-phase transaction")
