"""One probe of a node: what the monitor and `routedb check` send."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from routedb.adapters.base import Adapter, Raw
from routedb.config.model import NodeConfig
from routedb.topology.snapshot import Answer


def timed_probe(raw: Raw, adapter: Adapter) -> Answer:
    """Probe over `raw`, an open connection of `adapter`, and measure the latency."""
    began = time.perf_counter()
    answer = adapter.probe(raw)
    return answer._replace(latency_s=time.perf_counter() - began)


T = TypeVar("T")


def probe_once(node: NodeConfig, adapter: Adapter, timeout_s: float) -> Answer:
    """Open a link to `node` by its `adapter`, probe it, close the link.

    Opening and probing may take `timeout_s` seconds each. Raises what the driver
    raises; a node that accepts and never answers becomes a lost link after that time.
    """
    return ask_once(node, adapter, timeout_s, lambda raw: timed_probe(raw, adapter))


def ask_once(
    node: NodeConfig, adapter: Adapter, timeout_s: float, ask: Callable[[Raw], T]
) -> T:
    """Return what `ask` finds out over a link to `node`, opened by its `adapter` for
    that. `timeout_s`, and what is raised, are as for `probe_once`."""
    raw = adapter.connect(node, timeout_s)
    alarm = threading.Timer(timeout_s, adapter.interrupt, [raw])
    alarm.daemon = True
    alarm.start()
    try:
        return ask(raw)
    finally:
        # Cancelled before the link closes: the timer must not shut down a socket that
        # by then has the same descriptor and another owner.
        alarm.cancel()
        adapter.close(raw)
