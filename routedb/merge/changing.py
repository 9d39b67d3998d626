"""INSERT, UPDATE and DELETE on a table of another dialect than the statement's.

What is written is worked out where the statement's dialect is spoken: the rows that an
UPDATE or DELETE finds are read as those of any other read, and are locked; new values
are those of PostgreSQL's expressions, cast as it casts what it stores. They go to the
table row by row, found by its primary key. What RETURNING shows is read back, so that
it is PostgreSQL's answer, too. All of it is one transaction, the program's or its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from routedb import errors
from routedb.adapters.base import Fault
from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.executor import decide_asking
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.outcome import succeeded
from routedb.engine.run.repeats import Fenced, Repeats
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge.change_queries import Queries, Read
from routedb.merge.conflicts import Conflicts, run_there
from routedb.merge.refused import NotMerged
from routedb.merge.stored import Stored, shown
from routedb.merge.targets import Target
from routedb.merge.upserts import Upserts
from routedb.merge.worked_out import assigned, worked_out
from routedb.planner import Bound, Change, Column
from routedb.routing import Reason, Route
from routedb.routing.plan import ParsedText
from routedb.topology.snapshot import Role

_BLOCK = 500  # rows, or keys, in one text


def change(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    made: Change,
    target: Target,
    read: Read,
) -> None:
    """Run `text` with `params`, which is `made` of parts, on `target`; let `cursor`
    show what comes of it. `read` has a cursor read a query, in `session`.

    Raises NotMerged, what `read` raises, and what the servers say; Moved when the table
    has been moved meanwhile, and the text is to be learnt again.
    """
    repeats = Repeats(session)
    while True:
        changing = _Changing(session, cursor, text, params, made, target, read)
        try:
            multi_shard.in_transaction(session, changing.work)
            return
        except errors.Error as exc:
            repeats.judge(exc, changing.fenced)


class _Changing:
    """One statement under way: the arguments are those of `change`."""

    def __init__(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        made: Change,
        target: Target,
        read: Read,
    ) -> None:
        self._session, self._cursor = session, cursor
        self._text, self._params = text, params
        self._made, self._target = made, target
        self._queries = Queries(session, cursor, params, made, target, read)
        self._keys = self._queries.keys
        self.fenced: Fenced | None = None  # what has met a fence

    def work(self) -> None:
        """Do all of it, inside the transaction."""
        outer, attempt = self._decided()
        link = attempt.reach()
        how = {
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
        }[self._made.verb]
        result, rows = how(attempt, link)
        tag = "INSERT 0" if self._made.verb == "INSERT" else self._made.verb
        result.rowcount = rows
        result.statusmessage = f"{tag} {rows}"
        self._show(outer, attempt, link, result)

    def _decided(self) -> tuple[ParsedText, Attempt]:
        """Return a text that is decided as this statement is, in the engine's own
        dialect, and the attempt to run it."""
        session, target = self._session, self._target
        before = session.override(target.database, None, None)
        try:
            outer = session.learn(f"DELETE FROM {target.name}")
            decision = decide_asking(session, outer, None)
        finally:
            session.restore_overrides(before)
        if decision.target is not None or len(decision.groups) != 1:
            raise NotMerged("its target is on several groups")
        return outer, Attempt(session, outer.plan, decision)

    def _show(
        self, outer: ParsedText, attempt: Attempt, link: Link, result: MergedResult
    ) -> None:
        cursor, target = self._cursor, self._target
        why = f"values of {self._text.plan.dialect}'s are written to {target.dialect}"
        reasons = ((Reason.SEVERAL_GROUPS, why), attempt.route.reasons[-1])
        route = Route(target.database, attempt.route.groups, Role.WRITER, reasons)
        cursor.link, cursor.raw = link, result
        cursor.route = self._text.plan.counted(route)
        cursor.route.hits[0] += 1
        succeeded(self._session, cursor, outer.plan)

    # -- the verbs ---------------------------------------------------------------------

    def _delete(self, attempt: Attempt, link: Link) -> tuple[MergedResult, int]:
        made = self._made
        listed = ", ".join(self._keys.read())
        found = self._queries.found(
            [
                Bound(f"SELECT {listed} FROM {made.target}"), made.sources,
                Bound(" "), made.where,
            ]
        )  # fmt: skip
        keys = list(dict.fromkeys(self._keys.of(row) for row in found))
        result = self._queries.returned(keys)
        for block in _blocks(keys):
            where, values = self._keys.among(block, self._target.dialect)
            self._run(
                attempt, link, f"DELETE FROM {self._target.name} WHERE {where}", values
            )
        return result, len(keys)

    def _update(self, attempt: Attempt, link: Link) -> tuple[MergedResult, int]:
        made, target = self._made, self._target
        (cells,) = made.rows
        columns = [target.column(name) for name in made.columns or ()]
        target.check_written(columns)
        for column in columns:
            if column in self._keys.columns:
                raise NotMerged(f"it changes {column.name}, of the primary key")
        parts: list[Bound] = [Bound("SELECT " + ", ".join(self._keys.read()))]
        parts += assigned(target, self._params, columns, cells)
        parts += (Bound(f" FROM {made.target}"), made.sources, Bound(" "), made.where)
        found = self._queries.found(parts, columns, len(self._keys.columns))
        width = len(self._keys.columns)
        by_key: dict[tuple[str, ...], tuple[Stored, ...]] = {}
        for row in found:
            key, values = (
                self._keys.of(row[:width]),
                target.stored(columns, row[width::2]),
            )
            if by_key.setdefault(key, values) != values:
                raise NotMerged("a row has several partners, with different values")
        groups: dict[tuple[Stored, ...], list[tuple[str, ...]]] = {}
        for key, values in by_key.items():
            groups.setdefault(values, []).append(key)
        for values, keys in groups.items():
            listed = ", ".join(
                f"{target.quote(column.name)} = {value.sql}"
                for column, value in zip(columns, values, strict=True)
            )
            for block in _blocks(keys):
                where, known = self._keys.among(block, target.dialect)
                given = tuple(each for value in values for each in value.values)
                sql = f"UPDATE {target.name} SET {listed} WHERE {where}"
                self._run(attempt, link, sql, (*given, *known))
        keys = [key for each in groups.values() for key in each]
        return self._queries.returned(keys), len(keys)

    def _insert(self, attempt: Attempt, link: Link) -> tuple[MergedResult, int]:
        made, target = self._made, self._target
        columns = self._inserted()
        if made.query is not None:
            rows = self._queried(columns, made.query)
        else:
            rows = self._listed(columns)
        # SQLite has no DEFAULT in a row: a column without any other value is left out.
        given = [
            number
            for number in range(len(columns))
            if any(row[number] is not None for row in rows)
        ]
        if target.dialect == "sqlite" and any(
            row[n] is None for row in rows for n in given
        ):
            raise NotMerged("DEFAULT beside other values of a column")
        columns = [columns[number] for number in given]
        rows = [tuple(row[number] for number in given) for row in rows]
        target.check_filled(columns, rows)
        conflicts = None
        if made.skipped_by is not None:
            given_columns = tuple(target.column(name).name for name in made.skipped_by)
            conflicts = Conflicts(target, given_columns)
            conflicts.check(link)
            if made.instead is not None:
                keys, count = self._upserts(attempt, link, columns).write(
                    rows, conflicts, lambda row: self._inserting(columns, [row])
                )
                return self._queries.returned(keys), count
        keys = []
        count = 0
        for block in _blocks(rows, 1 if conflicts else _BLOCK):
            its, written = self._insert_block(attempt, link, columns, block, conflicts)
            keys += its
            count += written
        return self._queries.returned(keys), count

    def _insert_block(
        self,
        attempt: Attempt,
        link: Link,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Stored | None]],
        conflicts: Conflicts | None,
    ) -> tuple[list[tuple[str, ...]], int]:
        """Return the keys of the new rows, where they are to be shown, and how many
        there are."""
        sql, values = self._inserting(columns, rows)
        if conflicts is not None:
            if not columns and self._target.dialect == "sqlite":
                raise NotMerged("ON CONFLICT of nothing but DEFAULT")
            sql += conflicts.clause
        if self._made.returning is None:
            _, count = self._run(attempt, link, sql, values, conflicts)
            return [], count
        if not self._keys.columns:
            raise NotMerged(
                f"RETURNING of {self._target.table}, which has no primary key"
            )
        _check_returning(link)
        shown_keys = ", ".join(self._keys.at_home(self._target.dialect))
        sql += f" RETURNING {shown_keys}"
        raw_rows, _ = self._run(attempt, link, sql, values, conflicts)
        keys = [self._keys.of([_text(each) for each in row]) for row in raw_rows]
        return keys, len(keys)

    def _upserts(
        self, attempt: Attempt, link: Link, columns: Sequence[Column]
    ) -> Upserts:
        def run(
            text: tuple[str, Sequence[Any]], conflicts: Conflicts | None
        ) -> tuple[list[Any], int]:
            sql, values = text
            sql += "" if conflicts is None else conflicts.clause
            return self._run(attempt, link, sql, values, conflicts)

        return Upserts(
            self._made, self._params, self._target, columns, run, self._queries
        )

    def _inserting(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Stored | None]]
    ) -> tuple[str, Sequence[Any]]:
        """Return the text that inserts `rows`, and its values."""
        target = self._target
        names = ", ".join(target.quote(column.name) for column in columns)
        into = f"INSERT INTO {target.name}"
        lines = [
            "("
            + ", ".join("DEFAULT" if each is None else each.sql for each in row)
            + ")"
            for row in rows
        ]
        values = tuple(
            value for row in rows for each in row if each is not None
            for value in each.values
        )  # fmt: skip
        sql = f"{into} ({names}) VALUES {', '.join(lines)}"
        if not columns and target.dialect == "sqlite":
            if len(rows) > 1:
                raise NotMerged("several rows of nothing but DEFAULT")
            sql = f"{into} DEFAULT VALUES"
        return sql, values

    # -- values ------------------------------------------------------------------------

    def _queried(
        self, columns: Sequence[Column], query: Bound
    ) -> list[tuple[Stored | None, ...]]:
        """Return the rows of an INSERT's query, as they are stored."""
        target, count = self._target, len(columns)
        names = [f"routedb_c{number}" for number in range(count)]
        values = [
            shown(name, target.type_of(column))
            for name, column in zip(names, columns, strict=True)
        ]
        listed = ", ".join(
            f"{value} AS routedb_v{n}, {names[n]} AS routedb_k{n}"
            for n, value in enumerate(values)
        )
        parts = (
            Bound(f"SELECT {listed} FROM ("),
            query,
            Bound(f"\n) AS routedb_q({', '.join(names)})"),
        )
        found = self._queries.found(parts, columns, 0)
        return [target.stored(columns, row[::2]) for row in found]

    def _listed(self, columns: Sequence[Column]) -> list[tuple[Stored | None, ...]]:
        """Return the rows of VALUES, as they are stored; None is DEFAULT."""
        made, target = self._made, self._target
        for line in made.rows:
            if len(line) != len(columns):
                few, many = sorted(("expressions", "target columns"))
                more = many if len(line) < len(columns) else few
                raise errors.ProgrammingError(f"INSERT has more {more} than it should")
        if not columns:
            return [() for _ in made.rows]
        parts = [Bound("VALUES ")]
        for place, line in enumerate(made.rows):
            parts.append(Bound(", (" if place else "("))
            for number, cell in enumerate(line):
                both = (Bound("NULL::text"), Bound("NULL"))
                if cell is not None:
                    both = worked_out(target, self._params, columns[number], cell)
                parts += (Bound(", " if number else ""), both[0], Bound(", "), both[1])
            parts.append(Bound(")"))
        rows: list[tuple[Stored | None, ...]] = []
        found = self._queries.found(parts, columns, 0)
        for row, line in zip(found, made.rows, strict=True):
            given = [n for n, cell in enumerate(line) if cell is not None]
            texts = [row[2 * n] for n in given]
            known = target.stored([columns[n] for n in given], texts)
            by_number = dict(zip(given, known, strict=True))
            rows.append(tuple(by_number.get(n) for n in range(len(line))))
        return rows

    def _inserted(self) -> list[Column]:
        """Return the columns that an INSERT gives values."""
        made, target = self._made, self._target
        if made.columns is None:
            columns = [
                column
                for column in target.known.info.columns
                if column.name not in target.known.hidden
            ]
            width = max((len(row) for row in made.rows), default=len(columns))
            columns = columns[:width] if made.rows else columns
        else:
            columns = [target.column(name) for name in made.columns]
        target.check_written(columns)
        return columns

    # -- running -----------------------------------------------------------------------

    def _run(
        self,
        attempt: Attempt,
        link: Link,
        sql: str,
        values: Sequence[Any],
        conflicts: Conflicts | None = None,
    ) -> tuple[list[Any], int]:
        """Run a text in the engine's own dialect; return its rows, and how many it has
        written."""

        def note(exc: Exception) -> None:
            if link.adapter.fault(exc, link.raw) is Fault.MOVED:
                self.fenced = attempt, link, exc

        return run_there(self._session, attempt, link, (sql, values), conflicts, note)


def _blocks(items: Sequence[Any], most: int = _BLOCK) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_returning(link: Link) -> None:
    """Raise NotMerged where an engine shows nothing of the rows that it writes."""
    if link.adapter.engine == "mysql" and "MariaDB" not in link.raw.get_server_info():
        raise NotMerged("MySQL has no RETURNING")
