"""One node under watch: its link, and one probe of it at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from routedb.adapters.base import Adapter, Raw
from routedb.config.mask import mask
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.events import NodeAnswered, NodeFailed
from routedb.monitor.probe import ask
from routedb.topology.snapshot import Answer, NodeView

Publish = Callable[[NodeAnswered | NodeFailed], None]


class Watch:
    """Probe one node over a link of its own and publish what came of it.

    `probe` and `rest` belong to the thread that watches this node; `expire` and
    `interrupt` may come from any other. `see` returns the node as the snapshot shows
    it. A probe is *under way* from its begin until it has ended or expired, whichever
    is first, and only that first one publishes.
    """

    def __init__(
        self,
        node: NodeConfig,
        adapter: Adapter,
        timeout_s: float,
        publish: Publish,
        see: Callable[[], NodeView],
        clock: Callable[[], float],
    ) -> None:
        self.node = node
        self.timeout_s = timeout_s
        self._adapter = adapter
        self._publish = publish
        self._see = see
        self._clock = clock
        self._lock = threading.Lock()  # guards the fields below
        self._raw: Raw | None = None
        self._deadline: float | None = None  # of the probe under way
        self._generation = 0  # the node's when that probe began

    @property
    def deadline(self) -> float | None:
        """When the probe under way expires, on the clock; None when none is."""
        return self._deadline

    def probe(self) -> None:
        """Ask the node once and publish its answer, or that there was none."""
        generation = self._see().generation
        with self._lock:
            self._generation = generation
            self._deadline = self._clock() + self.timeout_s
        try:
            answer, asked_at = self._ask()
        except Exception as exc:  # whatever it was: the node could not be asked
            fault = self._adapter.fault(exc, self._raw)
            self.rest()
            event = NodeFailed(self.node.id, generation, _reason(exc), fault)
            self._end(event)
        else:
            self._end(NodeAnswered(self.node.id, generation, answer, asked_at))

    def rest(self) -> None:
        """Close the link; the next probe opens one."""
        with self._lock:
            raw, self._raw = self._raw, None
        if raw is not None:
            self._adapter.close(raw)

    def expire(self) -> None:
        """Give up the probe under way if its time is over, and publish that."""
        with self._lock:
            if self._deadline is None or self._clock() < self._deadline:
                return
            self._deadline = None
            generation = self._generation
            self._shut_down()
        reason = f"no answer within {self.timeout_s:g} s"
        self._publish(NodeFailed(self.node.id, generation, reason, Fault.TIMEOUT))

    def interrupt(self) -> None:
        """End the probe under way without a word, to free its thread."""
        with self._lock:
            if self._deadline is not None:
                self._deadline = None
                self._shut_down()

    def abandon(self) -> None:
        """In a forked child: give up the link, which the parent goes on using."""
        if self._raw is not None:
            self._adapter.abandon(self._raw)
            self._raw = None

    def _shut_down(self) -> None:
        # Inside the lock: once it is released the owner may close the link, and its
        # socket's number may belong to somebody else's socket.
        if self._raw is not None:
            self._adapter.interrupt(self._raw)

    def _ask(self) -> tuple[Answer, float]:
        """Ask over the link there is; when that fails over it, over a new one. Return
        also when the question was sent.

        An operator may have ended the monitor's session, or a firewall an idle one:
        that the link is lost does not say that the node is.
        """
        if self._raw is not None:
            if self._adapter.is_alive(self._raw):
                asked_at = self._clock()
                try:
                    return ask(self._raw, self._adapter), asked_at
                except Exception:
                    if self._deadline is None:
                        raise
            self.rest()
        raw = self._open()
        asked_at = self._clock()
        return ask(raw, self._adapter), asked_at

    def _open(self) -> Raw:
        raw = self._adapter.connect_apart(self.node, self.timeout_s)
        with self._lock:
            if self._deadline is not None:
                self._raw = raw
                return raw
        # Nobody would interrupt a question that is asked after the deadline.
        self._adapter.close(raw)
        raise TimeoutError(f"{self.node.name} took too long to connect")

    def _end(self, event: NodeAnswered | NodeFailed) -> None:
        with self._lock:
            is_under_way = self._deadline is not None
            self._deadline = None
        if is_under_way:
            self._publish(event)


def _reason(exc: Exception) -> str:
    text = mask(str(exc)).strip() or "no reason given"
    return f"{type(exc).__name__}: {text}"
