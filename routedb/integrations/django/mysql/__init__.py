"""Django's backend for MySQL and MariaDB, with connections of routedb.

`ENGINE = "routedb.integrations.django.mysql"` makes Django import `base`,
where its own backend is subclassed.
"""
