"""Statements that are by nature for several shards: split INSERTs, reference writes.

All parts run in one transaction with a branch on each shard, so a part that fails
undoes the others. Outside a transaction one is opened for the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.engine.plans.plan import Plan, Text
from routedb.engine.route.router import Decision
from routedb.engine.route.shadow.decide import count, decide
from routedb.engine.run import single
from routedb.engine.run.attempt import Attempts
from routedb.engine.session import Call, Session, VirtualCursor


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
        single.wrote(session, cursor, plan, gathered)

    in_transaction(session, work)


def executemany(
    session: Session,
    cursor: VirtualCursor,
    text: Text,
    sql: Any,
    rows: Sequence[Any],
    execute: Callable[[Any], None],
) -> None:
    """Run one statement for many sets of parameters, each on its own shard.

    `execute` runs it for one set, the long way, where a set itself is for several.
    """
    cursor.unbind_fetch()
    try:
        decisions = [decide(session, text, params) for params in rows]
    except errors.Error as exc:
        count(session, text, rows)
        raise session.as_frontend_error(exc) from exc.__cause__
    by_group: dict[int, list[Any]] = {}
    for decided, params in zip(decisions, rows, strict=True):
        if len(decided.groups) > 1 or decided.target is not None:
            _one_by_one(session, cursor, rows, execute)  # which counts, too
            return
        by_group.setdefault(decided.groups[0], []).append(params)
    count(session, text, rows)
    first = {decided.groups[0]: decided for decided in reversed(decisions)}

    def work() -> None:
        count = 0
        for group, some in by_group.items():
            call = _calling_many(sql, some)
            raw = _on(session, cursor, text.plan, first[group], group, call)
            count += max(raw.rowcount, 0)
        cursor.raw = MergedResult.counting(count)
        cursor.route = decisions[0].route

    if len(by_group) == 1:
        (group,) = by_group
        call = _calling_many(sql, rows)
        single.once(session, cursor, text.plan, first[group], call, is_batch=True)
    elif by_group:
        in_transaction(session, work)


def in_transaction(session: Session, work: Callable[[], None]) -> None:
    """Do `work` inside the open transaction, or inside one of its own."""
    transaction = session.transaction
    if transaction.is_open:
        work()
        return
    transaction.begin(transaction.mode, None)
    session.refresh()
    try:
        work()
    except BaseException:
        session.rollback()
        raise
    session.commit()


def _one_by_one(
    session: Session,
    cursor: VirtualCursor,
    rows: Sequence[Any],
    execute: Callable[[Any], None],
) -> None:
    def work() -> None:
        count = 0
        for params in rows:
            execute(params)
            count += max(cursor.raw.rowcount, 0)
        cursor.raw = MergedResult.counting(count)
        cursor.unbind_fetch()

    in_transaction(session, work)


def _on(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decided: Decision,
    group: int,
    call: Call,
) -> RawCursor:
    """Run one part on its group, as a writing branch of the transaction."""
    attempts = Attempts(session, plan, decided, group, is_one_of_several=True)
    link = attempts.reach()
    raw = link.adapter.cursor(link.raw)
    try:
        single.run_on(session, link, call, raw)
    except Exception as exc:
        attempts.judge(link, exc)
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
