"""`ENGINE = "routedb.integrations.django.sqlite3"`."""
