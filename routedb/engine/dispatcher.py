"""One dispatcher per connection: its session, and the uses of a text but `execute`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from routedb.engine.execute import execute
from routedb.engine.run import executor, multi_shard, observed
from routedb.engine.session import Call, Session, VirtualCursor


class Dispatcher(Session):
    """Runs the statements of one virtual connection."""

    def executemany(self, cursor: VirtualCursor, sql: Any, rows: Sequence[Any]) -> None:
        """Run one statement for every set of parameters."""
        if self.core.observers is not None and not cursor.is_observed:
            run = partial(self.executemany, cursor, sql, rows)
            observed.call(cursor, sql, run, len(rows))
            return
        text = self.learn(sql)
        if text.plan.database.is_sharded:
            multi_shard.executemany(
                self,
                cursor,
                text,
                sql,
                rows,
                lambda row: execute(cursor, sql, row),
            )
            return
        call: Call = lambda raw: raw.executemany(sql, rows)  # noqa: E731
        executor.run(self, cursor, text, None, call, batch=rows)

    def carry(
        self, cursor: VirtualCursor, sql: Any, call: Call, params: Any = None
    ) -> None:
        """Route by the text `sql`, and there do `call`, which may be any use of it."""
        if self.core.observers is not None and not cursor.is_observed:
            run = partial(self.carry, cursor, sql, call, params)
            observed.call(cursor, sql, run)
            return
        executor.run(self, cursor, self.learn(sql), params, call)
