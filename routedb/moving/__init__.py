"""Moving tables between databases: what is decided without asking any server.

Phases as a table, types of one engine in another, definitions of tables, the texts that
read, note, fence and compare rows. `routedb.mover` asks the servers and does the work.
"""
