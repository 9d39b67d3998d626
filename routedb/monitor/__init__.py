"""Watching the nodes: who is writer, who is away, who is behind."""

from __future__ import annotations

from routedb.monitor.monitor import Monitor
from routedb.monitor.probe_once import probe_once

__all__ = ["Monitor", "probe_once"]
