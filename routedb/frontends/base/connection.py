"""What the connections of all frontends have in common."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from routedb.adapters.base import Adapter, Raw, TxMode
from routedb.adapters.translate import NAMES
from routedb.config.model import NodeConfig
from routedb.engine.pool.pool import Pool
from routedb.engine.pool.refcount import OwnRef
from routedb.engine.pool.slots import Slot
from routedb.engine.shared.core import Core
from routedb.frontends.connection import Connection
from routedb.routing import database_for

Made = TypeVar("Made", bound=Connection)


class DriverConnection(Connection):
    """A virtual connection that is used as one driver's are.

    It opens its links to that driver's servers itself. Its exceptions are routedb's and
    those of the `driver` that a subclass names: every error is an instance of both.

    `adapter` is the driver's, `mode` how transactions run, and `on_close` is called
    with the connection when it is closed. `core` is what the connections of a runtime
    share.
    """

    def __init_subclass__(cls, driver: ModuleType | None = None) -> None:
        super().__init_subclass__()
        if driver is not None:
            for name in ("Warning", *NAMES):
                setattr(cls, name, getattr(driver, name))

    def __init__(
        self,
        core: Core,
        adapter: Adapter,
        mode: TxMode,
        on_close: Callable[[Connection], None],
    ) -> None:
        Connection.__init__(self, core, adapter, mode, on_close)
        self._adapter = adapter
        self._database = database_for(core.config, None)
        self.session.links.frontend_hooks[adapter.engine] = _Host(self)

    def open_link(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a raw connection to `node` within about `timeout_s` seconds."""
        return self._adapter.connect(node, timeout_s)

    def configure_raw(self, raw: Raw, node: NodeConfig) -> None:
        """Set on `raw`, a connection to `node`, what was set on this one."""

    def borrow_from(
        self, pool: Pool, node: NodeConfig, open_: Callable[[], Raw]
    ) -> Slot:
        """Return a slot of `pool`, that of `node`, with a link in it: an idle one, or
        one opened by `open_`."""
        return pool.borrow(None, open_)

    def raw_connections(self) -> list[Raw]:
        """Return the open raw connections of this driver."""
        links = self.usable_session().links
        return [link.raw for link in links if link.adapter is self._adapter]

    def call_driver(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Return `call(*args, **more)`, a call of the driver's; its errors become
        routedb's too."""
        try:
            return call(*args, **more)
        except self.Error as exc:
            raise self._adapter.adopt(exc)  # noqa: B904  (the same exception)


def opened(made: Made, on_open: Callable[[Connection], None]) -> Made:
    """Return the connection `made`, of which `on_open` was told; it is closed when that
    raises something."""
    try:
        on_open(made)
        return made
    except BaseException:
        Connection.close(made)
        raise


class _Host:
    """The hooks of the frontend for its links, which reference it weakly."""

    __slots__ = ("_connection",)

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = OwnRef(connection)

    def open_link(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a raw connection."""
        return self._alive().open_link(node, timeout_s)

    def configure_raw(self, raw: Raw, node: NodeConfig) -> None:
        """Set on a raw connection what was set on the frontend."""
        self._alive().configure_raw(raw, node)

    def borrow_from(
        self, pool: Pool, node: NodeConfig, open_: Callable[[], Raw]
    ) -> Slot:
        """Borrow a link of a pool, or open one in it."""
        return self._alive().borrow_from(pool, node, open_)

    def _alive(self) -> DriverConnection:
        connection = self._connection()
        assert connection is not None  # its links do not outlive it
        return connection
