"""routedb in programs and frameworks that were written for a driver."""
