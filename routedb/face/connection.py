"""What the connections of all faces have in common."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any
from weakref import ref

from routedb.adapters.base import Adapter, Raw, TxMode
from routedb.adapters.translate import NAMES
from routedb.config.model import NodeConfig
from routedb.connection import Connection
from routedb.engine.core import Core
from routedb.engine.links import Opener
from routedb.routing import database_for


class Faced(Connection):
    """A virtual connection that is used as one driver's are.

    It opens its links to that driver's servers itself, and shows the exceptions of the
    `driver` that a subclass names: what the driver raises is ours as well, and what is
    ours, is the driver's as well.
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
        leave: Callable[[Connection], None],
    ) -> None:
        Connection.__init__(self, core, adapter, mode, leave)
        self._adapter = adapter
        self._database = database_for(core.config, None)
        self.dispatcher.links.openers[adapter.engine] = _opener(ref(self))

    def open_link(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a raw connection to a server of this driver's."""
        return self._adapter.connect(node, timeout_s)

    def raws(self) -> list[Raw]:
        """Return the open raw connections of this driver."""
        links = self.usable().links
        return [link.raw for link in links if link.adapter is self._adapter]

    def guarded(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Call the driver; its errors become routedb's too."""
        try:
            return call(*args, **more)
        except self.Error as exc:
            raise self._adapter.adopt(exc)  # noqa: B904  (the same exception)


def _opener(connection: ref[Faced]) -> Opener:
    """Return how the links of a connection open their raw ones."""

    def opener(node: NodeConfig, timeout_s: float) -> Raw:
        face = connection()
        assert face is not None  # its links live no longer than itself
        return face.open_link(node, timeout_s)

    return opener
