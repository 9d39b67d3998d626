"""The faults that the errors of PostgreSQL and of libpq report."""

from __future__ import annotations

from routedb.errors import Fault
from routedb.session.fence import FENCED

READ_ONLY = "25006"  # read_only_sql_transaction: of a replica, or by SET
# SQLSTATE, PostgreSQL manual appendix A. Whole codes are looked up first, then classes.
_CODES = {
    READ_ONLY: Fault.NODE_READ_ONLY,
    "40001": Fault.CONFLICT,  # serialization_failure; recovery conflict on a replica
    "40P01": Fault.CONFLICT,  # deadlock_detected
    "42P01": Fault.MISSING,  # undefined_table
    "42703": Fault.MISSING,  # undefined_column
    "42883": Fault.MISSING,  # undefined_function
    "42704": Fault.MISSING,  # undefined_object: a type, say
    "3F000": Fault.MISSING,  # invalid_schema_name
    "42501": Fault.MISSING,  # insufficient_privilege
    "53300": Fault.OVERLOAD,  # too_many_connections
    "53400": Fault.OVERLOAD,
    "55P03": Fault.TIMEOUT,  # lock_not_available
    "57014": Fault.TIMEOUT,  # query_canceled
    "57P01": Fault.LINK_LOST,  # admin_shutdown
    "57P02": Fault.LINK_LOST,  # crash_shutdown
    "57P03": Fault.NODE_STARTING,  # cannot_connect_now
    "57P05": Fault.LINK_LOST,  # idle_session_timeout
    "25P03": Fault.LINK_LOST,  # idle_in_transaction_session_timeout
    FENCED: Fault.MOVED,
}
_CLASSES = {"08": Fault.LINK_LOST}

# A failed connect has no SQLSTATE in psycopg2, only libpq's text. Each line: fragment
# and fault, the first that fits. What no line names is a node that cannot be reached.
_AT_CONNECT = (
    ("the database system is starting up", Fault.NODE_STARTING),
    ("the database system is shutting down", Fault.NODE_STARTING),
    ("the database system is in recovery mode", Fault.NODE_STARTING),
    ("the database system is not yet accepting", Fault.NODE_STARTING),
    ("too many clients", Fault.OVERLOAD),
    ("remaining connection slots", Fault.OVERLOAD),
    ("too many connections", Fault.OVERLOAD),
    # The node answers and refuses this user: another node would refuse as well.
    ("authentication failed", Fault.STATEMENT),
    ("no password supplied", Fault.STATEMENT),
    ("does not exist", Fault.STATEMENT),
    ("no pg_hba.conf entry", Fault.STATEMENT),
    ("permission denied", Fault.STATEMENT),
    ("is not permitted to log in", Fault.STATEMENT),
    ("invalid connection option", Fault.STATEMENT),
    ("invalid dsn", Fault.STATEMENT),
    ("definition of service", Fault.STATEMENT),
    ("invalid integer value", Fault.STATEMENT),
    ("invalid port number", Fault.STATEMENT),
    ("invalid sslmode value", Fault.STATEMENT),
)


def fault_of_sqlstate(code: str) -> Fault | None:
    """Return the fault of a SQLSTATE, None for the statement's own errors."""
    return _CODES.get(code) or _CLASSES.get(code[:2])


def fault_at_connect(text: str) -> Fault:
    """Return the fault of libpq's text for a connection that could not be opened."""
    text = text.lower()
    return next((f for part, f in _AT_CONNECT if part in text), Fault.REFUSED)
