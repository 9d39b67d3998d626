"""A DB-API 2.0 driver that sends each SQL statement to the right real database.

    import routedb

    conn = routedb.connect(["postgresql://app@db1/shop", "postgresql://app@db2/shop"])

See README.rst. A cluster has databases, a database has groups (its shards), a group has
nodes (a writer and its replicas), and a connection has links to them.

What needs the engine is imported at its first use, so that `import routedb` costs a
program that may never connect next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    PoolTimeout,
    ProgrammingError,
    ReadOnlyError,
    ShardError,
    SplitBrain,
    TransactionLost,
    UnknownTableError,
    Warning,  # noqa: A004  (the name is PEP 249's)
)

if TYPE_CHECKING:
    from routedb.cluster import Cluster
    from routedb.config.model import ClusterConfig
    from routedb.engine.plans.tally import Line, Report
    from routedb.engine.route.explain import Explanation
    from routedb.frontends.connection import Connection
    from routedb.frontends.cursor import Cursor
    from routedb.integrations.patch import patch
    from routedb.observers import Subscription, observe
    from routedb.reports import report, status
    from routedb.routing.route import Reason, Route
    from routedb.run_transaction import run
    from routedb.runtime import connect
    from routedb.session.pins import Pin
    from routedb.sql import Statement, classify
    from routedb.topology.status import ClusterStatus, NodeStatus

__version__ = "0.1.0"

# Name -> the module it comes from, when it is first asked for.
_LATER = {
    "Cluster": "routedb.cluster",
    "ClusterConfig": "routedb.config.model",
    "Connection": "routedb.frontends.connection",
    "Cursor": "routedb.frontends.cursor",
    "Explanation": "routedb.engine.route.explain",
    "Line": "routedb.engine.plans.tally",
    "Pin": "routedb.session.pins",
    "ClusterStatus": "routedb.topology.status",
    "NodeStatus": "routedb.topology.status",
    "Reason": "routedb.routing.route",
    "Report": "routedb.engine.plans.tally",
    "Route": "routedb.routing.route",
    "Statement": "routedb.sql",
    "Subscription": "routedb.observers",
    "classify": "routedb.sql",
    "connect": "routedb.runtime",
    "observe": "routedb.observers",
    "patch": "routedb.integrations.patch",
    "report": "routedb.reports",
    "run": "routedb.run_transaction",
    "status": "routedb.reports",
}


if not TYPE_CHECKING:  # type checkers would take every name for ours

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module 'routedb' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        return value


def __dir__() -> list[str]:
    return __all__


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
    "Line",
    "NoNodeError",
    "ClusterStatus",
    "NodeStatus",
    "NotSupportedError",
    "OperationalError",
    "OutcomeUnknown",
    "PoolTimeout",
    "Pin",
    "ProgrammingError",
    "ReadOnlyError",
    "Reason",
    "Report",
    "Route",
    "ShardError",
    "SplitBrain",
    "Statement",
    "Subscription",
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
    "observe",
    "patch",
    "report",
    "run",
    "status",
    "threadsafety",
]
