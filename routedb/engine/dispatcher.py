"""From a text and a session to the link it runs on: one dispatcher per connection.

`execute` is the hot path and fits on one screen; whatever is not "pick a node and run
it" goes to `conduct`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routedb import errors
from routedb.engine import attempt, conduct, several
from routedb.engine.plan import Text
from routedb.engine.session import Call, Seat, Session
from routedb.topology import pick


class Dispatcher(Session):
    """Runs the statements of one virtual connection."""

    def execute(self, cursor: Seat, sql: Any, params: Any) -> None:
        """Run one statement and leave its results with `cursor`."""
        try:
            text = self.known[sql]
        except (KeyError, TypeError):  # TypeError: a text that cannot be hashed
            text = self.learn(sql)
        plan, link = text.plan, None
        if plan.is_simple:
            gid, route = plan.gid, plan.writer
            if self.free:
                group = self.core.topology.groups[gid]
                if not plan.may_replica or not group.ring:
                    link = self.open.get(group.writer)  # type: ignore[arg-type]
                elif plan.minds_writes and (
                    gid in self.own_writes or gid in self.core.shared_writes
                ):
                    route = plan.own_writes
                    link = self.open.get(group.writer)  # type: ignore[arg-type]
                else:
                    route = plan.replica
                    self.turn += 1
                    node = pick(group.ring, self.core.loads, self.turn)
                    link = self.open.get(node)  # type: ignore[arg-type]
                if link is not None and (
                    link.fresh != self.links.version
                    or not (plan.is_read or link.adapter.is_alive(link.raw))
                ):
                    link = None
            elif gid == self.transaction.home:
                if self.transaction.is_on_writer:
                    link, route = self.transaction.home_link, plan.within
                    if not plan.is_read:
                        self.transaction.note_write(gid)
                elif plan.is_read:
                    link, route = self.transaction.home_link, plan.within_replica
        if link is None or link.lock is not None:
            conduct.run(self, cursor, text, params, _executing(sql, params))
            return
        raw = cursor.raws.get(link) or cursor.take(link)
        node, loads = link.node.id, self.core.loads
        loads[node] += 1
        try:
            raw.execute(sql, params)
        except Exception as exc:
            call = _executing(sql, params)
            conduct.recover(self, cursor, text, params, call, link, exc)
            return
        finally:
            loads[node] -= 1
        cursor.route = route
        cursor.link = link
        cursor.raw = raw
        if not plan.is_read:
            attempt.wrote(self, cursor, plan, raw)
        elif raw is not cursor.seated:
            cursor.seat(raw)

    def executemany(self, cursor: Seat, sql: Any, rows: Sequence[Any]) -> None:
        """Run one statement for every set of parameters."""
        text = self.learn(sql)
        if text.plan.database.is_sharded:
            several.executemany(
                self,
                cursor,
                text,
                sql,
                rows,
                lambda row: self.execute(cursor, sql, row),
            )
            return
        self.carry(cursor, sql, lambda raw: raw.executemany(sql, rows))

    def carry(self, cursor: Seat, sql: Any, call: Call) -> None:
        """Route by the text `sql`, and there do `call`, which may be any use of it."""
        conduct.run(self, cursor, self.learn(sql), None, call)

    def learn(self, sql: Any) -> Text:
        """Return what is known of a text that was not seen as it is: str, bytes, or an
        object with `as_string(raw)` such as psycopg2's Composable.

        Raises InterfaceError after close: a closed session knows no text, so all come
        here, and the hot path need not ask."""
        if self.is_closed:
            raise self.faced(errors.InterfaceError("the connection is closed"))
        if isinstance(sql, str):
            return self.known.get(sql) or self.texts.learn(sql)
        if isinstance(sql, bytes | bytearray | memoryview):
            source = bytes(sql).decode("utf-8", "surrogateescape")
            return self.known.get(source) or self.texts.learn(source)
        if hasattr(sql, "as_string"):
            return self.learn(sql.as_string(self.default_link().raw))
        raise errors.ProgrammingError(
            f"a statement must be str or bytes, not {type(sql).__name__}"
        )


def _executing(sql: Any, params: Any) -> Call:
    if params is None:
        return lambda raw: raw.execute(sql)
    return lambda raw: raw.execute(sql, params)
