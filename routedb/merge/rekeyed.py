"""UPDATE that gives rows of a sharded table another key, so that they change shards.

The rows are deleted where they are, and inserted where their new keys belong, in one
transaction. DELETE … RETURNING gives the new values, by the server that has the old
ones, and INSERT makes of them what UPDATE would store: its casts, checks and computed
columns are the same. Who would see a deletion where there was an update is looked for:
triggers, rules, policies, foreign keys to the table. On PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from routedb.engine.run import multi_shard
from routedb.engine.run.executor import run_again
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge.catalogs import Catalogs
from routedb.merge.change_queries import strung
from routedb.merge.dealt import Dealing, Placed
from routedb.merge.placements import cluster_of
from routedb.merge.reading import Reader
from routedb.merge.refused import NotMerged
from routedb.planner import (
    Bound,
    Cell,
    Change,
    Column,
    Refusal,
    Sharded,
    Slot,
    Written,
    take_change_apart,
)
from routedb.routing.plan import ParsedText
from routedb.sql.scanner.identifiers import fold_column, quote_identifier, quote_path

_SEEN_BY = """
    SELECT CASE
        WHEN c.relkind <> 'r' OR c.relispartition OR EXISTS (
            SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)
        ) THEN 'it has partitions, or other tables inherit from it'
        WHEN EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid)
        THEN 'it has rules'
        WHEN c.relrowsecurity THEN 'it has policies for rows'
        WHEN EXISTS (
            SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
        ) THEN 'it has triggers'
        WHEN EXISTS (
            SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = c.oid
        ) THEN 'foreign keys refer to it'
    END,
    ARRAY(
        SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attidentity = 'a' AND NOT a.attisdropped
    )
    FROM pg_class c WHERE c.oid = '{name}'::regclass
"""


class Rekeyed(NamedTuple):
    """Such an UPDATE: the `target`, the INSERT of what is deleted, and the columns that
    are set."""

    target: Placed
    parts: Written
    columns: Collection[str]


def rekeyed(session: Session, text: ParsedText, catalogs: Catalogs) -> Rekeyed | None:
    """Return what `text` is, in `session`, where it sets the key of a sharded table,
    whose columns `catalogs` know. Raises NotMerged."""
    target = _target(session, text)
    if target is None:
        return None
    made = take_change_apart(text.source, text.plan.dialect)
    assert isinstance(target.place, Sharded)
    key = fold_column(target.place.key, text.plan.dialect, is_quoted=True)
    if isinstance(made, Refusal) or key not in (made.columns or ()):
        return None
    if made.sources.sql or len(text.plan.statement.tables) > 1:
        raise NotMerged(f"it sets the shard key {key} by what is in other tables")
    if session.core.rules.moving([target.table]):
        raise NotMerged(f"rows of {target.table} move between shards at the moment")
    if not session.transaction.spread.is_allowed:
        raise NotMerged(f"it sets the shard key {key}, which takes two shards at once")
    parts = _parts(session, made, target, catalogs)
    return Rekeyed(target, parts, made.columns or ())


def change(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    catalogs: Catalogs,
) -> bool:
    """Run `text` with `params` in `session` where it sets the key of a sharded table;
    let `cursor` show what comes of it. Tell whether it is such a text. `catalogs` know
    the table's columns. Raises NotMerged, and what the servers say."""
    found = rekeyed(session, text, catalogs)
    if found is None:
        return False
    target, parts, columns = found
    _run(session, cursor, text, params, parts, target, catalogs, columns)
    return True


def _target(session: Session, text: ParsedText) -> Placed | None:
    """Return the sharded table of PostgreSQL that an UPDATE is for."""
    statement = text.plan.statement
    if statement.verb != "UPDATE" or text.plan.dialect != "postgresql":
        return None
    (table,) = statement.writes
    place = cluster_of(session, text.plan).find(table)
    if not isinstance(place, Sharded):
        return None
    dialect = session.core.config.databases[place.database].dialect
    return Placed(table, place) if dialect == "postgresql" else None


def _parts(
    session: Session, made: Change, target: Placed, catalogs: Catalogs
) -> Written:
    """Return the INSERT, whose query is the DELETE."""
    answer = catalogs.target(session, target.place.database, target.table)
    if answer is None or answer.info.is_view:
        raise NotMerged(f"{target.table} is no table")
    unset = answer.hidden | answer.computed
    columns = [each for each in answer.info.columns if each.name not in unset]
    if any("%" in each.name for each in columns):
        raise NotMerged("a column has a percent sign in its name")
    cells = dict(zip(made.columns or (), made.rows[0], strict=True))
    unknown = cells.keys() - {each.name for each in columns}
    if unknown:
        raise NotMerged(
            f"{min(unknown)} is no column of {target.table} that it may set"
        )
    name = quote_path(target.table, "postgresql")
    listed = ", ".join(quote_identifier(each.name, "postgresql") for each in columns)
    start = f"INSERT INTO {name} AS {made.alias}"
    query = strung(
        Bound(f"DELETE FROM {made.target} "), made.where, Bound(" RETURNING "),
        *_values(made, columns, cells),
    )  # fmt: skip
    after = Bound("")
    if made.returning is not None:
        after = strung(Bound(" RETURNING "), made.returning)
    return Written(
        before=Bound(f"{start} ({listed}) OVERRIDING SYSTEM VALUE "),
        query=query,
        after=after,
        untyped=tuple(_untyped(columns, cells)),
        target=name,
        columns=tuple(each.name for each in columns),
        listed_at=len(start),
    )


def _values(
    made: Change, columns: list[Column], cells: dict[str, Cell | None]
) -> Iterator[Bound]:
    """Yield what each column is to be, in a text over the row as it is."""
    for place, column in enumerate(columns):
        cell = cells.get(column.name)
        if place:
            yield Bound(", ")
        if cell is None:
            yield Bound(f"{made.alias}.{quote_identifier(column.name, 'postgresql')}")
        else:
            yield from (Bound("("), cell.text, Bound(")"))


def _untyped(
    columns: list[Column], cells: dict[str, Cell | None]
) -> Iterator[tuple[int, Slot | None]]:
    for place, column in enumerate(columns):
        cell = cells.get(column.name)
        if cell is not None and (cell.is_untyped or cell.slot is not None):
            yield place, cell.slot


def _run(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    made: Written,
    target: Placed,
    catalogs: Catalogs,
    set_columns: Collection[str],
) -> None:
    def delete(reader: Reader, inner: ParsedText, values: Any) -> None:
        reader.name = None  # by which nothing is deleted
        run_again(session, reader, inner, values)

    def work() -> None:
        inner = session.learn(made.query.sql)
        whole = strung(made.before, Bound("SELECT NULL"), made.after)
        outer = session.learn(whole.sql)
        dealing = Dealing(session, cursor, text, params, made, outer, target, catalogs)
        dealing.run(inner, delete)
        _check_unseen(session, target, made.target, set_columns)
        if session.transaction.spread.is_one_by_one:
            raise NotMerged("its shards cannot be committed together")
        assert isinstance(cursor.raw, MergedResult)  # as it is shown
        cursor.raw.statusmessage = f"UPDATE {cursor.raw.rowcount}"

    multi_shard.in_transaction(session, work)


def _check_unseen(
    session: Session, target: Placed, name: str, columns: Collection[str]
) -> None:
    """Raise NotMerged where something sees the rows go and come, or INSERT gives some
    of these `columns` another value than UPDATE may."""
    groups = session.core.config.databases[target.place.database].groups
    asked = _SEEN_BY.format(name=name.replace("'", "''"))
    for group in groups:
        link = session.transaction.branches.get(group.id)
        if link is None:
            continue
        for why, numbered in link.run(asked):
            if why:
                raise NotMerged(
                    f"rows would change shards by being deleted and inserted, and "
                    f"{why}: {target.table}"
                )
            if wrong := sorted({*columns}.intersection(numbered)):
                raise NotMerged(f"column {wrong[0]} is an identity, GENERATED ALWAYS")
