"""Makes keys for rows, and lends numbers to who makes them.

What of it is for programs is in `routedb.ids`.
"""
