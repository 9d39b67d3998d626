"""What a session has seen of each group, and which nodes are known to hold it.

In come what links have shown and written; out go the replicas that may answer a read.
`tracker` keeps the read states by the rule of `routedb.session.read_state`, `catch_up`
asks servers where samples do not tell, `tokens` carries it to other processes.
"""
