"""INSERT … SELECT into a table that is dealt over shards, or that is whole on each.

The rows of the query are dealt by the values of the key, and each shard runs the
statement with a query of its own rows in the place of the statement's: conflicts,
defaults, triggers, RETURNING are the servers'. All of it is one transaction. Rows go on
in blocks as they come, where one statement of several blocks is what one of all rows
is. On PostgreSQL that is not so with ON CONFLICT, which takes no row twice, nor with
what looks at the table at the end of a statement: triggers, foreign keys to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.executor import decide_part_asking
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.times import check_untimed
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import bringing, postgresql_load
from routedb.merge.catalogs import Catalogs
from routedb.merge.filled_text import types_for, untyped_places, with_rows
from routedb.merge.placements import cluster_of
from routedb.merge.putting import (
    Found,
    Read,
    judge_error,
    reading_rows,
    run_part,
    show_dealt,
)
from routedb.merge.refused import NotMerged
from routedb.merge.stored_keys import shard_reader
from routedb.planner import (
    Bound,
    Column,
    Copied,
    Refusal,
    Sharded,
    Whole,
    Written,
    assigned_on_conflict,
)
from routedb.routing import Reason
from routedb.routing.destination import Destination
from routedb.routing.plan import ParsedText
from routedb.sharding.keys.shard_functions import locator
from routedb.sharding.keys.value_terms import ShardKey, locate_value
from routedb.sql.scanner.identifiers import fold_column, quote_identifier
from routedb.sql.statement import Table

WHY = "the rows of a query are dealt to their shards"
Row = Sequence[Any]
_KEY_TYPES = {"postgresql": "bigint", "mysql": "BIGINT", "sqlite": ""}


class Placed(NamedTuple):
    """The `table` that rows are dealt to, and where that is."""

    table: Table
    place: Sharded | Copied | Whole


def placed_target(session: Session, outer: ParsedText) -> Placed | None:
    """Return the table that `outer` writes to, in `session`, where it is on several
    groups, or a column is filled; None elsewhere. Raises NotMerged for a text that uses
    others."""
    (table,) = outer.plan.statement.writes
    place = cluster_of(session, outer.plan).find(table)
    if place is None or (isinstance(place, Whole) and not outer.plan.placement.fills):
        return None
    if len(outer.plan.statement.tables) > 1:
        raise NotMerged("it has a query besides the one whose rows it writes")
    return Placed(table, place)


class Dealing:
    """One statement under way in `session`: `text` with `params`, which is `made` of
    parts, on a `target`; `cursor` shows what comes of it. `outer` is a text of the
    target alone, and `catalogs` know its columns."""

    def __init__(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        made: Written,
        outer: ParsedText,
        target: Placed,
        catalogs: Catalogs,
    ) -> None:
        self._session, self._cursor = session, cursor
        self._text, self._params, self._outer = text, params, outer
        self._target = target
        self._database = session.core.config.databases[target.place.database]
        self._columns = _columns(session, target, catalogs)
        self._made = made
        self._fills = self._filled_column()
        self._ids: list[int] = []
        self._conflict = self._checked_conflict()
        self._merged = MergedResult(cursor.arraysize)
        self._types: list[str] | None = None
        self._written: dict[int, Attempt] = {}  # by the numbers of the shards
        check_untimed(outer.plan, outer.source)

    def run(self, inner: ParsedText, read: Read) -> None:
        """Have `read` read the query `inner`, and write its rows. Raises NotMerged,
        what `read` raises, and what the servers say."""

        def work() -> None:
            values = self._made.query.bind(self._params)
            with reading_rows(self._session, inner, values, read) as found:
                self._deal(found)
            self._merged.finish()
            if self._ids and self._database.dialect == "mysql":
                self._merged.lastrowid = self._ids[0]
            attempts = [self._written[number] for number in sorted(self._written)]
            show_dealt(self._session, self._cursor, self._outer, self._text, attempts,
                       self._merged, WHY, found.route)  # fmt: skip

        multi_shard.in_transaction(self._session, work)

    # -- dealing -----------------------------------------------------------------------

    def _deal(self, found: Found) -> None:
        every = range(len(self._database.groups))
        self._made = self._with_names(len(found.description))
        if self._fills is not None:
            self._add_column(self._fills)
        if isinstance(self._target.place, Copied):
            rows = [self._with_id(row) for row in found.rows]
            for number in every:
                self._write(number, found, rows, range(len(rows)))
            return
        locate = self._locator(found)
        kept: dict[int, tuple[list[Row], list[int]]] = {}
        place, in_blocks = 0, None
        for block in found.blocks(bringing.BLOCK):
            for plain in block:
                row = self._with_id(plain)
                rows, places = kept.setdefault(locate(row), ([], []))
                rows.append(row)
                places.append(place)
                place += 1
            if in_blocks is None:
                in_blocks = self._may_go_in_blocks(min(kept))
            if in_blocks:
                self._write_all(found, kept)
        if place == 0:  # for its errors, and what its columns are
            kept[self._session.rotation() % len(every)] = ([], [])
        self._write_all(found, kept)

    def _write_all(
        self, found: Found, kept: dict[int, tuple[list[Row], list[int]]]
    ) -> None:
        for number in sorted(kept):  # every session takes its locks in this order
            self._write(number, found, *kept[number])
        kept.clear()

    def _write(
        self, number: int, found: Found, rows: Sequence[Row], places: Sequence[int]
    ) -> None:
        """Write `rows`, which are those at these `places` of the query, to a shard."""
        attempt, link = self._reached(number)
        try:
            if self._types is None:
                self._types = types_for(
                    self._session, link, self._made, self._params, found
                )
                if self._fills is not None:
                    self._types.append(_KEY_TYPES[link.adapter.engine])
            loaded = bringing.load(link, self._types, rows, in_text=True)
        except Exception as exc:
            judge_error(attempt, link, exc)
            raise
        sql, values = with_rows(self._made, loaded, self._params)
        is_copy = isinstance(self._target.place, Copied)
        is_shown = not is_copy or len(self._written) == 1
        merged = self._merged if is_shown else MergedResult()
        run_part(self._session, self._cursor, attempt, link, sql, values, loaded,
                 lambda raw: merged.add(raw, places))  # fmt: skip

    def _reached(self, number: int) -> tuple[Attempt, Link]:
        shard = (Reason.SHARD_KEY, WHY)
        place = Destination(self._database, (number,), shard, None, False)
        decided = decide_part_asking(self._session, self._outer.plan, place)
        multi_shard.check_home(self._session, self._outer.plan, decided)
        attempt = Attempt(
            self._session, self._outer.plan, decided, is_one_of_several=True
        )
        self._written[number] = attempt
        return attempt, attempt.reach()

    def _may_go_in_blocks(self, number: int) -> bool:
        attempt, link = self._reached(number)
        if link.adapter.engine != "postgresql":
            return link.adapter.engine == "mysql"
        if self._conflict:
            return False
        try:
            return not postgresql_load.is_looked_at(link.run, self._made.target)
        except Exception as exc:
            judge_error(attempt, link, exc)
            raise

    # -- the key -----------------------------------------------------------------------

    def _locator(self, found: Found) -> Callable[[Row], int]:
        """Return what tells the shard of a row of the query."""
        place, made = self._target.place, self._made
        if isinstance(place, Whole):
            return lambda row: 0
        assert isinstance(place, Sharded)
        names = made.columns or ()
        folded = self._fold(place.key)
        at = names.index(folded) if folded in names else -1
        width = len(found.description)
        shards = len(self._database.groups)
        key = ShardKey(
            str(self._target.table), place.key, place.function, locator(place.function)
        )
        if at == width and self._fills == folded:
            return lambda row: locate_value(row[at], key, shards)
        if not 0 <= at < width:
            raise NotMerged(
                f"it gives no value for the shard key {place.key} of "
                f"{self._target.table}"
            )
        (column,) = (each for each in self._columns if self._fold(each.name) == folded)
        is_untyped = at in untyped_places(made, self._params, width)
        engine = found.link.adapter.engine
        number = shard_reader(
            engine, key, shards, column, found.description[at], is_untyped
        )
        return lambda row: number(row[at])

    def _filled_column(self) -> str | None:
        """Return the column that its rule fills, where the text leaves it out."""
        column, names = self._outer.plan.placement.fills, self._made.columns
        return None if names is None or column in names else column

    def _add_column(self, column: str) -> None:
        made, dialect = self._made, self._database.dialect
        sql, at = made.before.sql, made.listed_at
        quoted = quote_identifier(column, dialect).replace("%", "%%")
        before = Bound(f"{sql[:at]}, {quoted}{sql[at:]}", made.before.slots)
        columns = (*(made.columns or ()), column)
        self._made = made._replace(before=before, columns=columns)

    def _with_id(self, row: Row) -> Row:
        if self._fills is None:
            return row
        self._ids.append(self._session.core.numbers.next_id())
        return (*row, self._ids[-1])

    def _fold(self, name: str) -> str:
        return fold_column(name, self._database.dialect, is_quoted=True)

    def _with_names(self, width: int) -> Written:
        """Return the statement, for a query of so many columns, with the names of its
        own in it: what the catalog says may be old by the time that the text arrives.
        Raises NotMerged."""
        made = self._made
        if not made.target:
            raise NotMerged("where the columns of its target stand is not understood")
        if made.columns is not None:
            return made
        names = [each.name for each in self._columns]
        if self._database.dialect == "postgresql":  # which fills up the others
            names = names[:width]
        if any("%" in name for name in names):
            raise NotMerged("a column has a percent sign in its name")
        dialect = self._database.dialect
        listed = ", ".join(quote_identifier(name, dialect) for name in names)
        sql, at = made.before.sql, made.listed_at
        before = Bound(f"{sql[:at]} ({listed}){sql[at:]}", made.before.slots)
        return made._replace(before=before, columns=tuple(map(self._fold, names)))

    def _checked_conflict(self) -> bool:
        """Tell whether it says what is done about a conflict. Raises NotMerged where
        that would give a row another key."""
        found = assigned_on_conflict(self._made.after.sql, self._database.dialect)
        if isinstance(found, Refusal):
            raise NotMerged(found.reason)
        place = self._target.place
        if found and isinstance(place, Sharded) and self._fold(place.key) in found:
            raise NotMerged(f"it sets the shard key {place.key} of a row that is there")
        return found is not None


def _columns(
    session: Session, target: Placed, catalogs: Catalogs
) -> tuple[Column, ...]:
    answer = catalogs.target(session, target.place.database, target.table)
    if answer is None or answer.info.is_view:
        raise NotMerged(f"{target.table} is no table")
    return tuple(_taken(answer.info.columns, answer.hidden))


def _taken(columns: Sequence[Column], hidden: frozenset[str]) -> Iterator[Column]:
    """Yield the columns that INSERT takes values for, where it names none."""
    for column in columns:
        if column.name not in hidden:
            yield column
