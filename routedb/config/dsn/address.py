"""The content of one DSN, and the error for a malformed one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Address(NamedTuple):
    """One DSN, read. `where` is what its node is named by: host, port, dbname …"""

    engine: str
    dsn: str  # the value of NodeConfig.dsn
    where: Mapping[str, Any]
    options: Mapping[str, Any] = {}
    is_read_only: bool = False


class MalformedError(Exception):
    """A DSN that cannot be right. The text says what is allowed and shows nothing of
    the DSN: any part of it may be a password, or come from a variable."""
