"""INSERTs that leave out a column which the rule of their table fills: `{ id = … }`.

The value is written into the text before it is decided where that goes: the column may
be the shard key. From there on it is as if the program had given it, but for
`lastrowid`, which is what the server would have told of a number of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from routedb import errors
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import Call, VirtualCursor
from routedb.routing.plan import ParsedText
from routedb.sharding.rewrite.filling import Filled, fill, with_values

_NAME = "routedb_id"


def filled(
    session: Session, text: ParsedText, params: Any, call: Call
) -> tuple[ParsedText, Call, list[int]]:
    """Return `text` with values in it for the column that its rule fills, the call that
    runs it with `params`, and these values; what was given, with `call`, where there is
    none to fill. Raises ShardError where its place is not certain, and what making a
    key raises."""
    column = text.plan.placement.fills
    made: list[int] = []
    if column is None or text.plan.statement.parts != 1:
        return text, call, made

    def written() -> str:
        made.append(session.core.numbers.next_id())
        return str(made[-1])

    found = _fill(session, text, column, written)
    if found is None:
        return text, call, made
    sql = found.sql
    if params is None:
        return session.learn(sql), lambda raw: raw.execute(sql), made
    return session.learn(sql), lambda raw: raw.execute(sql, params), made


def filled_batch(
    session: Session, text: ParsedText, sql: Any, rows: Sequence[Any]
) -> tuple[ParsedText, Any, Sequence[Any]]:
    """Return `text`, and `sql` with the parameters of each of its `rows`, with values
    for the column that the rule fills. Raises as `filled` does."""
    column = text.plan.placement.fills
    rows = list(rows)
    if column is None or text.plan.statement.parts != 1 or not rows:
        return text, sql, rows
    is_named = isinstance(rows[0], Mapping)
    names: list[str] = []

    def written() -> str:
        names.append(f"{_NAME}{len(names)}")
        return f"%({names[-1]})s" if is_named else "%s"

    found = _fill(session, text, column, written)
    if found is None:
        return text, sql, rows
    made = [_with_ids(session, row, found, names) for row in rows]
    return session.learn(found.sql), found.sql, made


def _with_ids(session: Session, row: Any, found: Filled, names: list[str]) -> Any:
    values = [session.core.numbers.next_id() for _ in names]
    if isinstance(row, Mapping):
        return {**row, **dict(zip(names, values, strict=True))}
    return with_values(row, found, values)


def _fill(
    session: Session, text: ParsedText, column: str, written: Callable[[], str]
) -> Filled | None:
    try:
        return fill(text.source, text.scan, column, text.plan.dialect, written)
    except errors.ShardError as exc:
        (table,) = text.plan.statement.writes
        raise errors.ShardError(f"INSERT into {table}: {exc}") from None


def show_ids(cursor: VirtualCursor, text: ParsedText, made: Sequence[int]) -> None:
    """Let `cursor`, which has run `text`, tell the keys that were `made` for it: of
    several rows MySQL tells the first, SQLite the last."""
    raw: Any = cursor.raw
    if not made or text.plan.dialect == "postgresql":
        return
    is_mysql = text.plan.dialect == "mysql"
    with suppress(AttributeError):  # sqlite3's own, which tells the number of the row
        raw.lastrowid = made[0 if is_mysql else -1]
