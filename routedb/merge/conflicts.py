"""A text on a table of another engine, run there, and ON CONFLICT DO NOTHING.

That goes row by row, as what is unique is that engine's to say. SQLite has the clause.
MySQL has not: IGNORE would hide other errors as well, so its own error tells of a row
that is there, and takes back nothing but that row. A trigger could raise the same of
another table, so there must be none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.run.attempt import Attempt, run_on
from routedb.engine.run.recovery import judge
from routedb.engine.session import Session
from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import quoted
from routedb.merge.targets import Target

_DUPLICATE = frozenset({(1062,), (1586,)})
_PRIMARY = re.compile(r"'(?:[^']*\.)?PRIMARY'\Z").search
_TRIGGERS = """
SELECT 1 FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE()
AND EVENT_OBJECT_TABLE = {table} AND EVENT_MANIPULATION = 'INSERT' LIMIT 1
"""


class Conflicts:
    """What is to happen where a new row of `target` is there already: nothing, if the
    `columns` alone are in its way; with none of them, whatever is."""

    def __init__(self, target: Target, columns: tuple[str, ...]) -> None:
        self._target = target
        self._columns = columns

    def check(self, link: Link) -> None:
        """Raise NotMerged where that cannot be told on `link`."""
        target = self._target
        if target.dialect != "mysql":
            return
        key = target.known.info.primary_key
        if self._columns and set(self._columns) != set(key):
            raise NotMerged("ON CONFLICT of other columns than the primary key")
        if link.run(_TRIGGERS.format(table=quoted(target.table.name))):
            raise NotMerged(f"ON CONFLICT on {target.table}, which has triggers")

    @property
    def clause(self) -> str:
        """What is said of it in an INSERT, if the engine has that."""
        if self._target.dialect == "mysql":
            return ""
        listed = ", ".join(map(self._target.quote, self._columns))
        return f" ON CONFLICT{f' ({listed})' if listed else ''} DO NOTHING"

    def covers(self, exc: Exception) -> bool:
        """Tell whether an error of a driver's, `exc`, says that the row is there."""
        if self._target.dialect != "mysql" or exc.args[:1] not in _DUPLICATE:
            return False
        return not self._columns or _PRIMARY(str(exc.args[-1])) is not None


def run_there(
    session: Session,
    attempt: Attempt,
    link: Link,
    text: tuple[str, Sequence[Any]],
    conflicts: Conflicts | None,
    note: Callable[[Exception], None],
) -> tuple[list[Any], int]:
    """Run a `text` with its values on `link`, by an `attempt` in `session`; return its
    rows, and how many it has written: none where `conflicts` cover what is raised.
    `note` is called with another error of the driver's. Raises what it is."""
    raw: Any = link.adapter.exact_cursor(link.raw)
    sql, values = text
    rows: list[Any] = []
    written = 0

    def call(raw: Any) -> None:
        nonlocal written
        try:
            raw.execute(sql, tuple(values)) if values else raw.execute(sql)
        except Exception as exc:
            if conflicts is None or not conflicts.covers(exc):
                raise
            return
        written = raw.rowcount
        if raw.description is not None:
            rows.extend(raw.fetchall())

    try:
        run_on(session, link, call, raw)
    except Exception as exc:
        note(exc)
        try:
            judge(attempt, link, exc)
        except errors.IntegrityError as own:
            raise errors.IntegrityError(*own.args) from own
        except errors.DataError as own:
            raise errors.DataError(*own.args) from own
        raise
    finally:
        with suppress(Exception):  # a link that was ended has no rest to read
            raw.close()
    return rows, written
