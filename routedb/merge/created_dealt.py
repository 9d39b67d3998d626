"""CREATE TABLE … AS whose table is on several groups: dealt over shards, or a copy on
each.

The table is made on all of them by the columns that a server makes of the query; then
its rows are dealt as those of INSERT … SELECT. Both are one transaction where the
engine's definitions are part of one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.executor import decide_part_asking, run_again
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge.placements import cluster_of
from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import Shape
from routedb.planner import Copied, Created, Sharded, strung
from routedb.routing import Reason
from routedb.routing.destination import Destination
from routedb.routing.plan import ParsedText
from routedb.sql.scanner.identifiers import quote_identifier

ShapeOf = Callable[[Attempt | None, Link], Shape | None]


def target_of(session: Session, text: ParsedText) -> Sharded | Copied | None:
    """Return where the table that `text` makes is, by the rules of `session`; None: not
    on several groups."""
    (table,) = text.plan.statement.writes
    place = cluster_of(session, text.plan).find(table)
    return place if isinstance(place, Sharded | Copied) else None


def create(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    made: Created,
    place: Sharded | Copied,
    shape_of: ShapeOf,
) -> None:
    """Run `text` with `params`, which is `made` of several parts, whose table is at
    `place`, in `session`; let `cursor` show what comes of it. `shape_of` says what the
    columns are, on a link to its first group. Raises NotMerged, and what the servers
    say."""
    database = session.core.config.databases[place.database]
    if database.dialect != text.plan.dialect:
        raise NotMerged(f"its target is on {database.dialect}")
    if made.is_temporary or made.if_absent is not None:
        raise NotMerged("a table on several groups that is TEMPORARY, or IF NOT EXISTS")

    def work() -> None:
        attempt, link = None, find_node.writer(session.links, database.groups[0].id)
        if database.dialect != "mysql":  # whose definitions are in no transaction
            shard = (Reason.SHARD_KEY, "the columns of a new table are asked for")
            first = Destination(database, (0,), shard, None, False)
            decided = decide_part_asking(session, text.plan, first)
            attempt = Attempt(session, text.plan, decided, is_one_of_several=True)
            link = attempt.reach()
        shape = shape_of(attempt, link)
        assert shape is not None  # it may not be there
        names = [quote_identifier(name, database.dialect) for name, _ in shape]
        _define(session, cursor, made, names, shape)
        count = 0
        if made.is_filled:
            count = _fill(session, cursor, made, params, names)
        _show(cursor, database.dialect, count)

    if database.dialect == "mysql":
        work()
    else:
        multi_shard.in_transaction(session, work)


def _define(
    session: Session,
    cursor: VirtualCursor,
    made: Created,
    names: list[str],
    shape: Shape,
) -> None:
    listed = ", ".join(
        f"{name} {type_}" for name, (_, type_) in zip(names, shape, strict=True)
    )
    head, options = made.before.sql[: made.named_to], made.before.sql[made.named_to :]
    options = options.rstrip()[: -len("AS")].strip()
    if options.startswith("("):  # names, which the shape has
        options = options.partition(")")[2]
    sql = strung(f"{head} ({listed})", options)
    run_again(session, cursor, session.learn(sql), None)


def _fill(
    session: Session,
    cursor: VirtualCursor,
    made: Created,
    params: Any,
    names: list[str],
) -> int:
    """Insert the rows of the query; return how many they are."""
    values = made.query.bind(params)
    listed = ", ".join(names)
    listed = listed if values is None else listed.replace("%", "%%")
    sql = f"INSERT INTO {made.target} ({listed}) {made.query.sql}"
    run_again(session, cursor, session.learn(sql), values)
    assert cursor.raw is not None  # it has just run
    return int(cursor.raw.rowcount)


def _show(cursor: VirtualCursor, dialect: str, count: int) -> None:
    """Let `cursor` show so many rows as the engine shows them."""
    result = MergedResult(cursor.arraysize)
    result.finish()
    result.rowcount = -1 if dialect == "sqlite" else count
    if dialect == "postgresql":
        result.statusmessage = f"SELECT {count}"
    cursor.raw = result
