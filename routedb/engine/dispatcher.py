"""From a text and a session to the link it runs on: one dispatcher per connection.

`execute` is the hot path and fits on one screen; whatever is not "pick a node and run
it" goes to `conduct`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from routedb import errors
from routedb.adapters.base import Adapter, RawCursor, TxMode
from routedb.engine import attempt
from routedb.engine.core import Core
from routedb.engine.link import Link
from routedb.engine.links import Links
from routedb.engine.plan import Text
from routedb.engine.transaction import Transaction
from routedb.routing import CONSISTENCIES, Route
from routedb.session import State
from routedb.topology import pick
from routedb.topology.snapshot import Role

Call = Callable[[RawCursor], Any]


class Seat(Protocol):
    """What the dispatcher needs of a virtual cursor."""

    raw: RawCursor  # the driver's cursor that holds the results; None at first
    seated: RawCursor  # the one whose fetch methods the virtual cursor shows
    raws: dict[Link, RawCursor]
    route: Route | None
    link: Link | None

    def take(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link` and keep it in `raws`."""

    def seat(self, raw: RawCursor) -> None:
        """Fetch from `raw` from now on."""

    def unseat(self) -> None:
        """There is nothing to fetch."""


class Dispatcher:
    """The state of one virtual connection. It is also routing's `Situation`."""

    def __init__(self, core: Core, face: Adapter, mode: TxMode) -> None:
        self.core = core
        self.face = face
        self.links = Links(core, mode)
        self.open = self.links.open
        self.transaction = Transaction(self.links)
        self.own_writes: set[int] = set()  # ids of groups this session has written to
        self.turn = id(self) >> 4  # so that connections start at different replicas
        self.database: str | None = None  # conn.using(database)
        self.role: Role | None = None  # conn.using(role=…)
        self.consistency: str | None = None
        self.texts = core.texts(None)
        self.known = self.texts.known
        self.free = False
        self.refresh()

    # -- the hot path --------------------------------------------------------------

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
                link, route = self.transaction.home_link, plan.within
                if not plan.is_read:
                    self.transaction.note_write(gid)
        if link is None or link.lock is not None:
            attempt.conduct(self, cursor, text, params, _executing(sql, params))
            return
        raw = cursor.raws.get(link) or cursor.take(link)
        node, loads = link.node.id, self.core.loads
        loads[node] += 1
        try:
            raw.execute(sql, params)
        except Exception as exc:
            call = _executing(sql, params)
            attempt.recover(self, cursor, text, params, call, link, exc)
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

    # -- everything else -----------------------------------------------------------

    def learn(self, sql: Any) -> Text:
        """Return what is known of a text that was not seen as it is: str, bytes, or an
        object with `as_string(raw)` such as psycopg2's Composable."""
        if isinstance(sql, str):
            return self.texts.learn(sql)
        if isinstance(sql, bytes | bytearray | memoryview):
            source = bytes(sql).decode("utf-8", "surrogateescape")
            return self.known.get(source) or self.texts.learn(source)
        if hasattr(sql, "as_string"):
            return self.learn(sql.as_string(self.default_link().raw))
        raise errors.ProgrammingError(
            f"a statement must be str or bytes, not {type(sql).__name__}"
        )

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        try:
            self.own_writes |= self.transaction.commit()
        except errors.Error as exc:
            raise self.faced(exc)
        finally:
            self.refresh()

    def rollback(self) -> None:
        """Roll back the open transaction, if any; also acknowledges a lost one."""
        self.transaction.rollback()
        self.refresh()

    def close(self) -> None:
        """Close all links. Never raises."""
        self.links.close()

    def abandon(self) -> None:
        """In a forked child: the links, and the transaction on them, are the parent's."""
        was_bound = self.transaction.is_bound
        self.links.abandon()
        if was_bound:
            self.transaction.abandon()
        self.refresh()

    def set_mode(self, mode: TxMode) -> None:
        """Set how later transactions run. Not while one is bound to a backend."""
        self.links.mode = mode
        self.transaction.rest(mode)
        self.refresh()

    def choose(
        self, database: str | None, role: Role | None, consistency: str | None
    ) -> tuple[str | None, Role | None, str | None]:
        """Override where statements go; return what was chosen before."""
        config = self.core.config
        if database is not None and database not in config.databases:
            raise self.faced(
                errors.HintError(
                    f"using({database!r}): no such database in {config.source}; "
                    f"configured are {', '.join(config.databases)}"
                )
            )
        if consistency is not None and consistency not in CONSISTENCIES:
            raise self.faced(
                errors.HintError(
                    f"using(consistency={consistency!r}): allowed are "
                    f"{', '.join(CONSISTENCIES)}"
                )
            )
        before = (self.database, self.role, self.consistency)
        self.restore(
            (
                database if database is not None else self.database,
                role if role is not None else self.role,
                consistency if consistency is not None else self.consistency,
            )
        )
        return before

    def restore(self, chosen: tuple[str | None, Role | None, str | None]) -> None:
        """Go back to what `choose` returned."""
        self.database, self.role, self.consistency = chosen
        self.refresh()

    def default_link(self) -> Link:
        """Return a link to the writer of the default database."""
        group = self.core.default_group(self.database)
        return self.transaction.branches.get(group) or self.links.writer(group)

    def faced(self, exc: errors.Error) -> errors.Error:
        """Return an error of ours as this connection's face raises it.

        It is then also an instance of the driver's class of the same PEP 249 name; an
        error of the driver stays as it is.
        """
        if type(exc).__module__ != errors.__name__:
            return exc
        faced = self.face.own(type(exc))(*exc.args)
        faced.__cause__ = exc.__cause__
        return faced

    def refresh(self) -> None:
        """Work out again what the hot path looks at; after every change of state."""
        self.free = (
            self.transaction.state is State.AUTOCOMMIT
            and self.role is None
            and self.consistency is None
        )
        self.texts = self.core.texts(self.database)
        self.known = self.texts.known

    # -- routing's Situation -------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        """Tell whether statements belong to a transaction now."""
        return self.transaction.is_open

    @property
    def is_read_only(self) -> bool:
        """Tell whether that transaction, or every one to come, is declared read-only."""
        return self.transaction.mode.read_only

    @property
    def wrote(self) -> frozenset[int]:
        """Ids of groups whose replicas must not answer this session."""
        return frozenset(self.own_writes | self.core.shared_writes)


def _executing(sql: Any, params: Any) -> Call:
    if params is None:
        return lambda raw: raw.execute(sql)
    return lambda raw: raw.execute(sql, params)
