"""Django's backend of routedb, whose test databases have their tables dealt."""
