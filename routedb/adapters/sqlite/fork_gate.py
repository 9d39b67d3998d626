"""The gate that keeps a fork out of SQLite.

It opens and closes files, and counts its memory, under mutexes of the process. A fork
while another thread holds one leaves it locked in the child: it hangs in its first
`sqlite3.connect`, and so it does with the sqlite3 module alone. What the adapter does
passes the gate; statements of programs run under the lock of their link.
"""

from __future__ import annotations

from routedb.adapters.fork_gate import ForkGate, local_locks

fork_gate = ForkGate(bound_s=5.0, locks=local_locks)
