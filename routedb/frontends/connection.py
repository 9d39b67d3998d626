"""The virtual connection: PEP 249's connection over as many links as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from routedb import errors
from routedb.adapters.base import Adapter, TxMode
from routedb.config.merge_limits import read_limits
from routedb.config.model import NodeConfig
from routedb.dbapi import Params, Query
from routedb.engine.consistency import tokens
from routedb.engine.route.explain import Explanation, analyzed, explain
from routedb.engine.session import Session
from routedb.engine.shared.core import Core
from routedb.events import MergeProgress
from routedb.frontends.cursor import Cursor, GenericCursor
from routedb.frontends.isolation_levels import level_named
from routedb.session import TxState
from routedb.session.pins import Pin
from routedb.topology.snapshot import Role

Self = TypeVar("Self", bound="Connection")
Made = TypeVar("Made")
T = TypeVar("T")


class Connection:
    """A connection to a cluster (PEP 249). Made by `routedb.connect()`.

    Threads may share it: their statements run one after another where the driver
    needs that, and share one transaction. After `fork()` the child's copy opens links
    of its own.

    `core` is what the connections of a runtime share, `frontend` the adapter whose
    errors and cursors it has, `mode` how transactions run, and `on_close` is called
    with the connection when it is closed.
    """

    Warning: type[Exception] = errors.Warning
    Error: type[Exception] = errors.Error
    InterfaceError: type[Exception] = errors.InterfaceError
    DatabaseError: type[Exception] = errors.DatabaseError
    DataError: type[Exception] = errors.DataError
    OperationalError: type[Exception] = errors.OperationalError
    IntegrityError: type[Exception] = errors.IntegrityError
    InternalError: type[Exception] = errors.InternalError
    ProgrammingError: type[Exception] = errors.ProgrammingError
    NotSupportedError: type[Exception] = errors.NotSupportedError

    def __init__(
        self,
        core: Core,
        frontend: Adapter,
        mode: TxMode,
        on_close: Callable[[Connection], None],
    ) -> None:
        self.session = Session(core, frontend, mode)
        self._on_close = on_close  # so that the runtime can count
        self._is_closed = False

    # -- PEP 249 ---------------------------------------------------------------------

    @overload
    def cursor(
        self,
        name: str | None = None,
        cursor_factory: None = None,
        withhold: bool = False,
        scrollable: bool | None = None,
    ) -> Cursor: ...
    @overload
    def cursor(
        self,
        name: str | None = None,
        *,
        cursor_factory: type[Made],
        withhold: bool = False,
        scrollable: bool | None = None,
    ) -> Made: ...
    @overload
    def cursor(
        self,
        name: str | None,
        cursor_factory: type[Made],
        withhold: bool = False,
        scrollable: bool | None = None,
    ) -> Made: ...
    @overload
    def cursor(self, cursorclass: type[Made]) -> Made: ...
    @overload
    def cursor(self, factory: type[Made]) -> Made: ...
    def cursor(self, *args: Any, **more: Any) -> Any:
        """Return a new cursor. The arguments are those of the default database's
        driver: psycopg2's `name` and `cursor_factory`, mysqlclient's `cursorclass`,
        sqlite3's `factory`."""
        session = self.usable_session()
        if args or more:
            raise session.frontend.error_class(errors.NotSupportedError)(
                "cursor() takes names and classes for a default database on "
                "PostgreSQL, MySQL or SQLite"
            )
        return GenericCursor(self)

    def commit(self) -> None:
        """Commit the open transaction, if any.

        Raises TransactionLost when it was lost before, OutcomeUnknown when the answer
        to the commit was lost, or the server's refusal; it is over in every case.
        """
        self.usable_session().commit()

    def rollback(self) -> None:
        """Roll back the open transaction, if any; also acknowledges a lost one."""
        self.usable_session().rollback()

    def close(self) -> None:
        """Close all links, or give them back; what is open is rolled back (PEP 249)."""
        if self._is_closed:
            return
        try:
            self._is_closed = True
            self._on_close(self)
            self.session.close()
        except BaseException:  # a signal's: nothing stays behind
            self._is_closed = True
            self._on_close(self)
            self.session.close()
            raise

    @property
    def is_closed(self) -> bool:
        """Tell whether `close()` was called."""
        return self._is_closed

    @property
    def closed(self) -> int:
        """0 while open, 1 after `close()`, as psycopg2 counts."""
        return int(self._is_closed)

    def cancel(self) -> None:
        """Cancel the statements that run now, on each of their servers; from another
        thread.

        The statement fails with the server's own error (psycopg2 has this method).
        Raises OperationalError when a server cannot be reached.
        """
        self.usable_session().links.cancel()

    # -- transactions ----------------------------------------------------------------

    @property
    def autocommit(self) -> bool:
        """Whether every statement is a transaction of its own. Off by default."""
        return self.session.autocommit

    @autocommit.setter
    def autocommit(self, on: bool) -> None:
        self._change_mode(autocommit=bool(on))

    @property
    def readonly(self) -> bool | None:
        """Whether transactions are read-only, so that replicas may serve them."""
        return self.session.links.mode.read_only

    @readonly.setter
    def readonly(self, on: bool | None) -> None:
        self._change_mode(read_only=bool(on))

    @property
    def isolation_level(self) -> str | int | None:
        """The isolation level by name; None: the server's default."""
        return self.session.links.mode.isolation

    @isolation_level.setter
    def isolation_level(self, level: str | int | None) -> None:
        self._change_mode(isolation=level_named(level))

    @property
    def deferrable(self) -> bool | None:
        """Whether a serializable read-only transaction may wait to be safe."""
        return self.session.links.mode.deferrable

    @deferrable.setter
    def deferrable(self, on: bool | None) -> None:
        self._change_mode(deferrable=on)

    def set_session(
        self,
        isolation_level: str | int | None = None,
        readonly: bool | None = None,
        deferrable: bool | None = None,
        autocommit: bool | None = None,
    ) -> None:
        """Set how later transactions run; None leaves a property as it is (psycopg2).

        `isolation_level` is a name or psycopg2's number; `readonly`, `deferrable` and
        `autocommit` are as the properties. Raises ProgrammingError inside a
        transaction.
        """
        changes: dict[str, Any] = {}
        if isolation_level is not None:
            changes["isolation"] = level_named(isolation_level)
        if readonly is not None:
            changes["read_only"] = readonly
        if deferrable is not None:
            changes["deferrable"] = deferrable
        if autocommit is not None:
            changes["autocommit"] = autocommit
        self._change_mode(**changes)

    @property
    def in_transaction(self) -> bool:
        """Tell whether a backend has a transaction of this connection open."""
        return self.session.transaction.is_bound

    # -- routing -----------------------------------------------------------------------

    @contextmanager
    def using(
        self: Self,
        database: str | None = None,
        *,
        role: str | None = None,
        consistency: str | None = None,
        merge: Mapping[str, Any] | None = None,
        progress: Callable[[MergeProgress], object] | None = None,
        atomic: bool | None = None,
    ) -> Iterator[Self]:
        """Route the statements of a `with` block by the arguments.

        `database` is a name of the configuration, `role` "writer" or "replica",
        `consistency` as in the configuration, and so is `merge`, whose keys hold
        instead of those of every database. Raises HintError for others.

        `progress` is called with a `routedb.events.MergeProgress` while a statement
        over several groups runs, by the thread that runs it: whenever groups are asked,
        or one has answered. What it raises ends the statement.

        `atomic`: whether reads of several groups show transactions over several whole.
        """
        session = self.usable_session()
        kept, kept_progress = session.merge_limits, session.merge_progress
        was_atomic, is_atomic = session.is_atomic, session.would_be_atomic(atomic)
        limits = self._call_session(lambda s: read_limits(kept, merge, s.core.config))
        before = session.override(database, _role(role), consistency)
        session.merge_limits = limits
        session.merge_progress = progress or kept_progress
        session.is_atomic = is_atomic
        try:
            yield self
        finally:
            session.merge_limits, session.merge_progress = kept, kept_progress
            session.is_atomic = was_atomic
            session.restore_overrides(before)

    def explain(
        self,
        query: Query,
        vars: Params | None = None,  # noqa: A002
        analyze: bool = False,
    ) -> Explanation:
        """Return the route of `query` and the reasons, without running anything.

        `vars` are its parameters. With `analyze` it is run, if it is certainly a read,
        and its plan has rows, bytes and times. Raises what running it would raise
        before anything was sent; with `analyze` all that it raises.
        """
        session = self.usable_session()
        if not analyze:
            return explain(session, query, vars)
        return analyzed(session, self.cursor, query, vars)

    # -- what was seen, for other connections ------------------------------------------

    def token(self) -> str:
        """Return a short text, fit for a cookie, with the positions of all that this
        connection has written and seen. Costs a round trip at most for each group.

        Raises ProgrammingError inside a transaction.
        """
        return self._call_session(
            lambda session: tokens.token(session.tracker, session.transaction.is_bound)
        )

    def after(self, token: str) -> None:
        """Let later reads include all positions in a `token` of another connection or
        process: they run on replicas that have them, else on the writer.

        Raises ProgrammingError inside a transaction, and for what is no token.
        """
        self._call_session(
            lambda session: tokens.after(
                session.tracker, session.transaction.is_bound, token
            )
        )

    def wait_for(self, token: str, timeout: float = 10.0) -> bool:
        """Do what `after` does with `token`, and wait up to `timeout` seconds until
        replicas hold it; False when they do not: then reads run on the writer.

        Raises what `after` raises.
        """
        return self._call_session(
            lambda session: tokens.wait_for(
                session.tracker, session.transaction.is_bound, token, timeout
            )
        )

    @property
    def nodes(self) -> tuple[NodeConfig, ...]:
        """The nodes this connection has links to."""
        return tuple(link.node for link in self.session.links)

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The session objects that exist on one node only, where statements that need
        them run: temporary tables, session locks, LISTEN, prepared statements …"""
        return self.session.links.pinned

    # -- life ------------------------------------------------------------------------

    def usable_session(self) -> Session:
        """Return the session; raise InterfaceError after `close()`."""
        if self._is_closed:
            raise self.session.frontend.error_class(errors.InterfaceError)(
                "the connection is closed"
            )
        return self.session

    def __enter__(self: Self) -> Self:
        self.usable_session()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Commit, or roll back after an exception; it stays open (psycopg2)."""
        if self._is_closed:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else self._state.value
        return f"<routedb connection to {self.session.core.config.source}, {state}>"

    def __reduce__(self) -> Any:
        raise TypeError("a connection cannot be pickled")

    def __del__(self) -> None:
        # Links close with their driver's objects; only the runtime must count.
        if not getattr(self, "_is_closed", True):
            try:
                self._is_closed = True
                self._on_close(self)
                self.session.collect()
            except BaseException:  # a signal's, which the interpreter drops
                self._on_close(self)
                self.session.collect()
                raise

    def _call_session(self, call: Callable[[Session], T]) -> T:
        """Return `call(session)`; routedb's errors are raised as the driver's as
        well."""
        session = self.usable_session()
        try:
            return call(session)
        except errors.Error as exc:
            raise session.as_frontend_error(exc) from exc.__cause__

    @property
    def _state(self) -> TxState:
        return self.session.transaction.state

    def _change_mode(self, **changes: Any) -> None:
        session = self.usable_session()
        session.resume()
        mode = session.links.mode._replace(**changes)
        if session.transaction.is_begun:
            if session.autocommit and mode == session.links.mode:
                return  # no change for a transaction begun by text
            raise session.frontend.error_class(errors.ProgrammingError)(
                f"{', '.join(changes)} cannot be set inside a transaction: commit or "
                "roll back first"
            )
        session.set_mode(mode)


def _role(role: str | None) -> Role | None:
    if role is None:
        return None
    if role not in (Role.WRITER.value, Role.REPLICA.value):
        raise errors.HintError(f"role={role!r}: allowed are 'writer' and 'replica'")
    return Role(role)
