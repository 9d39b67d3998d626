"""The links of one virtual connection: found, opened, brought up to date, dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from math import inf
from typing import Protocol
from weakref import ref

from routedb import errors
from routedb.adapters.base import AUTOCOMMIT, Adapter, Fault, Raw, TxMode
from routedb.config.model import NodeConfig
from routedb.engine.links.link import Link
from routedb.engine.links.open_link import (
    FrontendHooks,
    borrowed,
    connect,
    end,
    pool_of,
)
from routedb.engine.links.which_server import identify, leads_elsewhere
from routedb.engine.pool.slots import Slot
from routedb.engine.shared.core import Core
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.session_version import SessionVersion
from routedb.events import LinkLost, LinkReplaced
from routedb.observers import OBSERVERS, explain
from routedb.session import SettingsLog
from routedb.session.pins import Pin, Pins
from routedb.session.settings_log import Setting
from routedb.topology import GroupView, NodeState

_ENDED = "was closed by the server while it was idle"
_ELSEWHERE = "leads to a server that the node does not lead to any more"


class ResultHolder(Protocol):
    """What links need of a cursor, which may hold rows that came over one of them."""

    def link_closed(self, link: Link) -> None:
        """Expect that fetching what `link` has brought may fail: it is closed."""

    def detach_link(self, link: Link) -> None:
        """Let go of everything that came over `link`: it goes to another connection.
        What was told of the last statement stays."""


class Links:
    """At most one link per node. `open` is public: the hot path looks into it.

    `mode` is how transactions run on them, from the next one on. It is changed by
    `set_mode`.
    """

    def __init__(self, core: Core, mode: TxMode) -> None:
        self.core = core
        self.version: SessionVersion[Link] = SessionVersion()
        self.open: dict[int, Link] = {}
        self.result_holders: set[ref[ResultHolder]] = set()  # the connection's cursors
        # By node id: when a link that is lost last answered.
        self.last_answered_at: dict[int, float] = {}
        self.frontend_hooks: dict[str, FrontendHooks] = {}  # by engine
        self.settings = SettingsLog(self.version.settings_changed)
        # Others that work for the connection now: they are cancelled as well.
        self.aside: set[Link] = set()
        self.pins = Pins(self.version.changed)  # what lives on one of these links only
        # The session's: what it reads texts by may be another now.
        self.on_mode_change: Callable[[], None] = lambda: None
        self.mode = mode
        self._lock = threading.RLock()
        self._is_closed = False

    def set_mode(self, mode: TxMode) -> None:
        """Have the next transactions on these links run as `mode` says."""
        self.mode = mode
        self.version.settings_changed()

    def __iter__(self) -> Iterator[Link]:
        return iter(list(self.open.values()))

    def get(self, node: int, must_live: bool = False) -> Link:
        """Return the link to node `node`, opened and up to date.

        `must_live`: what follows could not be repeated, so an idle link is looked at
        first, without a round trip, and replaced when it is dead.
        """
        with self._lock:
            link = self.open.get(node)
            if link is not None:
                # A dead link that waits for settings says nothing of its node.
                must_live = must_live or link.synced_version != self.version.settings
                if must_live and not link.is_alive():
                    self._replace(link, _ENDED)
                    link = None
                elif link.expires_at < inf and self._is_over(link):
                    self.drop(link)
                    self._tell_replaced(link, "it was older than max_age")
                    link = None
                elif must_live and leads_elsewhere(self.core, link) and link.is_idle():
                    self._replace(link, _ELSEWHERE)
                    link = None
            if link is None:
                link = self._connected(node)
            if link.synced_version != self.version.settings:
                self._sync(link)
            return link

    def used_at(self, node: int) -> float:
        """Return when `node` last answered here."""
        link = self.open.get(node)
        return self.last_answered_at.get(node, 0.0) if link is None else link.used_at

    def drop(self, link: Link) -> None:
        """Forget a link that is of no more use, and close it. Once is enough."""
        try:
            self._drop(link)
        except BaseException:  # a signal's
            self._drop(link)
            raise

    def _drop(self, link: Link) -> None:
        with self._lock:
            if self.open.get(link.node.id) is link:
                self.last_answered_at[link.node.id] = link.used_at
                del self.open[link.node.id]
            self.version.links_changed()
            if self.pins:
                self.pins.lose(link.id)
        end(self.core, link)
        for holder in self._result_holders():
            holder.link_closed(link)

    def drop_dead(self, link: Link) -> None:
        """Forget a link that is found dead and was in use, and say so."""
        self.drop(link)
        OBSERVERS.emit(LinkLost(self.core.label(link.node), "the server closed it"))

    def adopt_reserved(self, slot: Slot, node: NodeConfig) -> None:
        """Take a link to `node`, in its `slot`, that was reserved for this connection
        before it was made."""
        link = borrowed(self.core, node, slot)
        link.owner = ref(self)
        self.open[node.id] = link
        slot.raw = slot.keeper = None  # only the link references it now

    def expire_old(self, now: float) -> None:
        """From another thread: have links that are too old looked at by `get` before
        their next statement."""
        for link in self:
            if link.expires_at < now:
                link.unsync()
                self.version.links_changed()

    def close(self, bound: Collection[Link] = ()) -> None:
        """Close every link, or give it back to its pool; `bound` are those that may
        have a transaction open. Raises nothing but what is the program's own; all links
        are closed then, too."""
        self._is_closed = True
        leaving = list(self)
        try:
            for link in leaving:
                self._leave(link, link in bound)
        except BaseException:  # a signal's
            self._drop_all(leaving)
            raise

    def _leave(self, link: Link, is_bound: bool) -> None:
        if link.slot is None or self.pins.has_unread(link.id):
            self.drop(link)
            return
        self._forget(link)
        for holder in self._result_holders():
            holder.detach_link(link)
        pool_of(self.core, link).give(link, is_bound)

    def _drop_all(self, links: Iterable[Link]) -> None:
        for link in links:
            self.drop(link)

    def collect(self) -> None:
        """Close every link, from a finalizer, which must not wait for anything: so no
        session is reset, and who waits for a place is served by the pool's upkeep."""
        for link in self:
            pool = None if link.slot is None else pool_of(self.core, link)
            slot, link.slot = link.slot, None
            self.drop(link)
            del slot  # its place is free with that
            if pool is not None:
                self.core.upkeep.post(pool.serve)

    @lets_go
    def cancel(self) -> None:
        """From another thread: cancel what runs on each link. Raises what the first
        driver raises that cannot."""
        failed: BaseException | None = None
        for link in (*self, *list(self.aside)):
            database = self.core.config.databases[link.node.database]
            try:
                link.cancel(database.connect_timeout_s)
            except Exception as exc:  # the others are cancelled all the same
                failed = failed or link.adapter.adopt(exc)
        if failed is not None:
            raise failed

    def abandon(self) -> None:
        """In a forked child: give up every link without a word to its server."""
        self._lock = threading.RLock()
        for link in self:
            link.adapter.abandon(link.raw)
            self.last_answered_at[link.node.id] = link.used_at
            self.pins.lose(link.id)
        self.open.clear()
        self.version.links_changed()

    def savepoint(self, name: str) -> None:
        """Remember what the transaction has set and made up to savepoint `name`."""
        self.settings.uncommitted.savepoint(name)
        self.pins.uncommitted.savepoint(name)

    def release(self, name: str) -> None:
        """Forget a savepoint, and those made since."""
        self.settings.uncommitted.release(name)
        self.pins.uncommitted.release(name)

    def rollback_to(self, name: str) -> None:
        """Undo what was set and made since savepoint `name`."""
        self.settings.uncommitted.rollback_to(name)
        self.pins.rollback_to(name)

    def check_lost(self, frontend: Adapter) -> None:
        """Raise, once, when something that lived on a link was lost with it."""
        if self.pins.lost:
            raise frontend.error_class(errors.OperationalError)(
                f"a link was lost, and with it what lived there: "
                f"{self.pins.pop_lost()}. Nothing was sent now; the connection can be "
                "used again, without them"
            )

    @property
    def pinned(self) -> tuple[Pin, ...]:
        """What lives on one of these links only."""
        nodes = self.core.nodes
        return tuple(
            Pin(held.obj.kind, held.obj.name or None, nodes[held.node].name)
            for held in self.pins
        )

    def _connect(self, node: NodeConfig) -> Link:
        if self._is_closed:  # by another thread, under a statement
            adapter = self.core.adapter(node)
            raise adapter.error_class(errors.InterfaceError)("the connection is closed")
        self._let_go(self.core.topology.groups[node.group])
        return connect(self.core, node, self.frontend_hooks)

    def _connected(self, node: int) -> Link:
        link = None
        try:
            link = self._connect(self.core.nodes[node])
            while link.server is not None and leads_elsewhere(self.core, link):
                # It comes from a pool, and the node leads to another server now.
                self.drop(link)
                link = self._connect(self.core.nodes[node])
            link.touch(self.last_answered_at.get(node, 0.0))  # what was seen, was seen
            link.owner = ref(self)
            self.open[node] = link
            self.on_mode_change()
            return link
        except BaseException:
            if link is not None:
                self.drop(link)
            raise

    def forget_lexical_modes(self) -> None:
        """What has run may have changed how sessions read quotes."""
        for link in self:
            if link.raw is not None:  # else it was given back meanwhile
                link.adapter.forget_lexical_mode(link.raw)
        self.on_mode_change()

    def _is_over(self, link: Link) -> bool:
        """Tell whether a link is too old, and nothing keeps it."""
        is_old = link.expires_at < self.core.clock()
        return is_old and not self.pins.must_keep(link.id) and link.is_idle()

    def _forget(self, link: Link) -> None:
        with self._lock:
            self.open.pop(link.id, None)
            self.version.links_changed()

    def _result_holders(self) -> list[ResultHolder]:
        return [holder for known in list(self.result_holders) if (holder := known())]

    def _let_go(self, view: GroupView) -> None:
        """Close idle links to nodes that have left the group."""
        gone = []
        for node in view.nodes:
            if node.state is NodeState.GONE:
                gone.append(node.id)
        for link in self if gone else ():
            is_held = any(held.node == link.id for held in self.pins)
            if link.id in gone and not is_held and link.is_idle():
                self.drop(link)

    def _replace(self, link: Link, why: str) -> None:
        """Drop an idle link that is of no more use; say so when something that lived on
        it is lost. `why`: what is told of it."""
        self.drop(link)
        self._tell_replaced(link, f"it {why}")
        if self.pins.lost:
            raise link.adapter.error_class(errors.OperationalError)(
                f"the idle link to {link.node.name} {why}, and with it is lost what "
                f"lived there: {self.pins.pop_lost()}. Nothing was sent; the "
                "connection can be used again, without them"
            )

    def _tell_replaced(self, link: Link, why: str) -> None:
        OBSERVERS.emit(LinkReplaced(self.core.label(link.node), why))

    def _sync(self, link: Link) -> None:
        """Bring settings and transaction mode up to date. Outside transactions only."""
        version = self.version.settings
        missing: Sequence[Setting] = ()
        log = self.settings
        if log.version and link.settings_version != log.version:
            missing = self.settings.since(
                link.node.engine, link.node.database, link.settings_version
            )
        try:
            if link.server is None and link.adapter.tells_server:
                identify(self.core, link)
            if missing:
                link.set_mode(AUTOCOMMIT)
                link.adapter.forget_lexical_mode(link.raw)
                link.ask(_replay, link.adapter, missing)
            link.settings_version = self.settings.version
            if link.mode != self.mode:
                link.set_mode(self.mode)
        except Exception as exc:
            if link.adapter.fault(exc, link.raw) is Fault.LINK_LOST:
                self.drop(link)
                OBSERVERS.emit(LinkLost(self.core.label(link.node), explain(exc)))
            raise
        link.synced_version = version


def _replay(raw: Raw, adapter: Adapter, settings: Iterable[Setting]) -> None:
    cursor = adapter.cursor(raw)
    for setting in settings:
        if setting.params is None:
            cursor.execute(setting.sql)
        else:
            cursor.execute(setting.sql, setting.params)
    cursor.close()
