"""Watching the nodes: who is writer, who is away, who is behind.

Threads (`workers`) probe each node at `intervals`, over connections of their own, and
ask Patroni for the members of a group (`discovery`). In come a configuration and what
sessions wait for; out go events, which change the snapshot.
"""

from __future__ import annotations

from routedb.monitor.monitor import Monitor
from routedb.monitor.probe_once import ask_once, probe_once, timed_probe

__all__ = ["Monitor", "ask_once", "probe_once", "timed_probe"]
