"""The links of one virtual connection: a node is found, a link opened and kept ready.

In comes a group and a role; out goes a `Link` with the session's settings and mode.
`find_node` chooses and waits, `links` keeps one for each node, `open_link` opens a link
or borrows it from the node's pool.
"""
