"""`ENGINE = "routedb.integrations.django.mysql"`."""
