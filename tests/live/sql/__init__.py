"""What real servers say of the lists in `routedb.sql`."""
