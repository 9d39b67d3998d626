"""`ENGINE = "routedb.integrations.django.postgresql"`."""
