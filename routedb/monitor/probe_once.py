"""Ask a node who it is: the one question behind the monitor and `routedb check`."""

from __future__ import annotations

import threading
import time

from routedb.adapters.base import Adapter, Raw
from routedb.config.model import NodeConfig
from routedb.topology.snapshot import Answer


def timed_probe(raw: Raw, adapter: Adapter) -> Answer:
    """Probe over an open link and measure how long the answer took."""
    began = time.perf_counter()
    answer = adapter.probe(raw)
    return answer._replace(latency_s=time.perf_counter() - began)


def probe_once(node: NodeConfig, adapter: Adapter, timeout_s: float) -> Answer:
    """Open a link, ask once, close it.

    Opening and asking may take `timeout_s` each. Raises what the driver raises; a node
    that accepts and never answers becomes a lost link when its time is over.
    """
    raw = adapter.connect(node, timeout_s)
    alarm = threading.Timer(timeout_s, adapter.interrupt, [raw])
    alarm.daemon = True
    alarm.start()
    try:
        return timed_probe(raw, adapter)
    finally:
        # Cancelled before the link closes: an alarm must not shut down a socket that
        # by then has the same number and another owner.
        alarm.cancel()
        adapter.close(raw)
