"""The virtual connection of the MySQL frontend, used as MySQLdb's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn
from weakref import ref

import MySQLdb
from MySQLdb import cursors

from routedb import errors
from routedb.adapters.base import Raw, TxMode
from routedb.adapters.mysql.mysqlclient import MysqlclientAdapter
from routedb.config.model import NodeConfig
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.run import executor
from routedb.engine.shared.core import Core
from routedb.frontends.base import DriverConnection
from routedb.frontends.connection import Connection
from routedb.frontends.mysqlclient.cursor import MySQLCursor, cursor_class
from routedb.frontends.mysqlclient.delegated_methods import (
    CallableFlag,
    DelegatedMethods,
)
from routedb.session.settings_log import Setting


class MySQLConnection(DelegatedMethods, DriverConnection, driver=MySQLdb):
    """A routedb connection with all that a `MySQLdb.connections.Connection` has.

    "The backend" is the server process that has the transaction, else one of the
    default database's writer, or while that is away of any node. Methods about "the
    last statement" use the one that ran it.
    """

    default_cursor = cursors.Cursor

    def __init__(
        self,
        core: Core,
        adapter: MysqlclientAdapter,
        mode: TxMode,
        on_close: Callable[[Connection], None],
    ) -> None:
        super().__init__(core, adapter, mode, on_close)
        self._charset: tuple[str, str | None] | None = None
        self._encoders: dict[Any, Any] | None = None
        self._converter: dict[Any, Any] | None = None
        self.cursorclass: Any = self.default_cursor
        self.last_raw: Raw = None  # the driver's connection that ran the last statement
        self.messages: list[Any] = []
        self.session.last_link = _last_link_finder(ref(self))

    # -- links -------------------------------------------------------------------------

    def configure_raw(self, raw: Raw, node: NodeConfig) -> None:
        """Set on `raw`, a connection to `node`, what was set on this one."""
        is_ours = node.database == self._database.name
        if self._encoders is None and is_ours:
            self._encoders = raw.encoders
            self.cursorclass = raw.cursorclass
        elif self._encoders is not None:
            raw.encoders = self._encoders
        if self._converter is None and is_ours:
            self._converter = raw.converter
        elif self._converter is not None:
            raw.converter = self._converter
        if self._charset is not None:
            raw.set_character_set(*self._charset)

    def backend(self) -> Raw:
        """Return the driver's connection of the backend."""
        session = self.usable_session()
        transaction, links = session.transaction, session.links
        group = self._database.groups[0].id
        writer = session.core.topology.groups[group].writer
        found = (
            transaction.home_link
            or transaction.branches.get(group)
            or (None if writer is None else links.open.get(writer))
            or next((link for link in links if link.adapter is self._adapter), None)
        )
        if found is None or found.adapter is not self._adapter:
            found = find_node.writer(links, group)
        return found.raw

    def last_backend(self) -> Raw:
        """Return the driver's connection that ran the last statement."""
        self.usable_session()
        has_run = self.last_raw is not None and self.last_raw.open
        return self.last_raw if has_run else self.backend()

    # -- cursors -----------------------------------------------------------------------

    def cursor(  # type: ignore[override]  # Connection has the arguments of all drivers
        self, cursorclass: Any = None
    ) -> MySQLCursor:
        """Return a new cursor of a class of `MySQLdb.cursors`, or of a subclass."""
        self.usable_session()
        made: MySQLCursor = cursor_class(cursorclass or self.cursorclass)(self)
        return made

    # -- transactions ------------------------------------------------------------------

    @property
    def autocommit(self) -> Any:
        """Whether every statement is a transaction of its own; call it to set it, as
        in MySQLdb, or assign."""
        return CallableFlag(self.session.links.mode.autocommit, self._set_autocommit)

    @autocommit.setter
    def autocommit(self, on: bool) -> None:
        self._set_autocommit(on)

    def get_autocommit(self) -> bool:
        """Tell whether every statement is a transaction of its own."""
        return self.usable_session().links.mode.autocommit

    def _set_autocommit(self, on: Any) -> None:
        """Set it; switching it on commits what is open (MySQL manual, autocommit)."""
        session = self.usable_session()
        if bool(on) == session.links.mode.autocommit:
            return
        if on:
            session.commit()
        elif not session.transaction.is_bound:
            session.rollback()  # drops a BEGIN not sent yet: the next statement begins
        self._change_mode(autocommit=bool(on))

    def begin(self) -> None:
        """Begin a transaction explicitly."""
        self.query(b"BEGIN")

    # -- statements without a cursor ---------------------------------------------------

    def query(self, query: Any) -> None:
        """Run a text by its route; its result is fetched by `store_result()`."""
        text = bytes(query) if isinstance(query, bytearray) else query
        cursor = cursor_class(cursors.Cursor)(self)
        executor.carry(self.usable_session(), cursor, text, lambda raw: raw.send(text))

    # -- what reaches every link -------------------------------------------------------

    @property
    def encoders(self) -> dict[Any, Any]:
        """How values become SQL, by type; one dict for all links."""
        if self._encoders is None:
            self._encoders = self.backend().encoders
        return self._encoders

    @encoders.setter
    def encoders(self, encoders: dict[Any, Any]) -> None:
        self._encoders = encoders
        for raw in self.raw_connections():
            raw.encoders = encoders

    @property
    def converter(self) -> dict[Any, Any]:
        """How columns become values, by type; one dict for all links."""
        if self._converter is None:
            self._converter = self.backend().converter
        return self._converter

    @converter.setter
    def converter(self, converter: dict[Any, Any]) -> None:
        self._converter = converter
        for raw in self.raw_connections():
            raw.converter = converter

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """Set `charset`, and `collation` if given, on every link, those opened later
        too."""
        for raw in self.raw_connections():
            self.call_driver(raw.set_character_set, charset, collation)
        self._charset = (charset, collation)
        # In its order among the SET statements.
        text = f"SET NAMES {charset}" + (f" COLLATE {collation}" if collation else "")
        links = self.session.links
        links.settings.add(Setting("mysql", text, None, ("names",)), False)
        links.forget_lexical_modes()

    def set_sql_mode(self, sql_mode: str) -> None:
        """Set sql_mode on every link, those opened later too."""
        with self.cursor(cursors.Cursor) as cursor:
            cursor.execute("SET SESSION sql_mode = %s", (sql_mode,))

    def select_db(self, db: str) -> None:
        """Use another database (a schema) on every link, those opened later too."""
        if not isinstance(db, str):
            raise TypeError(
                f"select_db() argument 1 must be str, not {type(db).__name__}"
            )
        with self.cursor(cursors.Cursor) as cursor:
            cursor.execute("USE `{}`".format(db.replace("`", "``")))

    # -- life --------------------------------------------------------------------------

    @property
    def open(self) -> int:
        """1 while a session can be used, 0 after `close()`, or when all have ended."""
        if self._is_closed:
            return 0
        return int(any(raw.open for raw in self.raw_connections()))

    def ping(self, *args: Any) -> None:
        """Check that the writer answers; a lost link is replaced, unless it had a
        transaction (MySQLdb)."""
        session = self.usable_session()
        if not session.transaction.is_bound:
            group = self._database.groups[0].id
            find_node.writer(session.links, group, must_live=True)
        self.call_driver(self.backend().ping, *args)

    def close(self) -> None:
        """Close all links. Raises ProgrammingError the second time, as MySQLdb."""
        if self._is_closed:
            raise self._adapter.error_class(errors.ProgrammingError)(
                "the connection is closed"
            )
        self.last_raw = None  # it may go to another connection
        super().close()

    def __enter__(self) -> MySQLConnection:
        self.usable_session()
        return self

    def __exit__(self, *_: object) -> None:
        """Close, as MySQLdb does; what is not committed is rolled back."""
        if not self._is_closed:
            self.close()

    def refuse(self, what: str, way_out: str) -> NoReturn:
        """Raise NotSupportedError for `what`, with `way_out`, which says what to do."""
        raise self._adapter.error_class(errors.NotSupportedError)(f"{what}: {way_out}")


def _last_link_finder(connection: ref[MySQLConnection]) -> Callable[[], Link | None]:
    """Return the function by which a session finds the link of the last statement."""

    def last_link() -> Link | None:
        alive = connection()
        assert alive is not None  # its session does not outlive it
        found = (link for link in alive.session.links if link.raw is alive.last_raw)
        return next(found, None)

    return last_link
