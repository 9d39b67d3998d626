"""Pools: links that outlive the connections that use them. One for each node.

`states` has the moves of a slot as a table, `slots` decides who gets which, `pool` does
that under a lock and what follows outside it; `refcount` tells whether somebody still
holds what was given back. `pools` has those of a runtime, `upkeep` is the thread that
tends them. A virtual connection borrows a link at its first use of a node, and gives it
back when it is closed.
"""
