"""The gate that keeps a fork out of SQLite.

It opens and closes files, and counts its memory, under mutexes of the process. A fork
while another thread (a monitor) holds one would leave it locked in the child.
"""

from __future__ import annotations

from routedb.adapters.fork_gate import ForkGate

fork_gate = ForkGate(bound_s=5.0)
