"""The state of one virtual connection: what it has chosen, opened, begun and written.

It is also routing's `Situation`. The tables that its transaction and its settings
follow are in `routedb.session`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol
from weakref import WeakMethod

from routedb import errors
from routedb.adapters.base import Adapter, RawCursor, ResultSet, TxMode
from routedb.engine.consistency.tracker import ConsistencyTracker
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.plans.plan import Text
from routedb.engine.plans.plan_cache import LONGEST_KEPT
from routedb.engine.shared.core import Core
from routedb.engine.transactions.commit import End
from routedb.engine.transactions.transaction import Transaction
from routedb.routing import CONSISTENCIES, Route
from routedb.session import TxState
from routedb.topology.snapshot import GroupView, Role, Snapshot

Call = Callable[[Any], Any]  # takes a raw cursor; some of its methods are one driver's


class Control(NamedTuple):
    """A statement that the transaction has carried out."""

    text: str
    tag: str  # what PostgreSQL's servers answer: "BEGIN", "COMMIT" …


class VirtualCursor(Protocol):
    """What the session needs of a virtual cursor."""

    arraysize: int
    raw: ResultSet | None  # of the last statement; None when it has none
    fetching_from: ResultSet | None  # whose fetch methods the virtual cursor shows
    raw_cursors: dict[Link, RawCursor]
    route: Route | None
    link: Link | None
    control: Control | None  # the last statement, when the transaction carried it out

    @property
    def session(self) -> Session:
        """The session it belongs to; after close, one that refuses every text."""

    def open_raw_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link` and keep it in `raw_cursors`."""

    def make_raw_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link`, for one statement: the caller closes it."""

    def bind_fetch(self, raw: ResultSet) -> None:
        """Fetch from `raw` from now on."""

    def unbind_fetch(self) -> None:
        """There is nothing to fetch."""

    def buffer_results(self) -> None:
        """Take in the results that a text of several statements has left."""


class Session:
    """One virtual connection's state, owned by it."""

    def __init__(self, core: Core, frontend: Adapter, mode: TxMode) -> None:
        self.core = core
        self.frontend = frontend
        self.links = Links(core, mode)
        self.open = self.links.open
        self.tracker = ConsistencyTracker(core, self.links)
        self.read_states = self.tracker.read_states
        self.transaction = Transaction(self.links, self.tracker)
        # What the driver's own quoting needs: a raw connection, or the frontend.
        self.quoting_connection: Callable[[], Any] = lambda: self.default_link().raw
        # The link that ran the last statement, where the frontend knows.
        self.last_link: Callable[[], Link | None] = lambda: None
        self.links.on_pins_lost = WeakMethod(self.refresh)
        self.temporary_names: frozenset[str] = frozenset()  # names of temporary tables
        self.start = core.next_rotation()
        self.turn = 0  # replicas chosen so far
        # Plain reads of a group stay with the link in `links.near`: while `seen` is the
        # topology, for `left` statements more (see choose).
        self.sticky_topology: Snapshot | None = None
        self.sticky_left = 0
        self.database: str | None = None  # conn.using(database)
        self.role: Role | None = None  # conn.using(role=…)
        self.consistency: str | None = None
        self.texts = core.plan_cache(None)
        self.known = self.texts.by_text
        # Whether the driver begins no transaction after one that a text has ended,
        # until commit() or rollback() is called; and whether it is waiting for that.
        self.begins_by_call = False
        self.is_paused = False
        self.is_closed = False
        self.is_unconstrained = False
        self.refresh()

    # -- what changes it -----------------------------------------------------------

    def learn(self, sql: Any) -> Text:
        """Return what is known of a text that was not seen as it is: str, bytes, or an
        object with `as_string(raw)` such as psycopg2's Composable.

        Raises InterfaceError after close: a closed session knows no text, so all come
        here, and the hot path need not ask."""
        if self.is_closed:
            raise self.as_frontend_error(
                errors.InterfaceError("the connection is closed")
            )
        if isinstance(sql, str):
            return self._learn(sql)
        if isinstance(sql, bytes | bytearray | memoryview):
            return self._learn(bytes(sql).decode("utf-8", "surrogateescape"))
        if hasattr(sql, "as_string"):
            return self.learn(sql.as_string(self.quoting_connection()))
        raise errors.ProgrammingError(
            f"a statement must be str or bytes, not {type(sql).__name__}"
        )

    def _learn(self, sql: str) -> Text:
        # To look for a long text costs a hash of it all, and it is not kept anyway.
        known = self.known.get(sql) if len(sql) <= LONGEST_KEPT else None
        if known is not None:
            return known
        try:
            return self.texts.learn(sql)
        except errors.Error as exc:
            raise self.as_frontend_error(exc) from None

    def commit(self, end: End = Link.commit) -> None:
        """Commit the open transaction, if any; `end` does so on its home."""
        try:
            self.transaction.commit(end)
        except errors.Error as exc:
            raise self.as_frontend_error(exc) from exc.__cause__
        finally:
            self.refresh()

    def rollback(self, end: End = Link.rollback) -> None:
        """Roll back the open transaction, if any; also acknowledges a lost one. `end`
        does so on its home."""
        self.transaction.rollback(end)
        self.refresh()

    def close(self) -> None:
        """Close all links, or give them back; every later statement is refused. Never
        raises."""
        self.is_closed = True
        self.links.close(list(self.transaction.branches.values()))
        self.refresh()

    def collect(self) -> None:
        """Close all links, from a finalizer."""
        self.is_closed = True
        self.links.collect()

    def abandon(self) -> None:
        """In a forked child: the links and the transaction are the parent's."""
        was_bound = self.transaction.is_bound
        self.tracker.abandon()
        self.links.abandon()
        if was_bound:
            self.transaction.abandon()
        self.refresh()

    def set_mode(self, mode: TxMode) -> None:
        """Set how later transactions run. Not while one is bound to a backend."""
        self.is_paused = False
        self.links.mode = mode
        self.transaction.set_mode(mode)
        self.refresh()

    @property
    def autocommit(self) -> bool:
        """Whether every statement was asked to be a transaction of its own."""
        return self.links.mode.autocommit and not self.is_paused

    def pause(self) -> None:
        """A text has ended the transaction: where the driver begins no other one by
        itself, what follows is outside of any. `CREATE DATABASE` after `COMMIT` is, and
        must be."""
        if self.begins_by_call and not self.links.mode.autocommit:
            self.set_mode(self.links.mode._replace(autocommit=True))
            self.is_paused = True

    def resume(self) -> None:
        """Begin transactions again, unless one goes on that a text has begun."""
        if self.is_paused and not self.transaction.is_bound:
            self.set_mode(self.links.mode._replace(autocommit=False))

    def override(
        self, database: str | None, role: Role | None, consistency: str | None
    ) -> tuple[str | None, Role | None, str | None]:
        """Override where statements go; return what was chosen before."""
        config = self.core.config
        if database is not None and database not in config.databases:
            raise self.as_frontend_error(
                errors.HintError(
                    f"using({database!r}): no such database in {config.source}; "
                    f"configured are {', '.join(config.databases)}"
                )
            )
        if consistency is not None and consistency not in CONSISTENCIES:
            raise self.as_frontend_error(
                errors.HintError(
                    f"using(consistency={consistency!r}): allowed are "
                    f"{', '.join(CONSISTENCIES)}"
                )
            )
        before = (self.database, self.role, self.consistency)
        self.restore_overrides(
            (
                database if database is not None else self.database,
                role if role is not None else self.role,
                consistency if consistency is not None else self.consistency,
            )
        )
        return before

    def restore_overrides(
        self, chosen: tuple[str | None, Role | None, str | None]
    ) -> None:
        """Go back to what `choose` returned."""
        self.database, self.role, self.consistency = chosen
        self.refresh()

    def default_link(self) -> Link:
        """Return a link to the writer of the default database."""
        group = self.core.default_group(self.database)
        return self.transaction.branches.get(group) or find_node.writer(
            self.links, group
        )

    def as_frontend_error(self, exc: errors.Error) -> errors.Error:
        """Return an error of ours as this connection's frontend raises it.

        It is then also an instance of the driver's class of the same PEP 249 name; an
        error of the driver stays as it is.
        """
        if type(exc).__module__ != errors.__name__:
            return exc
        error = self.frontend.error_class(type(exc))(*exc.args)
        error.__cause__ = exc.__cause__
        return error

    def rotation(self) -> int:
        """Return the place in a ring of replicas whose turn it is."""
        return self.start + self.turn

    def refresh(self) -> None:
        """Work out again what the hot path looks at; after every change of state."""
        pins = self.links.pins
        self.temporary_names = pins.names
        self.is_unconstrained = (
            self.transaction.state is TxState.AUTOCOMMIT
            and self.role is None
            and self.consistency is None
            and not pins.names
            and not pins.listens
            and not pins.lost
            and not self.is_serializable
        )
        self.links.sticky = {}
        self.texts = self.core.plan_cache(self.database)
        self.known = {} if self.is_closed else self.texts.by_text

    @property
    def is_serializable(self) -> bool:
        """Tell whether the transaction, or each statement, is to be serializable."""
        level = self.transaction.mode.isolation or self.links.settings.isolation
        return level == "SERIALIZABLE"

    # -- routing's Situation -------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        """Tell whether statements belong to a transaction now."""
        return self.transaction.is_open

    @property
    def is_read_only(self) -> bool:
        """Tell whether that transaction, or the next, is declared read-only."""
        return self.transaction.mode.read_only

    @property
    def reads_early(self) -> bool:
        """A transaction's reads leave it only where `aim` says so."""
        return False

    def is_ahead(self, view: GroupView, consistency: str) -> bool:
        """Tell whether no replica is known to hold what this session has seen."""
        return self.tracker.is_ahead(view, consistency)
