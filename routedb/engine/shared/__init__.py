"""What all connections of one configuration share.

The snapshot of the nodes and who waits for its news, the registries of nodes and of
open links, and the wording of errors. In come events, from the monitor and from
statements; out goes the snapshot that every statement is decided by.
"""
