"""What `connection.info` says of a transaction that no backend has."""

from __future__ import annotations

from typing import Any

from psycopg2 import extensions as ext


class Unbound(ext.ConnectionInfo):
    """psycopg2's ConnectionInfo of the identity handle, while the transaction waits for
    its first statement, or is lost: `psycopg2.pool` looks here to see whether there is
    one to be rolled back before the next user gets the connection."""

    def __init__(self, face: Any) -> None:
        super().__init__(face)
        self._face = face

    @property
    def transaction_status(self) -> int:
        """libpq's transaction status, of the virtual connection."""
        return int(self._face.get_transaction_status())
