"""Connections and cursors for users, as PEP 249 and each driver define them.

`connection` and `cursor` are what all have; `base` is what those that follow a driver
have in common; `psycopg2`, `mysqlclient` and `sqlite3` are one driver's each. Users'
calls come in here and go to `routedb.engine`: each connection has a session of its own.
"""
