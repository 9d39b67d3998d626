"""What a statement that changes a table of another dialect asks in its own.

Both are queries as any other: over the rows that are to be changed, which are locked,
and over those that have been, for RETURNING.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge.keys import Keys
from routedb.merge.reading import Reader
from routedb.merge.refused import NotMerged
from routedb.merge.targets import Target
from routedb.planner import Bound, Change, Column
from routedb.routing.plan import ParsedText
from routedb.topology.snapshot import Role

Read = Callable[[Any, ParsedText, Any], None]


class Queries:
    """Asks for a statement that is `made` of parts, with `params`, on `target`, in
    `session`: `cursor` shows what it returns, and `read` has one read a query."""

    def __init__(
        self,
        session: Session,
        cursor: VirtualCursor,
        params: Any,
        made: Change,
        target: Target,
        read: Read,
    ) -> None:
        self._session, self._cursor, self._params = session, cursor, params
        self._made, self._target, self._read = made, target, read
        self.keys = Keys(target.known.info, target.quote, made.alias)

    def found(
        self,
        parts: Sequence[Bound],
        columns: Sequence[Column] = (),
        first: int | None = None,
    ) -> list[Sequence[Any]]:
        """Return the rows of the query that the `parts` are. From column `first` on,
        each of `columns` has two of them: the second has the type of what is assigned.
        """
        session, text = self._session, strung(*parts)
        reader = Reader(session)
        reader.locks = (self._target.database, self._target.table)
        inner = session.learn(text.sql)
        if not inner.plan.is_read:
            raise NotMerged(f"what it writes {inner.plan.statement.reason}")
        before = session.override(self._where(inner), Role.WRITER, None)
        try:
            self._read(reader, inner, text.bind(self._params))
            assert reader.raw is not None  # it has just run
            rows = list(reader.raw.fetchall())
            described = reader.raw.description
        finally:
            session.restore_overrides(before)
            reader.close()
        for number, column in enumerate(columns if first is not None else ()):
            assert first is not None
            oid = described[first + 2 * number + 1][1]
            self._target.check_assignable(oid, column)
        return rows

    def _where(self, inner: ParsedText) -> str | None:
        """Return the database that works out a text without tables."""
        if inner.plan.statement.tables:
            return None
        config = self._session.core.config
        for database in (config.default_database, *config.databases.values()):
            if database.dialect == inner.plan.dialect and not database.is_sharded:
                return database.name
        raise NotMerged(f"no database of the configuration speaks {inner.plan.dialect}")

    def returned(self, keys: Sequence[tuple[str, ...]]) -> MergedResult:
        """Return what RETURNING shows of the rows of these `keys`, in their order."""
        cursor, returning = self._cursor, self._made.returning
        result = MergedResult(cursor.arraysize)
        if returning is None:
            return result
        order = self.keys.order(keys)
        where = self.keys.among_read(keys)
        text = strung(
            Bound("SELECT "),
            returning,
            Bound(f"\n FROM {self._made.target} WHERE {where}{order}"),
        )
        session = self._session
        before = session.override(None, Role.WRITER, None)
        try:
            self._read(cursor, session.learn(text.sql), text.bind(self._params))
        finally:
            session.restore_overrides(before)
        assert cursor.raw is not None  # it has just run
        result.add(cursor.raw)
        result.finish()
        return result


def strung(*parts: Bound) -> Bound:
    """Return the `parts` as one text."""
    return Bound(
        "".join(part.sql for part in parts),
        tuple(slot for part in parts for slot in part.slots),
    )
