"""Probes of the nodes: which is the writer, which are away, which lag."""

from __future__ import annotations

from routedb.monitor.monitor import Monitor
from routedb.monitor.probe_once import probe_once

__all__ = ["Monitor", "probe_once"]
