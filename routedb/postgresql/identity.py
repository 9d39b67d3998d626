"""The part of the PostgreSQL face that opens: the identity handle, and other links.

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
from routedb.adapters.psycopg2 import Psycopg2Adapter
from routedb.config.model import NodeConfig
from routedb.connection import Connection
from routedb.engine.links import find_node
from routedb.engine.pool.pool import ONCE, Pool
from routedb.engine.pool.refcount import OwnRef
from routedb.engine.pool.slots import Slot
from routedb.engine.shared.core import Core
from routedb.face import Faced
from routedb.postgresql.handle import Handle


class Identity(Enum):
    """What has become of a connection's own C connection."""

    NEW = "not opened yet"
    OPEN = "opened; it may be opened once only"
    SPOILED = "failed to open, and cannot be opened again"


class Lease(NamedTuple):
    """A place in a pool, reserved for a connection that is being made."""

    pool: Pool
    place: Slot


class Making(NamedTuple):
    """What a connection is made of; handed over beside `__init__`, whose arguments are
    psycopg2's, because a user's factory may stand in between."""

    core: Core
    adapter: Psycopg2Adapter
    mode: TxMode
    leave: Callable[[Connection], None]
    greet: Callable[[Connection], None]
    lease: Lease | None = None  # when there is a pool


# The stubs of psycopg2 know nothing of what is shared with other faces.
_Base: Any = ext.connection


class Identified(Faced, _Base, driver=psycopg2):  # type: ignore[misc]
    """A virtual connection whose own C half is one of its links.

    "The backend" is the server process that has the transaction, else the one behind
    the identity handle, else one of the writer's.
    """

    _adapter: Psycopg2Adapter
    making: Making | None = None  # set on the object before __init__, by the runtime
    identity = Identity.NEW
    _lease: Lease | None = None  # not used yet
    _is_closed = True  # until it is opened

    def __init__(self, dsn: str = "", *args: Any, **more: Any) -> None:
        made = self.making
        if made is None:
            raise errors.InterfaceError("connections are made by routedb.connect()")
        self.making = None
        self._lease = made.lease
        Faced.__init__(self, made.core, made.adapter, made.mode, made.leave)
        self._encoding: str | None = None
        self.dispatcher.quoting_connection = OwnRef(self)
        self.dispatcher.begins_by_call = True
        self._reborn()
        made.greet(self)
        if self.identity is Identity.NEW:  # without a default nothing was opened
            find_node.writer(self.dispatcher.links, self._database.groups[0].id)

    # -- the identity handle -----------------------------------------------------------

    def open_link(self, node: NodeConfig, timeout_s: float) -> Any:
        """Open a raw connection; the first one is this object's own half."""
        if not self._is_to_become(node):
            return self._adapter.connect(node, timeout_s)
        self.identity = Identity.SPOILED
        raw = self._adapter.connect(node, timeout_s, self._become)
        self.identity = Identity.OPEN
        return raw

    def dress(self, raw: Any, node: NodeConfig) -> bool:
        """Give a raw connection what was set on this one."""
        if type(raw) is Handle or self.identity is not Identity.OPEN:
            return False
        self.share(raw)
        raw.notices = _Base.notices.__get__(self)
        raw.notifies = _Base.notifies.__get__(self)
        return self._encoding is not None

    def lend(
        self, pool: Pool, node: NodeConfig, open_: Callable[[], Any]
    ) -> tuple[Slot, Any]:
        """Borrow a link of a pool. The first one is opened in this object, in a place
        that was reserved for it, if the node is still the same."""
        if not self._is_to_become(node):
            return super().lend(pool, node, open_)
        lease, self._lease = self._lease, None
        if lease is not None and lease.pool is not pool:
            lease.pool.cancel(lease.place)
            lease = None
        if lease is None:
            lease = Lease(pool, pool.reserve(kind_of(type(self)), may_reuse=False))
        return lease.place, pool.fill(lease.place, open_)

    def _is_to_become(self, node: NodeConfig) -> bool:
        is_ours = node.database == self._database.name
        return is_ours and self.identity is Identity.NEW

    def _reborn(self) -> None:
        """Take up the link that this object has been before, when it comes of a pool:
        then its C connection is open."""
        lease = self._lease
        if lease is None or lease.place.raw is None:
            return
        self._lease = None
        self.identity = Identity.OPEN
        lease.place.raw = Handle(self)
        self.dispatcher.links.adopt_reserved(lease.place, lease.pool.node)

    def release(self) -> None:
        """Give up the place that was reserved, if it was not used."""
        making, lease = self.making, self._lease
        self.making = self._lease = None
        lease = lease or (making.lease if making is not None else None)
        if lease is not None:
            lease.pool.cancel(lease.place)

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

    def _refuse(self, why: str) -> NoReturn:
        raise self._adapter.own(errors.ProgrammingError)(why)


def kind_of(connections: type) -> Any:
    """Return what says, to a pool, that a link serves connections of this class.

    One whose objects have slots of their own could not be made as new again.
    """
    below = connections.__mro__[: connections.__mro__.index(Identified)]
    has_slots = any(vars(kind).get("__slots__") for kind in below)
    return ONCE if has_slots else connections
