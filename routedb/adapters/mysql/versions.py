"""Which server it is, by the version that it sends when a connection is opened."""

from __future__ import annotations


def is_mariadb(server: str) -> bool:
    """Tell MariaDB from MySQL, by the server's version as it reports it."""
    return "mariadb" in server.lower()


def version_of(server: str) -> tuple[int, int]:
    """Return the first two numbers of a server's version."""
    numbers = server.removeprefix("5.5.5-").split(".")
    return int(numbers[0]), int(numbers[1])
