"""UPDATE that sets the shard key to a value of the shard that its rows are on.

ORMs write every column of a row that they save, its key among them. The keys of the
rows that the UPDATE would find are read first, in its transaction: where all are on the
shard of the new value, the statement runs on that shard as it was written. So nothing
is deleted, and triggers and foreign keys see an update.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from routedb.engine.run import multi_shard
from routedb.engine.run.executor import decide_part_asking, run_again
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.outcome import succeeded
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge.change_queries import strung
from routedb.merge.placements import cluster_of
from routedb.merge.reading import Reader
from routedb.planner import Bound, Refusal, Sharded, take_change_apart
from routedb.routing import Reason
from routedb.routing.destination import Destination
from routedb.routing.plan import ParsedText
from routedb.sharding.keys.shard_functions import locator
from routedb.sharding.keys.value_terms import ShardKey, locate_value
from routedb.sql.scanner.identifiers import fold_column, quote_identifier
from routedb.topology.snapshot import Role

WHY = "its rows have keys of the shard that it sets the key for"
_ORDERS = re.compile(r"\b(?:ORDER|LIMIT)\b", re.IGNORECASE).search
_MOST = 10_000  # rows whose keys are looked at


class Kept(NamedTuple):
    """Such an UPDATE: the `query` for the keys of its rows, the `number` of the shard
    that the new value is on, and how keys are placed."""

    query: Bound
    number: int
    key: ShardKey
    place: Sharded


def kept(session: Session, text: ParsedText, params: Any) -> Kept | None:
    """Return what `text` with `params` is, in `session`, if it sets the key of a
    sharded table to a parameter, and is of that table alone. Raises ShardError for a
    value that is no key."""
    statement = text.plan.statement
    if statement.verb != "UPDATE" or len(statement.tables) > 1:
        return None
    (table,) = statement.writes
    place = cluster_of(session, text.plan).find(table)
    if not isinstance(place, Sharded):
        return None
    database = session.core.config.databases[place.database]
    if database.dialect != text.plan.dialect or session.core.rules.moving([table]):
        return None
    dialect = text.plan.dialect
    made = take_change_apart(text.source, dialect, is_own=True)
    if isinstance(made, Refusal) or made.sources.sql or _ORDERS(made.where.sql):
        return None
    name = fold_column(place.key, dialect, is_quoted=True)
    cells = {
        fold_column(column, dialect, is_quoted=True): cell
        for column, cell in zip(made.columns or (), made.rows[0], strict=True)
    }
    cell = cells.get(name)
    if cell is None or cell.slot is None:
        return None
    key = ShardKey(str(table), place.key, place.function, locator(place.function))
    number = locate_value(cell.slot.value(params), key, len(database.groups))
    column = quote_identifier(place.key, dialect).replace("%", "%%")
    query = strung(Bound(f"SELECT {column} FROM {made.target} "), made.where)
    is_certain = session.learn(query.sql).plan.statement.tables == (table,)
    return Kept(query, number, key, place) if is_certain else None


def change(
    session: Session, cursor: VirtualCursor, text: ParsedText, params: Any
) -> bool:
    """Run `text` with `params` in `session` where it is such an UPDATE; let `cursor`
    show what comes of it. Tell whether it has run: not where rows would change shards.
    Raises what the servers say."""
    found = kept(session, text, params)
    if found is None:
        return False
    ran: list[bool] = []

    def work() -> None:
        if _stay(session, found, params):
            _run(session, cursor, text, params, found)
            ran.append(True)

    multi_shard.in_transaction(session, work)
    return bool(ran)


def _stay(session: Session, found: Kept, params: Any) -> bool:
    """Tell whether all rows that it finds are on the shard of the new key."""
    shards = len(session.core.config.databases[found.place.database].groups)
    reader = Reader(session)
    before = session.override(None, Role.WRITER, None)
    try:
        sql, values = found.query.sql, found.query.bind(params)
        run_again(session, reader, session.learn(sql), values)
        assert reader.raw is not None  # it has just run
        raw: Any = reader.raw
        rows = raw.fetchmany(_MOST)
        more = raw.fetchmany(1) if len(rows) == _MOST else ()
        numbers = {locate_value(row[0], found.key, shards) for row in rows}
        return not more and numbers <= {found.number}
    finally:
        session.restore_overrides(before)
        reader.close()


def _run(
    session: Session, cursor: VirtualCursor, text: ParsedText, params: Any, found: Kept
) -> None:
    database, number = session.core.config.databases[found.place.database], found.number
    place = Destination(database, (number,), (Reason.SHARD_KEY, WHY), None, False)
    decided = decide_part_asking(session, text.plan, place)
    multi_shard.check_home(session, text.plan, decided)
    merged = MergedResult(cursor.arraysize)

    def call(raw: Any) -> None:
        raw.execute(text.source, params)

    group = decided.groups[0]
    multi_shard.on_group(session, cursor, text.plan, decided, group, call, merged.add)
    decided.route.hits[0] += 1
    merged.finish()
    cursor.raw, cursor.route = merged, decided.route
    succeeded(session, cursor, text.plan)
