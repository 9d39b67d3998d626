"""A DB-API 2.0 driver that sends each SQL statement to the right real database."""

__version__ = "0.1.0"
