"""The state of one virtual connection: what it has chosen, opened, begun and written.

It is what deciding looks at, as `routedb.routing.view.SessionView`. The tables that its
transaction and its settings follow are in `routedb.session`. Whatever a route depends
on says by itself that it has changed (`SessionVersion`); what was worked out from it is
worked out again when it is needed next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from weakref import ref

from routedb import errors
from routedb.adapters.base import Adapter, TxMode
from routedb.config.mask import mask
from routedb.engine.consistency.tracker import ConsistencyTracker
from routedb.engine.links import find_node
from routedb.engine.links.lexical_modes import lexical_mode
from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.plans.plan_cache import LONGEST_KEPT
from routedb.engine.shared.core import Core
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import as_dbapi_error, not_atomic
from routedb.engine.shared.second_signals import done_or_undone
from routedb.engine.transactions.ends import End
from routedb.engine.transactions.transaction import Transaction
from routedb.events import MergeProgress, StatementRetried
from routedb.observers import OBSERVERS, explain, tell_outcome
from routedb.routing import CONSISTENCIES, database_for
from routedb.routing.decider import Decision
from routedb.routing.plan import ParsedText, Plan
from routedb.session import TxState
from routedb.sql import UNSETTLED
from routedb.sql.scanner.shape import may_depend
from routedb.topology.snapshot import Role, Snapshot


class Session:
    """One virtual connection's state, owned by it.

    `frontend` is the adapter of the driver whose errors it raises; `mode` is how its
    transactions run at first.
    """

    def __init__(self, core: Core, frontend: Adapter, mode: TxMode) -> None:
        self.core = core
        self.frontend = frontend
        self.links = Links(core, mode)
        self.version = self.links.version
        self.open = self.links.open
        self.last_answered_at = self.links.last_answered_at
        self.pins = self.links.pins
        self.tracker = ConsistencyTracker(core, self.links)
        self.read_states = self.tracker.read_states
        self.transaction = Transaction(self.links, self.tracker)
        # What the driver's own quoting needs: a raw connection, or the frontend.
        self.quoting_connection: Callable[[], Any] = _default_raw(ref(self))
        # The link that ran the last statement, where the frontend knows.
        self.last_link: Callable[[], Link | None] = lambda: None
        self.start = core.next_rotation()
        self.turn = 0  # replicas chosen so far
        # Plain reads of a group stay with the link in `version.sticky`, while
        # `sticky_topology` is the topology.
        self.sticky_topology: Snapshot | None = None
        # Who reads parts of statements, by plan and group, for as long as the sticky
        # dict and the topology are these.
        self.parts: tuple[object, object, dict[tuple[Plan, int], Decision]]
        self.parts = (None, None, {})
        self.database: str | None = None  # conn.using(database)
        self.role: Role | None = None  # conn.using(role=…)
        self.consistency: str | None = None  # conn.using(consistency=…)
        # Reads of several groups show transactions over several whole:
        # conn.using(atomic=…).
        self.is_atomic = core.config.atomic_reads == "always"
        # conn.using(merge=…): fields of MergeConfig.
        self.merge_limits: Mapping[str, Any] = {}
        self.merge_progress: Callable[[MergeProgress], object] | None = None
        # How its texts are read, once one has come for which that counts.
        self.lexical_mode = UNSETTLED
        # No cycle: with its connection a session is gone, and with it its links.
        self.links.on_mode_change = _unsettling(ref(self))
        self.plan_cache = core.plan_cache(None)
        self.known_texts = self.plan_cache.by_text
        # Whether the driver begins no transaction after one that a text has ended,
        # until commit() or rollback() is called; and whether it is waiting for that.
        self.begins_by_call = False
        self.is_paused = False
        self.is_closed = False
        self.retries = 0  # of its statements
        # The version that what follows was worked out for: `is_unconstrained`, and
        # whether a transaction that nothing was said about begins on the writer.
        self.settled: tuple[object, bool, bool] = (
            self.version.constraints,
            mode.autocommit,
            not (mode.autocommit or mode.read_only),
        )

    # -- texts -------------------------------------------------------------------------

    def learn(self, sql: Any) -> ParsedText:
        """Return what is known of a text that was not seen as it is: str, bytes, or an
        object with `as_string(raw)` such as psycopg2's Composable.

        Raises InterfaceError after close: a closed session knows no text, so all come
        here, and the hot path need not ask."""
        if self.is_closed:
            raise self.as_frontend_error(
                errors.InterfaceError("the connection is closed")
            )
        if isinstance(sql, str):
            return self.plan_cache.find(sql) or self._learn(sql)
        if isinstance(sql, bytes | bytearray | memoryview):
            return self._learn(bytes(sql).decode("utf-8", "surrogateescape"))
        if hasattr(sql, "as_string"):
            return self.learn(sql.as_string(self.quoting_connection()))
        raise as_dbapi_error(
            TypeError(f"a statement must be str or bytes, not {type(sql).__name__}"),
            self.frontend.error_class,
        )

    def _learn(self, sql: str) -> ParsedText:
        if self.plan_cache.is_superseded:  # tables may live elsewhere now
            self._take_plan_cache()
        depends = may_depend(sql, self.plan_cache.dialect)
        if depends:
            self._settle_mode()
        # To look for a long text costs a hash of it all, and it is not kept anyway.
        known = self.known_texts.get(sql) if len(sql) <= LONGEST_KEPT else None
        if known is not None:
            return known
        try:
            return self.plan_cache.learn(sql, depends)
        except errors.Error as exc:
            raise self.as_frontend_error(exc) from None

    def _take_plan_cache(self) -> None:
        self.plan_cache = self.core.plan_cache(self.database, self.lexical_mode)
        self.known_texts = {} if self.is_closed else self.plan_cache.by_text

    def _settle_mode(self) -> None:
        """Ask how texts are read now, and know those that are read so."""
        database = database_for(self.core.config, self.database)
        branches = self.transaction.branches.values()
        mode = lexical_mode(self.links, database, branches)
        if mode != self.lexical_mode:
            self.lexical_mode = mode
            self._take_plan_cache()

    # -- what changes it ---------------------------------------------------------------

    def commit(self, end: End = Link.commit) -> None:
        """Commit the open transaction, if any; `end` does so on its home."""
        try:
            self.transaction.commit(end)
        except errors.Error as exc:
            raise self.as_frontend_error(exc) from exc.__cause__

    def rollback(self, end: End = Link.rollback) -> None:
        """Roll back the open transaction, if any; also acknowledges a lost one. `end`
        does so on its home."""
        self.transaction.rollback(end)

    def close(self) -> None:
        """Close all links, or give them back; every later statement is refused. Never
        raises."""
        self.is_closed = True
        self._take_plan_cache()
        self.links.close(list(self.transaction.branches.values()))

    def collect(self) -> None:
        """Close all links, from a finalizer."""
        self.is_closed = True
        self._take_plan_cache()
        self.links.collect()

    def abandon(self) -> None:
        """In a forked child: the links and the transaction are the parent's."""
        was_bound = self.transaction.is_bound
        self.tracker.abandon()
        self.links.abandon()
        if was_bound:
            self.transaction.abandon()

    def set_mode(self, mode: TxMode) -> None:
        """Set how later transactions run. Not while one is bound to a backend."""
        self._set_mode(mode, is_paused=False)

    def _set_mode(self, mode: TxMode, is_paused: bool) -> None:
        # Nothing there raises: a signal's exception finds all of it, or none.
        take = partial(self._take_mode, mode, is_paused)
        done_or_undone(take, take)

    def _take_mode(self, mode: TxMode, is_paused: bool) -> None:
        self.is_paused = is_paused
        self.links.set_mode(mode)
        self.transaction.set_mode(mode)

    @property
    def autocommit(self) -> bool:
        """Whether every statement was asked to be a transaction of its own."""
        return self.links.mode.autocommit and not self.is_paused

    def pause(self) -> None:
        """A text has ended the transaction: where the driver begins no other one by
        itself, what follows is outside of any. `CREATE DATABASE` after `COMMIT` is, and
        must be."""
        if self.begins_by_call and not self.links.mode.autocommit:
            mode = self.links.mode._replace(autocommit=True)
            self._set_mode(mode, is_paused=True)

    def resume(self) -> None:
        """Begin transactions again, unless one goes on that a text has begun."""
        if self.is_paused and not self.transaction.is_bound:
            self.set_mode(self.links.mode._replace(autocommit=False))

    def override(
        self, database: str | None, role: Role | None, consistency: str | None
    ) -> tuple[str | None, Role | None, str | None]:
        """Override where statements go; return what was chosen before.

        `database`, `role` and `consistency` are those of `conn.using()`; None leaves
        what was chosen. Raises HintError for a name or a word that is none.
        """
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
        """Go back to what `override` returned."""
        if chosen[0] != self.database:  # whose sessions may read them otherwise
            self.lexical_mode = UNSETTLED
        self.database, self.role, self.consistency = chosen
        self._take_plan_cache()
        self.version.changed()

    def would_be_atomic(self, atomic: bool | None) -> bool:
        """Return what `is_atomic` is under `conn.using(atomic=…)`. Raises HintError
        where nobody leaves what atomic reads compare."""
        if atomic and self.core.config.atomic_reads == "no":
            raise self.as_frontend_error(not_atomic(self.core.config.source))
        return self.is_atomic if atomic is None else atomic

    def default_link(self) -> Link:
        """Return a link to the writer of the default database."""
        group = self.core.default_group(self.database)
        return self.transaction.branches.get(group) or find_node.writer(
            self.links, group
        )

    def as_frontend_error(self, exc: errors.Error) -> errors.Error:
        """Return an error of ours as this connection's frontend raises it.

        It is then also an instance of the driver's class of the same PEP 249 name; an
        error of the driver stays as it is, and so does what the program has raised.
        """
        if type(exc).__module__ != errors.__name__ or is_from_program(exc):
            return exc
        said = [mask(each) if isinstance(each, str) else each for each in exc.args]
        error = self.frontend.error_class(type(exc))(*said)
        error.__cause__ = exc.__cause__
        error.retry_is_safe = exc.retry_is_safe
        tell_outcome(exc)
        return error

    def note_retry(
        self, link: Link, verb: str, is_read: bool, exc: BaseException
    ) -> None:
        """Take note that what failed on `link` with `exc` is run again, and say so.

        `verb` is that of the statement; `is_read`: it is certainly a plain read.
        """
        self.retries += 1
        label = self.core.label(link.node)
        OBSERVERS.emit(StatementRetried(label, verb, is_read, explain(exc)))

    def rotation(self) -> int:
        """Return the place in a ring of replicas whose turn it is."""
        return self.start + self.turn

    # -- what deciding looks at: routedb.routing.view.SessionView ----------------------

    @property
    def is_unconstrained(self) -> bool:
        """Nothing asks for more than "pick a node"."""
        settled = self.settled
        if settled[0] is not self.version.constraints:
            settled = self.settle()
        return settled[1]

    def settle(self) -> tuple[object, bool, bool]:
        """Work out `settled` again, and return it."""
        settled = self.settled = (
            self.version.constraints,  # first: what follows may be old by then
            self._asks_for_nothing(),
            self._begins_on_writer(),
        )
        return settled

    def _begins_on_writer(self) -> bool:
        return not (
            self.transaction.state is TxState.AUTOCOMMIT
            or self.transaction.mode.read_only
            or self.role is not None
            or self.consistency is not None
            or self.pins.lost
        )

    def _asks_for_nothing(self) -> bool:
        pins = self.pins
        return (
            self.transaction.state is TxState.AUTOCOMMIT
            and self.role is None
            and self.consistency is None
            and not pins.names
            and not pins.lost
            and not pins.listens
            and not pins.settings
            and not self.is_serializable
        )

    @property
    def is_serializable(self) -> bool:
        """Tell whether the transaction, or each statement, is to be serializable."""
        level = self.transaction.mode.isolation or self.links.settings.isolation
        return level == "SERIALIZABLE"

    @property
    def has_default_isolation(self) -> bool:
        """Nothing has changed the isolation level that transactions begin with."""
        return not self.links.settings.touches("default_transaction_isolation")

    @property
    def in_transaction(self) -> bool:
        """Tell whether statements belong to a transaction now."""
        return self.transaction.is_open

    @property
    def is_read_only(self) -> bool:
        """Tell whether that transaction, or the next, is declared read-only."""
        return self.transaction.mode.read_only

    @property
    def result_node(self) -> int:
        """The node that ran the last statement, -1 where nobody knows."""
        link = self.last_link()
        return -1 if link is None else link.id


def _default_raw(session: ref[Session]) -> Callable[[], Any]:
    """Return what returns the default link's raw connection."""

    def default_raw() -> Any:
        known = session()
        return None if known is None else known.default_link().raw

    return default_raw


def _unsettling(session: ref[Session]) -> Callable[[], None]:
    """Return what makes a session, for as long as it lives, know only texts that are
    read alike, until its mode is asked for again."""

    def unsettle() -> None:
        known = session()
        if known is not None and known.lexical_mode is not UNSETTLED:
            known.lexical_mode = UNSETTLED
            known._take_plan_cache()

    return unsettle
