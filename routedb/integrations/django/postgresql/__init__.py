"""Django's backend for PostgreSQL, with connections of routedb.

`ENGINE = "routedb.integrations.django.postgresql"` makes Django import `base`,
where its own backend is subclassed.
"""
