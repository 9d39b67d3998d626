"""Watching the nodes: who is writer, who is away, who is behind."""

from __future__ import annotations

from routedb.monitor.monitor import Monitor
from routedb.monitor.probe import probe

__all__ = ["Monitor", "probe"]
