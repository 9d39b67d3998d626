"""Rows of coordinators that are gone are deleted: see `routedb.session.joint_counts`.

Any number may do this at once. Each looks for itself, twice, with an hour between.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from routedb import errors
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.ledger import Asked, Ledger
from routedb.session.joint_counts import OldRows, Row, Rows

T = TypeVar("T")

_WAIT_S = 1  # for a row that is locked: it is no old one


class OldCounts:
    """Deletes them in the groups of `ledger`; `clock` is monotonic."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._old = OldRows()

    def round(self) -> None:
        """Look at all rows, and delete those that are old. What cannot be asked, or is
        locked, is left for another time."""
        groups: dict[str, int] = {}
        seen: dict[str, Rows] = {}
        for group in self._ledger.core.groups:
            try:
                name = self._ledger.counted(group.id)
                if name is not None:
                    seen[name], groups[name] = self._ask(group.id, _look), group.id
            except Exception as exc:
                if is_from_program(exc):
                    raise
        for coordinator, rows in self._old.look(seen, self._clock()).items():
            try:
                self._delete(coordinator, rows, groups)
            except Exception as exc:
                if is_from_program(exc):
                    raise

    def _delete(
        self, coordinator: str, rows: dict[str, Row], groups: dict[str, int]
    ) -> None:
        """Mark all of its rows; delete them, where all are marked."""

        for name, row in rows.items():
            self._ask(groups[name], partial(_mark, coordinator, row))
        for name, row in rows.items():
            marked = self._ask(groups[name], _look).get(coordinator)
            if marked != row._replace(is_old=True):
                raise errors.OperationalError(f"{coordinator} is not gone")
        for name, row in rows.items():
            self._ask(groups[name], partial(_drop, coordinator, row))

    def _ask(self, group: int, ask: Callable[[Asked], T]) -> T:
        ledger = self._ledger
        database = ledger.core.config.databases[ledger.core.groups[group].database]
        deadline = ledger.core.clock() + database.connect_timeout_s
        with ledger.asking(group, deadline) as asked:
            asked.adapter.decisions.bind(asked.raw, _WAIT_S)
            return ask(asked)


def _look(asked: Asked) -> Rows:
    return asked.adapter.decisions.counts.look(asked.raw, asked.namespace)


def _mark(coordinator: str, row: Row, asked: Asked) -> None:
    counts = asked.adapter.decisions.counts
    counts.mark(asked.raw, asked.namespace, coordinator, row)


def _drop(coordinator: str, row: Row, asked: Asked) -> None:
    counts = asked.adapter.decisions.counts
    counts.delete(asked.raw, asked.namespace, coordinator, row)
