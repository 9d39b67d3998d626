"""What adapters do without a server: SQLite, the fake, kinds of faults."""
