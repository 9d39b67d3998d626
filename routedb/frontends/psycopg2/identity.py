"""The part of the PostgreSQL frontend that opens: the identity handle, and other links.

See the package's docstring. The object can become a psycopg2 connection once only.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, NoReturn

import psycopg2
from psycopg2 import extensions as ext

from routedb import errors
from routedb.adapters.base import TxMode
from routedb.adapters.postgresql.casters import share_casters
from routedb.adapters.postgresql.psycopg2 import Psycopg2Adapter
from routedb.config.model import NodeConfig
from routedb.engine.links import find_node
from routedb.engine.pool.pool import ONCE, Pool
from routedb.engine.pool.refcount import OwnRef
from routedb.engine.pool.slots import Slot
from routedb.engine.shared.core import Core
from routedb.frontends.base import DriverConnection
from routedb.frontends.connection import Connection
from routedb.frontends.psycopg2.foreign_casters import ForeignCasters
from routedb.frontends.psycopg2.inherited_connection import (
    InheritedConnection,
    is_identity,
)


class IdentityState(Enum):
    """The state of a connection's own C connection."""

    NEW = "not opened yet"
    OPEN = "opened; it may be opened once only"
    SPOILED = "failed to open, and cannot be opened again"


class Reservation(NamedTuple):
    """A slot of a pool, reserved for a connection that is being made."""

    pool: Pool
    slot: Slot


class OpenArguments(NamedTuple):
    """The arguments of a connection. They are set before `__init__`, whose arguments
    are psycopg2's, because a user's factory may override it."""

    core: Core
    adapter: Psycopg2Adapter
    mode: TxMode
    on_close: Callable[[Connection], None]
    on_open: Callable[[Connection], None]
    reservation: Reservation | None = None  # when there is a pool
    cursors: Any = None  # the program's cursor_factory


# The stubs of psycopg2 do not have what is shared with other frontends.
_Base: Any = ext.connection


def _list_of_all_links(name: str) -> Any:
    """Return a property for one of psycopg2's lists of messages, which is that of every
    other link as well."""
    member = ext.connection.__dict__[name]

    def put(self: IdentityConnection, value: Any) -> None:
        member.__set__(self, value)
        for raw in self.raw_connections():
            setattr(raw, name, value)

    return property(member.__get__, put, doc=member.__doc__)


class IdentityConnection(DriverConnection, _Base, driver=psycopg2):  # type: ignore[misc]
    """A virtual connection that is, as a psycopg2 connection, one of its own links.

    "The backend" is the server process that has the transaction, else the one behind
    the identity handle, else one of the writer's. The arguments are psycopg2's; `dsn`
    is set by `open_connection`.
    """

    _adapter: Psycopg2Adapter
    open_arguments: OpenArguments | None = (
        None  # set on the object before __init__, by the runtime
    )
    identity = IdentityState.NEW
    _reservation: Reservation | None = None  # not used yet
    given_cursors: Any = None  # the cursor_factory that the program gave
    _is_closed = True  # until it is opened
    takes_plain_cursors = False  # made by psycopg2 itself: see guarded_types

    def __init__(self, dsn: str = "", *args: Any, **more: Any) -> None:
        made = self.open_arguments
        if made is None:
            raise errors.InterfaceError("connections are made by routedb.connect()")
        self._reservation, self.given_cursors = made.reservation, made.cursors
        self.open_arguments = None
        DriverConnection.__init__(
            self, made.core, made.adapter, made.mode, made.on_close
        )
        self._encoding: str | None = None
        self._foreign_casters: dict[int, ForeignCasters] = {}  # by group
        self.session.quoting_connection = OwnRef(self)
        self.session.begins_by_call = True
        self._adopt_pooled_link()
        made.on_open(self)
        if self.identity is IdentityState.NEW:  # without a default nothing was opened
            find_node.writer(self.session.links, self._database.groups[0].id)

    # -- the identity handle -----------------------------------------------------------

    def open_link(self, node: NodeConfig, timeout_s: float) -> Any:
        """Open a raw connection to `node` within about `timeout_s` seconds; the first
        one is this object itself."""
        if not self._opens_identity(node):
            return self._adapter.connect(node, timeout_s)
        self.identity = IdentityState.SPOILED
        raw = self._adapter.connect(
            node, timeout_s, self._connect_identity, self.given_cursors
        )
        self._note_cursors()
        self.identity = IdentityState.OPEN
        return raw

    def configure_raw(self, raw: Any, node: NodeConfig) -> None:
        """Set on `raw`, a connection to `node`, what was set on this one."""
        if self.identity is not IdentityState.OPEN or is_identity(raw):
            return
        self.share_casters_with(raw, node.group)
        raw.notices, raw.notifies = self.notices, self.notifies
        if self._encoding is not None and raw.encoding != self._encoding:
            raw.set_client_encoding(self._encoding)

    def borrow_from(
        self, pool: Pool, node: NodeConfig, open_: Callable[[], Any]
    ) -> Slot:
        """Borrow a link to `node` of `pool`, or open one in it by `open_`. The first
        one is opened in this object, in the slot that was reserved for it, if the node
        is still the same."""
        if not self._opens_identity(node):
            return super().borrow_from(pool, node, open_)
        slot = None
        try:
            reserved = self._reservation
            if reserved is not None and reserved.pool is not pool:
                self.cancel_reservation()
                reserved = None
            if reserved is None:
                slot = pool.reserve(pool_kind(type(self)), may_reuse=False)
            else:
                slot = reserved.slot
            pool.fill(slot, open_)
            self._reservation = None
            return slot
        except BaseException:
            if slot is not None:
                pool.cancel(slot)
            self.cancel_reservation()
            raise

    def _opens_identity(self, node: NodeConfig) -> bool:
        is_ours = node.database == self._database.name
        return is_ours and self.identity is IdentityState.NEW

    def _adopt_pooled_link(self) -> None:
        """Reuse the link that this object was before, when it comes from a pool: then
        its C connection is open."""
        reservation = self._reservation
        if reservation is None or reservation.slot.raw is None:
            return
        self.identity = IdentityState.OPEN
        node = reservation.pool.node
        reservation.slot.raw = self._adapter.lend(
            node, InheritedConnection(self), self.given_cursors
        )
        self._note_cursors()
        self.session.links.adopt_reserved(reservation.slot, node)
        self._reservation = None

    def _note_cursors(self) -> None:
        """Keep the cursor_factory that the driver's `connect` has left here: that of
        the program, or a tracing tool's, which is derived from it."""
        if self.given_cursors is not None:
            self.given_cursors = self.cursor_factory

    def cancel_reservation(self) -> None:
        """Free the slot that was reserved, if it was not used. Once is enough."""
        open_arguments, reservation = self.open_arguments, self._reservation
        if reservation is None and open_arguments is not None:
            reservation = open_arguments.reservation
        if reservation is not None:
            reservation.pool.cancel(reservation.slot)
        self.open_arguments = self._reservation = None

    @property
    def home_group(self) -> int:
        """The group whose numbers of types are those of what is registered here."""
        return self._database.groups[0].id

    def foreign_casters(self, group: int) -> ForeignCasters | None:
        """Return the casters of links to `group`, None where types have the numbers
        that they are registered under."""
        if group == self.home_group:
            return None
        known = self._foreign_casters.get(group)
        if known is None:
            known = self._foreign_casters.setdefault(group, ForeignCasters(group))
        return known

    def share_casters_with(self, raw: Any, group: int) -> None:
        """Have `raw`, another connection, which is to a node of `group`, know each type
        caster that is or will be registered on this one."""
        casters = self.string_types
        if casters is not None:  # None: not opened yet
            foreign = self.foreign_casters(group)
            share_casters(raw, casters if foreign is None else foreign.casters)

    notices = _list_of_all_links("notices")
    notifies = _list_of_all_links("notifies")

    @property
    def has_live_identity(self) -> bool:
        """Tell whether the identity handle is a link still: its server may have gone
        away, and in a forked child it is the parent's."""
        links = self.session.links.open.values()
        return any(is_identity(link.raw) for link in list(links)) and not (
            _Base.closed.__get__(self)
        )

    def _connect_identity(
        self, dsn: str, *args: Any, **more: Any
    ) -> InheritedConnection:
        ext.connection.__init__(self, dsn, *args, **more)
        return InheritedConnection(self)

    @property
    def closed(self) -> int:
        """0 while open, 1 after `close()`, 2 when the server has ended all sessions
        (psycopg2); the next statement opens a new one."""
        if self._is_closed:
            return 1
        links = self.session.links
        has_live = any(not getattr(link.raw, "closed", 0) for link in links)
        return 0 if has_live or self.has_live_identity else 2

    def _backend(self) -> Any:
        """Return the raw connection of the backend: the transaction's, else the
        identity handle, else the writer's."""
        session = self.usable_session()
        if self.identity is IdentityState.SPOILED:  # a wait callback, while opening
            return InheritedConnection(self)
        bound = self._transaction_raw()
        if bound is not None:
            return bound
        if self.has_live_identity:
            return InheritedConnection(self)
        return session.default_link().raw

    def _transaction_raw(self) -> Any:
        """Return the raw connection that has the transaction, None when none has."""
        transaction = self.session.transaction
        first = next(iter(transaction.branches.values()), None)
        link = transaction.home_link or first
        return link.raw if link and link.adapter is self._adapter else None

    def _refuse(self, why: str) -> NoReturn:
        raise self._adapter.error_class(errors.ProgrammingError)(why)


def pool_kind(connections: type) -> Any:
    """Return the `kind` of a pool's slot whose link serves connections of this class.

    An object of a class with __slots__ of its own could not be made as new again.
    """
    below = connections.__mro__[: connections.__mro__.index(IdentityConnection)]
    has_slots = any(vars(kind).get("__slots__") for kind in below)
    return ONCE if has_slots else connections
