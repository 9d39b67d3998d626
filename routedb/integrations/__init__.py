"""What fits routedb to programs and frameworks that were written for a driver."""
