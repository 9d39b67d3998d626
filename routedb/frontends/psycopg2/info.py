"""`connection.info` while the transaction has no backend."""

from __future__ import annotations

from typing import Any

from psycopg2 import extensions as ext


class UnboundInfo(ext.ConnectionInfo):
    """psycopg2's ConnectionInfo of the identity handle, while the transaction waits for
    its first statement, or is lost: `psycopg2.pool` reads it to find whether there is
    one to be rolled back before the next user gets the connection."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._connection = connection

    @property
    def transaction_status(self) -> int:
        """libpq's transaction status, of the virtual connection."""
        return int(self._connection.get_transaction_status())
