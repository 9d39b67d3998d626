"""The virtual connection of the PostgreSQL face, a psycopg2 connection."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, NoReturn
from weakref import ref

import psycopg2
from psycopg2 import extensions as ext

from routedb import errors
from routedb.adapters.base import TxMode
from routedb.adapters.psycopg2 import Psycopg2Adapter
from routedb.config.model import NodeConfig
from routedb.connection import Connection
from routedb.engine.core import Core
from routedb.engine.link import Link
from routedb.postgresql.cursor import PostgreSQLCursor
from routedb.postgresql.factories import cursor_class
from routedb.postgresql.handle import Handle
from routedb.routing import database_for
from routedb.session import State
from routedb.topology.snapshot import Role


class Identity(Enum):
    """What has become of a connection's own C connection."""

    NEW = "not opened yet"
    OPEN = "opened; it may be opened once only"
    SPOILED = "failed to open, and cannot be opened again"


class Making(NamedTuple):
    """What a connection is made of; handed over beside `__init__`, whose arguments are
    psycopg2's, because a user's factory may stand in between."""

    core: Core
    adapter: Psycopg2Adapter
    mode: TxMode
    leave: Callable[[Connection], None]
    greet: Callable[[Connection], None]


# The stubs of psycopg2 know nothing of what is shared with other faces.
_Base: Any = ext.connection


class PostgreSQLConnection(Connection, _Base):  # type: ignore[misc]
    """A routedb connection that is a `psycopg2.extensions.connection` as well.

    What psycopg2 documents of its connections holds; what is said of "the backend" is
    said of the one that has the transaction, else of the identity handle.
    """

    making: Making | None = None  # set on the object before __init__, by the runtime
    identity = Identity.NEW
    _is_closed = True  # until it is opened

    # What the driver raises is ours as well; what is ours, is psycopg2's as well.
    Warning = psycopg2.Warning
    Error = psycopg2.Error
    InterfaceError = psycopg2.InterfaceError
    DatabaseError = psycopg2.DatabaseError
    DataError = psycopg2.DataError
    OperationalError = psycopg2.OperationalError
    IntegrityError = psycopg2.IntegrityError
    InternalError = psycopg2.InternalError
    ProgrammingError = psycopg2.ProgrammingError
    NotSupportedError = psycopg2.NotSupportedError

    def __init__(self, dsn: str = "", *args: Any, **more: Any) -> None:
        made = self.making
        if made is None:
            raise errors.InterfaceError("connections are made by routedb.connect()")
        self.making = None
        Connection.__init__(self, made.core, made.adapter, made.mode, made.leave)
        self._adapter = made.adapter
        self._database = database_for(made.core.config, None)
        self._is_entered = False
        self._is_readonly: bool | None = None
        self._encoding: str | None = None
        self._two_phase: Link | None = None
        self.dispatcher.links.openers["postgresql"] = _opener(ref(self))
        self.dispatcher.quoter = ref(self)
        made.greet(self)
        if self.identity is Identity.NEW:  # without a default nothing was opened
            self.dispatcher.links.writer(self._database.groups[0].id)

    # -- the identity handle -----------------------------------------------------------

    def open_link(self, node: NodeConfig, timeout_s: float) -> Any:
        """Open a raw connection; the first one is this object's own half."""
        if self.identity is not Identity.NEW or node.database != self._database.name:
            raw = self._adapter.connect(node, timeout_s)
            if self.identity is Identity.OPEN:
                self.share(raw)
                raw.notices = _Base.notices.__get__(self)
                raw.notifies = _Base.notifies.__get__(self)
            return raw
        self.identity = Identity.SPOILED
        raw = self._adapter.connect(node, timeout_s, self._become)
        self.identity = Identity.OPEN
        return raw

    def share(self, raw: Any) -> None:
        """Give another raw connection what was registered on this one."""
        for name in ("string_types", "binary_types"):
            ours = getattr(ext.connection, name).__get__(self)
            theirs = getattr(raw, name)
            if len(ours) != len(theirs) or ours != theirs:
                theirs.update(ours)
        if self._encoding is not None and raw.encoding != self._encoding:
            raw.set_client_encoding(self._encoding)

    @property
    def has_live_identity(self) -> bool:
        """Tell whether the identity handle is a link still: its server may have gone
        away, and in a forked child it is the parent's."""
        links = self.dispatcher.links.open.values()
        return any(type(link.raw) is Handle for link in list(links)) and not (
            _Base.closed.__get__(self)
        )

    def _become(self, dsn: str, *args: Any, **more: Any) -> Handle:
        ext.connection.__init__(self, dsn, *args, **more)
        return Handle(self)

    @property
    def closed(self) -> int:
        """0 while open, 1 after `close()`, 2 when the server has ended all sessions
        (psycopg2); the next statement opens a new one."""
        if self._is_closed:
            return 1
        links = self.dispatcher.links
        has_live = any(not getattr(link.raw, "closed", 0) for link in links)
        return 0 if has_live or self.has_live_identity else 2

    def _backend(self) -> Any:
        """Return the raw connection that speaks for this one: the transaction's, else
        the identity handle, else the writer's."""
        dispatcher = self.usable()
        if self.identity is Identity.SPOILED:  # a wait callback asks while it opens
            return Handle(self)
        bound = self._bound()
        if bound is not None:
            return bound
        if self.has_live_identity:
            return Handle(self)
        return dispatcher.default_link().raw

    def _bound(self) -> Any:
        """Return the raw connection that has the transaction, None when none has."""
        transaction = self.dispatcher.transaction
        first = next(iter(transaction.branches.values()), None)
        link = transaction.home_link or first
        return link.raw if link and link.adapter is self._adapter else None

    def _raws(self) -> list[Any]:
        """Return the open raw connections to PostgreSQL."""
        links = self.usable().links
        return [link.raw for link in links if link.adapter is self._adapter]

    # -- cursors -----------------------------------------------------------------------

    def cursor(
        self,
        name: str | None = None,
        cursor_factory: Any = None,
        withhold: bool = False,
        scrollable: bool | None = None,
    ) -> PostgreSQLCursor:
        """Return a new cursor, an instance of `cursor_factory` too (psycopg2)."""
        self.usable()
        kind = cursor_class(cursor_factory or self.cursor_factory or ext.cursor)
        made: PostgreSQLCursor = kind(self) if name is None else kind(self, name)
        if withhold:
            made.withhold = withhold
        if name is not None or scrollable is not None:
            made.scrollable = scrollable
        return made

    # -- transactions ------------------------------------------------------------------

    @property
    def isolation_level(self) -> int | None:
        """The isolation level as psycopg2's number; None: the server's default."""
        level = self.dispatcher.links.mode.isolation
        return None if level is None else _NUMBERS[level]

    @isolation_level.setter
    def isolation_level(self, level: Any) -> None:
        self.set_session(isolation_level="DEFAULT" if level is None else level)

    @property
    def readonly(self) -> bool | None:
        """Whether transactions are declared read-only; None: the server's default."""
        return self._is_readonly

    @readonly.setter
    def readonly(self, on: Any) -> None:
        self.set_session(readonly="DEFAULT" if on is None else on)

    @property
    def deferrable(self) -> bool | None:
        """Whether transactions are deferrable; None: the server's default."""
        return self.dispatcher.links.mode.deferrable

    @deferrable.setter
    def deferrable(self, on: Any) -> None:
        self.set_session(deferrable="DEFAULT" if on is None else on)

    def set_session(
        self,
        isolation_level: Any = None,
        readonly: Any = None,
        deferrable: Any = None,
        autocommit: Any = None,
    ) -> None:
        """Set how later transactions run; None leaves a property as it is, "DEFAULT"
        resets it (psycopg2). Raises ProgrammingError inside a transaction."""
        changes: dict[str, Any] = {}
        if isolation_level is not None:
            changes["isolation"] = _level(isolation_level)
        if readonly is not None:
            readonly = _flag(readonly)
            changes["read_only"] = bool(readonly)
        if deferrable is not None:
            changes["deferrable"] = _flag(deferrable)
        if autocommit is not None:
            changes["autocommit"] = bool(autocommit)
        self._change(**changes)
        if "read_only" in changes:
            self._is_readonly = readonly
        if self.has_live_identity:  # psycopg2 sends it, and so sees what has arrived
            self.guarded(ext.connection.poll, self)

    def set_isolation_level(self, level: int | None) -> None:
        """Roll back, and set the level: 0 is autocommit (psycopg2)."""
        if level is not None and level not in range(5):
            raise ValueError("isolation level must be between 0 and 4")
        self.rollback()
        if level == ext.ISOLATION_LEVEL_AUTOCOMMIT:
            self._change(isolation=None, autocommit=True)
        else:
            name = None if level is None else _level(level)
            self._change(isolation=name, autocommit=False)

    @property
    def status(self) -> int:
        """READY, BEGIN or PREPARED, of the backend that has the transaction."""
        bound = self._bound()
        return int(ext.STATUS_READY if bound is None else bound.status)

    def get_transaction_status(self) -> int:
        """libpq's transaction status of the backend that has the transaction."""
        if self._is_closed or self._state is State.LOST:
            return int(ext.TRANSACTION_STATUS_UNKNOWN)
        bound = self._bound()
        if bound is None:
            return int(ext.TRANSACTION_STATUS_IDLE)
        return int(bound.get_transaction_status())

    def __enter__(self) -> PostgreSQLConnection:
        """Begin a transaction, in autocommit mode too (psycopg2)."""
        dispatcher = self.usable()
        if self._is_entered:
            self._refuse("the connection cannot be re-entered recursively")
        if dispatcher.links.mode.autocommit and not dispatcher.transaction.is_open:
            dispatcher.transaction.begin(dispatcher.links.mode, None)
            dispatcher.refresh()
        self._is_entered = True
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._is_entered = False
        super().__exit__(kind, *rest)

    # -- what is said of the backend ---------------------------------------------------

    @property
    def info(self) -> Any:
        """psycopg2's ConnectionInfo of the backend."""
        if self.identity is Identity.NEW:  # a factory left it unopened
            return ext.ConnectionInfo(self)
        return self._backend().info

    @property
    def server_version(self) -> int:
        """The server's version as a number."""
        return int(self._backend().server_version)

    @property
    def protocol_version(self) -> int:
        """The version of the protocol."""
        return int(self._backend().protocol_version)

    @property
    def encoding(self) -> str:
        """The client encoding."""
        return str(self._backend().encoding)

    def set_client_encoding(self, encoding: str) -> None:
        """Set the client encoding on every link, those opened later too."""
        for raw in self._raws():
            raw.set_client_encoding(encoding)
        self._encoding = str(ext.connection.encoding.__get__(self))

    def get_parameter_status(self, parameter: str) -> str | None:
        """Return a parameter as the server reports it, or None."""
        status: str | None = self._backend().get_parameter_status(parameter)
        return status

    def get_backend_pid(self) -> int:
        """Return the process id of the backend."""
        return int(self._backend().get_backend_pid())

    def get_dsn_parameters(self) -> dict[str, str]:
        """Return the parameters of the connection, without the password."""
        found: dict[str, str] = self._backend().get_dsn_parameters()
        return found

    def get_native_connection(self) -> Any:
        """Return the PGconn of the backend as a capsule."""
        return self._backend().get_native_connection()

    @property
    def pgconn_ptr(self) -> int | None:
        """The address of the backend's PGconn."""
        address: int | None = self._backend().pgconn_ptr
        return address

    # -- notices, notifications, cancelling --------------------------------------------

    def poll(self) -> int:
        """Look for notifications, without waiting; returns POLL_OK."""
        return int(self._backend().poll())

    def fileno(self) -> int:
        """Return the file descriptor that notifications arrive on."""
        return int(self._backend().fileno())

    def isexecuting(self) -> bool:
        """Tell whether a statement runs asynchronously (psycopg2's green mode)."""
        return any(raw.isexecuting() for raw in self._raws())

    def cancel(self) -> None:
        """Cancel what runs now, on whichever backend it does; from another thread."""
        for raw in self._raws():
            raw.cancel()

    # -- large objects, two-phase, reset -----------------------------------------------

    def lobject(self, *args: Any, **more: Any) -> Any:
        """Open a large object in the transaction, on the writer (psycopg2)."""
        dispatcher = self.usable()
        if not dispatcher.transaction.is_open:
            self._refuse("can't use a lobject outside of transactions")
        made: list[Any] = []

        def call(raw: Any) -> None:
            made.append(ext.connection.lobject(raw.connection, *args, **more))

        with self.cursor(cursor_factory=ext.cursor) as cursor:
            dispatcher.carry(cursor, "SELECT lo_open(0, 0)", call)
        return made[0]

    def xid(self, format_id: int, gtrid: str, bqual: str) -> Any:
        """Return a transaction id for the tpc_ methods (PEP 249)."""
        self.usable()
        return ext.connection.xid(self, format_id, gtrid, bqual)

    def reset(self) -> None:
        """Roll back and return every session to its defaults (psycopg2)."""
        dispatcher = self.usable()
        self._two_phase = None
        for link in dispatcher.links:
            if link.adapter is self._adapter:
                self.guarded(link.raw.reset)
                link.mode = None
        dispatcher.transaction.rollback()
        dispatcher.links.settings.clear("postgresql", "RESET ALL")
        dispatcher.set_mode(TxMode())
        self._is_readonly = None

    # -- two-phase commit, PEP 249's extension -----------------------------------------

    def tpc_begin(self, xid: Any) -> None:
        """Begin a two-phase transaction, on the default database's writer."""
        dispatcher = self.usable()
        transaction = dispatcher.transaction
        if transaction.is_bound or dispatcher.links.mode.autocommit:
            self._refuse("tpc_begin is for outside a transaction and autocommit")
        group = self._database.groups[0].id
        link = dispatcher.links.writer(group, must_live=True)
        self.guarded(link.raw.tpc_begin, xid)
        transaction.join(group, link, Role.WRITER, is_home=True)
        transaction.note_write(group)
        dispatcher.refresh()
        self._two_phase = link

    def tpc_prepare(self) -> None:
        """Prepare the transaction: from now on it can be committed by anybody."""
        self.usable()
        self.guarded(self._in_two_phase("tpc_prepare").raw.tpc_prepare)

    def tpc_commit(self, xid: Any = None) -> None:
        """Commit the transaction, or, from outside, the prepared one named `xid`."""
        self._finish("tpc_commit", xid)

    def tpc_rollback(self, xid: Any = None) -> None:
        """Roll back the transaction, or, from outside, the prepared one named `xid`."""
        self._finish("tpc_rollback", xid)

    def tpc_recover(self) -> list[Any]:
        """Return the ids of the transactions prepared on the writer."""
        was_idle = not self.usable().transaction.is_bound
        with self.using(role="writer"):
            found: list[Any] = self.guarded(ext.connection.tpc_recover, self)
        if was_idle:
            self.rollback()
        return found

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        self._check_one_phase("commit")
        self._end_stray(_Base.commit)
        super().commit()

    def rollback(self) -> None:
        """Roll back the open transaction, if any; also acknowledges a lost one."""
        self._check_one_phase("rollback")
        self._end_stray(_Base.rollback)
        super().rollback()

    def _end_stray(self, end: Callable[[Any], None]) -> None:
        """End what C code has begun on the identity handle behind the engine's back, as
        a large object does that is used after its transaction."""
        if self.usable().transaction.is_bound or not self.has_live_identity:
            return
        if _Base.status.__get__(self) == ext.STATUS_BEGIN:
            self.guarded(end, self)

    def _finish(self, method: str, xid: Any) -> None:
        dispatcher = self.usable()
        if xid is not None:
            if dispatcher.transaction.is_bound:
                self._refuse(f"{method} with a xid is for outside a transaction")
            group = self._database.groups[0].id
            link = dispatcher.links.writer(group, must_live=True)
            self.guarded(getattr(link.raw, method), xid)
            return
        link = self._in_two_phase(method)
        try:
            self.guarded(getattr(link.raw, method))
        finally:
            self._two_phase = None
            dispatcher.transaction.end(committed=method == "tpc_commit")
            dispatcher.refresh()

    def _in_two_phase(self, method: str) -> Link:
        if self._two_phase is None:
            self._refuse(f"{method} must be called inside a two-phase transaction")
        return self._two_phase

    def _check_one_phase(self, method: str) -> None:
        if self._two_phase is not None:
            self._refuse(f"{method} cannot be used during a two-phase transaction")

    def _refuse(self, why: str) -> NoReturn:
        raise self._adapter.own(errors.ProgrammingError)(why)

    def guarded(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Call psycopg2; its errors become routedb's too."""
        try:
            return call(*args, **more)
        except psycopg2.Error as exc:
            raise self._adapter.adopt(exc)  # noqa: B904  (the same exception)


def _opener(connection: ref[PostgreSQLConnection]) -> Callable[..., Any]:
    """Return how the links of a connection open their raw ones; None: as usual."""

    def opener(node: NodeConfig, timeout_s: float) -> Any:
        face = connection()
        assert face is not None  # its links live no longer than itself
        return face.open_link(node, timeout_s)

    return opener


_NAMES = {
    1: "READ COMMITTED",
    2: "REPEATABLE READ",
    3: "SERIALIZABLE",
    4: "READ UNCOMMITTED",
}
_NUMBERS = {name: number for number, name in _NAMES.items()}


def _level(level: Any) -> str | None:
    """Read an isolation level as psycopg2's set_session takes it."""
    if isinstance(level, int):
        if level not in _NAMES:
            raise ValueError("isolation_level must be between 1 and 4")
        return _NAMES[level]
    text = level.decode() if isinstance(level, bytes) else str(level)
    if text.upper() == "DEFAULT":
        return None
    if text.upper() not in _NUMBERS:
        raise ValueError(f"bad value for isolation_level: '{text}'")
    return text.upper()


def _flag(value: Any) -> bool | None:
    """Read a flag; "DEFAULT" is None."""
    if isinstance(value, str | bytes):
        text = value.decode() if isinstance(value, bytes) else value
        if text.upper() != "DEFAULT":
            raise ValueError(f"the only string accepted is 'default'; got {text}")
        return None
    return bool(value)
