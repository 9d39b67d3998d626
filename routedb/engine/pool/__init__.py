"""Pools: links that outlive the connections that use them. One for each node.

    states     the states of a slot, as a table
    slots      which borrower gets which slot: decisions only
    pool       one node's pool: the slots under a lock, and the I/O outside it
    refcount   whether anything still references what was given back
    pools      all pools of a runtime, and their upkeep
    upkeep     the thread that does it

A virtual connection borrows a link at its first use of a node and gives it back when it
is closed.
"""
