"""Pools: links that outlive the connections that use them. One for each node.

    states     what a place in a pool goes through, as a table
    book       who gets which place: decisions only
    pool       one node's pool: the book under a lock, and what must be done outside it
    holding    whether somebody still holds what was given back
    pools      all pools of a runtime, and what their upkeep does
    upkeep     the thread that does it

A virtual connection borrows a link at its first use of a node and gives it back when it
is closed.
"""
