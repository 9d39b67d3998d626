"""A DB-API 2.0 driver that sends each SQL statement to the right real database.

    import routedb

    conn = routedb.connect(["postgresql://app@db1/shop", "postgresql://app@db2/shop"])

See README.rst; DESIGN vocabulary: a cluster has databases, a database has groups (its
shards), a group has nodes (a writer and its replicas), a connection has links to them.
"""

from __future__ import annotations

from routedb.config.model import ClusterConfig
from routedb.connection import Connection
from routedb.cursor import Cursor
from routedb.dbapi import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
    apilevel,
    paramstyle,
    threadsafety,
)
from routedb.engine.explain import Explanation
from routedb.errors import (
    ConfigError,
    CrossDatabaseError,
    DatabaseError,
    DataError,
    Error,
    HintError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NoNodeError,
    NotSupportedError,
    OperationalError,
    OutcomeUnknown,
    ProgrammingError,
    ReadOnlyError,
    ShardError,
    SplitBrain,
    TransactionLost,
    UnknownTableError,
    Warning,  # noqa: A004  (the name is PEP 249's)
)
from routedb.routing import Reason, Route
from routedb.runtime import Cluster, connect
from routedb.sql import Statement, classify

__version__ = "0.1.0"

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Cluster",
    "ClusterConfig",
    "ConfigError",
    "Connection",
    "CrossDatabaseError",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "Explanation",
    "HintError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NoNodeError",
    "NotSupportedError",
    "OperationalError",
    "OutcomeUnknown",
    "ProgrammingError",
    "ReadOnlyError",
    "Reason",
    "Route",
    "ShardError",
    "SplitBrain",
    "Statement",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "TransactionLost",
    "UnknownTableError",
    "Warning",
    "apilevel",
    "classify",
    "connect",
    "paramstyle",
    "threadsafety",
]
