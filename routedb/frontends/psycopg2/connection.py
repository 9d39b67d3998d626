"""The virtual connection of the PostgreSQL frontend, a psycopg2 connection."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from psycopg2 import extensions as ext

from routedb.adapters.base import TxMode
from routedb.adapters.postgresql import joined_begin
from routedb.engine.run import executor
from routedb.frontends.base.told_backends import tell_backend
from routedb.frontends.psycopg2.cursor import PostgreSQLCursor
from routedb.frontends.psycopg2.factories import check_factory, cursor_class
from routedb.frontends.psycopg2.identity import IdentityState
from routedb.frontends.psycopg2.info import UnboundInfo
from routedb.frontends.psycopg2.large_objects import large_object_class
from routedb.frontends.psycopg2.two_phase import TwoPhase
from routedb.session import TxState
from routedb.session.settings_log import Clear
from routedb.sql.session_objects import ObjectKind, SessionObject

# psycopg2's own, of the identity handle.
_BASE: Any = ext.connection
_closed, _status = _BASE.closed.__get__, _BASE.get_transaction_status
_poll, _fileno = _BASE.poll, _BASE.fileno


class PostgreSQLConnection(TwoPhase):
    """A routedb connection that is a `psycopg2.extensions.connection` as well.

    It has psycopg2's documented behaviour. "The backend" is the server process that has
    the transaction, else the one behind the identity handle.
    """

    # -- cursors -----------------------------------------------------------------------

    def cursor(  # type: ignore[override]  # Connection has the arguments of all drivers
        self,
        name: str | None = None,
        cursor_factory: Any = None,
        withhold: bool = False,
        scrollable: bool | None = None,
    ) -> PostgreSQLCursor:
        """Return a new cursor, an instance of `cursor_factory` too (psycopg2).

        With a `name` its rows stay on the server until they are fetched; `withhold`
        keeps it after the transaction, `scrollable` allows moving back.
        """
        self.usable_session()
        kind = cursor_class(cursor_factory or self.cursor_factory or ext.cursor)
        made: PostgreSQLCursor = kind(self) if name is None else kind(self, name)
        if withhold:
            made.withhold = withhold
        made.scrollable = scrollable
        return made

    # -- the backend -------------------------------------------------------------------

    @property
    def info(self) -> Any:
        """psycopg2's ConnectionInfo of the backend."""
        if self.identity is IdentityState.NEW:  # the factory did not open it
            return ext.ConnectionInfo(self)
        transaction = self.usable_session().transaction
        is_bound = transaction.is_bound or not transaction.is_begun
        if is_bound and transaction.state is not TxState.LOST:
            found = self._backend().info
            tell_backend(self.usable_session(), found.backend_pid)
            return found
        return UnboundInfo(self)

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
        """Set the client encoding on every link, those opened later too; a change rolls
        back what is open (psycopg2)."""
        clean = "".join(filter(str.isalnum, encoding)).upper()
        if any(raw.encoding != clean for raw in self.raw_connections()):
            self.rollback()
        for raw in self.raw_connections():
            raw.set_client_encoding(encoding)
        self.session.links.forget_lexical_modes()
        self._encoding = str(ext.connection.encoding.__get__(self))

    def get_parameter_status(self, parameter: str) -> str | None:
        """Return a parameter as the server reports it, or None."""
        status: str | None = self._backend().get_parameter_status(parameter)
        return status

    def get_backend_pid(self) -> int:
        """Return the process id of the backend."""
        number = int(self._backend().get_backend_pid())
        return tell_backend(self.usable_session(), number)

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

    # -- notices, notifications --------------------------------------------------------

    # A wait callback (gevent's, by psycogreen) asks both several times a statement, and
    # of the handle that the statement is under way on, whatever else is open.

    def poll(self) -> int:
        """Read notifications that have arrived, without waiting; return POLL_OK."""
        if not _closed(self) and _status(self) == ext.TRANSACTION_STATUS_ACTIVE:
            return int(_poll(self))
        return int(self._listening().poll())

    def fileno(self) -> int:
        """Return the file descriptor that notifications arrive on."""
        if not _closed(self) and _status(self) == ext.TRANSACTION_STATUS_ACTIVE:
            return int(_fileno(self))
        return int(self._listening().fileno())

    def _listening(self) -> Any:
        """Return the raw connection that listens, else the backend's."""
        links = self.usable_session().links
        for held in links.pins.find(SessionObject(ObjectKind.LISTEN)):
            link = links.open.get(held.node)
            if link is not None and link.adapter is self._adapter:
                return link.raw
        return self._backend()

    def isexecuting(self) -> bool:
        """Tell whether a statement runs asynchronously (psycopg2's green mode)."""
        return any(raw.isexecuting() for raw in self.raw_connections())

    # -- large objects, two-phase, reset -----------------------------------------------

    def lobject(
        self,
        oid: int = 0,
        mode: str | None = None,
        new_oid: int = 0,
        new_file: str | None = None,
        lobject_factory: Any = None,
    ) -> Any:
        """Open a large object in the transaction, on the writer (psycopg2).

        It is the one called `oid`, or a new one, which may be called `new_oid` and made
        of `new_file`; `mode` is psycopg2's, `lobject_factory` a class of the program's.
        """
        session = self.usable_session()
        if not session.transaction.is_open:
            self._refuse("can't use a lobject outside of transactions")
        made: list[Any] = []
        kind = large_object_class(lobject_factory)

        def call(raw: Any) -> None:
            connection: Any = raw.connection
            link = session.transaction.branches[self._database.groups[0].id]
            with joined_begin.begun_by_psycopg2(link):
                made.append(
                    ext.connection.lobject(
                        connection, oid, mode, new_oid, new_file, kind
                    )
                )

        with self.cursor(cursor_factory=ext.cursor) as cursor:
            executor.carry(session, cursor, "SELECT lo_open(0, 0)", call)
        return made[0]

    def xid(self, format_id: int, gtrid: str, bqual: str) -> Any:
        """Return a transaction id for the tpc_ methods, of `format_id`, `gtrid` and
        `bqual` (PEP 249)."""
        self.usable_session()
        return ext.connection.xid(self, format_id, gtrid, bqual)

    def reset(self) -> None:
        """Roll back and return every session to its defaults (psycopg2)."""
        session = self.usable_session()
        self._two_phase = None
        for link in session.links:
            if link.adapter is self._adapter:
                self.call_driver(link.raw.reset)
                link.mode = None
                session.links.pins.clear(link.id)
        session.transaction.rollback()
        session.links.settings.clear(Clear("postgresql", "RESET ALL"))
        self._encoding = None
        session.set_mode(TxMode())
        self._is_readonly = None


@lru_cache(maxsize=64)
def connection_class(factory: Any) -> Any:
    """Return the class of virtual connections for a `connection_factory`, or None."""
    if factory in (None, ext.connection, PostgreSQLConnection):
        return PostgreSQLConnection
    check_factory(factory, ext.connection, "connection_factory")
    if issubclass(factory, PostgreSQLConnection):
        return factory
    names = {"__module__": factory.__module__}
    return type(factory.__name__, (factory, PostgreSQLConnection), names)
