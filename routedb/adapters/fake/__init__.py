"""A scripted driver, for the tests of routedb and of those who use it. No I/O.

A `Server` is what the DSN `fake://name` connects to. It answers and fails as scripted,
and keeps a log of what reached it:

    >>> import routedb
    >>> from routedb.adapters import fake
    >>> with fake.Server("db1") as db1:
    ...     db1.answer("SELECT", rows=[("Ada",)], columns=["name"])
    ...     with routedb.connect("fake://db1", autocommit=True) as conn:
    ...         cur = conn.cursor()
    ...         cur.execute("SELECT name FROM person WHERE id = %s", (1,))
    ...         cur.fetchone()
    ...     db1.texts
    ('Ada',)
    ['SELECT name FROM person WHERE id = %s']

`errors` has what such a driver raises, `server` the servers with their links and
cursors, `adapter` what routedb needs to know of them.
"""

from __future__ import annotations

from routedb.adapters.fake.adapter import ADAPTER, FakeAdapter
from routedb.adapters.fake.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,  # noqa: A004
)
from routedb.adapters.fake.server import (
    MOST_LOGGED,
    SERVERS,
    Cursor,
    Entry,
    Failure,
    Link,
    Reply,
    Server,
)

__all__ = [
    "ADAPTER",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Entry",
    "Error",
    "Failure",
    "FakeAdapter",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "Link",
    "MOST_LOGGED",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Reply",
    "SERVERS",
    "Server",
    "Warning",
]
