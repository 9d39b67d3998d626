"""Django's backend for SQLite, with connections of routedb.

`ENGINE = "routedb.integrations.django.sqlite3"` makes Django import `base`,
where its own backend is subclassed.
"""
