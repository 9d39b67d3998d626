"""Statements that are by nature for several shards: split INSERTs, reference writes.

All parts run in one transaction with a branch on each shard, so a part that fails
undoes the others. Outside a transaction one is opened for the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.engine.run.attempt import Attempt, run_on
from routedb.engine.run.outcome import succeeded
from routedb.engine.run.recovery import judge
from routedb.engine.session import Call, Session, VirtualCursor
from routedb.routing.decider import Decision
from routedb.routing.plan import Plan


def run(
    session: Session, cursor: VirtualCursor, plan: Plan, decided: Decision, call: Call
) -> None:
    """Run a statement on each of its shards; show the results as one."""
    target = decided.target
    assert target is not None
    _check_home(session, plan, decided)

    def work() -> None:
        gathered = MergedResult()
        if target.parts:
            for part in target.parts:
                group = plan.database.groups[part.shard].id
                on_shard = _calling(part.sql, part.params)
                raw = _on(session, cursor, plan, decided, group, on_shard)
                gathered.add(raw, part.rows)
        else:
            for group in decided.groups:
                raw = _on(session, cursor, plan, decided, group, call)
                gathered = MergedResult.of(raw) if gathered.is_empty else gathered
        gathered.finish()
        cursor.raw, cursor.route = gathered, decided.route
        decided.route.hits[0] += 1
        succeeded(session, cursor, plan)

    in_transaction(session, work)


def run_batches(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decisions: Mapping[int, Decision],
    sql: Any,
    by_group: Mapping[int, Sequence[Any]],
) -> None:
    """Run the text `sql` for sets of parameters, those of a group at once. `decisions`
    has one for each group."""

    def work() -> None:
        count = 0
        for group, rows in by_group.items():
            call = _calling_many(sql, rows)
            raw = _on(session, cursor, plan, decisions[group], group, call)
            decisions[group].route.hits[0] += len(rows)
            count += max(raw.rowcount, 0)
        cursor.raw = MergedResult.counting(count)
        cursor.route = next(iter(decisions.values())).route

    in_transaction(session, work)


def run_each(
    session: Session, cursor: VirtualCursor, calls: Sequence[Callable[[], None]]
) -> None:
    """Make the calls, each of which runs a statement on `cursor`, in one transaction;
    the row count is the sum."""

    def work() -> None:
        count = 0
        for call in calls:
            call()
            count += max(cursor.raw.rowcount, 0)
        cursor.raw = MergedResult.counting(count)
        cursor.unbind_fetch()

    in_transaction(session, work)


def in_transaction(session: Session, work: Callable[[], None]) -> None:
    """Do `work` inside the open transaction, or inside one of its own."""
    transaction = session.transaction
    if transaction.is_open:
        work()
        return
    transaction.begin(transaction.mode, None)
    try:
        work()
    except BaseException:
        session.rollback()
        raise
    session.commit()


def _on(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decided: Decision,
    group: int,
    call: Call,
) -> RawCursor:
    """Run one part on its group, as a writing branch of the transaction."""
    attempt = Attempt(session, plan, decided, group, is_one_of_several=True)
    link = attempt.reach()
    raw = link.adapter.cursor(link.raw)
    try:
        run_on(session, link, call, raw)
    except Exception as exc:
        judge(attempt, link, exc)
        raise
    cursor.link = link
    return raw


def _check_home(session: Session, plan: Plan, decided: Decision) -> None:
    home = session.transaction.home
    if home >= 0 and session.core.groups[home].database != plan.database.name:
        raise errors.CrossDatabaseError(
            f"{plan.statement.verb} is for shards of {plan.database.name}, but this "
            f"transaction is on {session.core.groups[home].database}: commit first"
        )


class MergedResult:
    """The results of several raw cursors as one: what a cursor needs to fetch from.

    Rows that the parts return are put in the order of the rows of the statement.
    """

    def __init__(self) -> None:
        self.description: Any = None
        self.rowcount = 0
        self.lastrowid: Any = None
        self.arraysize = 1
        self.is_empty = True
        self._rows: list[tuple[int, Any]] = []
        self._next = 0

    @classmethod
    def of(cls, raw: RawCursor) -> MergedResult:
        """Return the result of one raw cursor that speaks for all."""
        gathered = cls()
        gathered.add(raw, None)
        return gathered

    @classmethod
    def counting(cls, rowcount: int) -> MergedResult:
        """Return a result without rows."""
        gathered = cls()
        gathered.rowcount = rowcount
        return gathered

    def add(self, raw: RawCursor, places: Sequence[int] | None) -> None:
        """Add a part's result; `places` are the numbers of its rows in the whole."""
        self.is_empty = False
        self.rowcount += max(raw.rowcount, 0)
        self.lastrowid = raw.lastrowid
        if raw.description is None:
            return
        self.description = raw.description
        rows = raw.fetchall()
        if places is None or len(places) != len(rows):
            places = range(len(self._rows), len(self._rows) + len(rows))
        self._rows += zip(places, rows, strict=True)

    def finish(self) -> None:
        """Put the rows in order, once all parts are in."""
        self._rows.sort(key=lambda item: item[0])
        if self.description is not None:
            self.rowcount = len(self._rows)

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1][1]

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to `size` rows."""
        wanted = self.arraysize if size is None else size
        rows = [row for _, row in self._rows[self._next : self._next + wanted]]
        self._next += len(rows)
        return rows

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return self.fetchmany(len(self._rows))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchone, None)

    def close(self) -> None:
        """Nothing to close: the rows are here."""


def _calling(sql: str, params: Any) -> Call:
    if params is None:
        return lambda raw: raw.execute(sql)
    return lambda raw: raw.execute(sql, params)


def _calling_many(sql: Any, rows: Sequence[Any]) -> Call:
    return lambda raw: raw.executemany(sql, rows)
