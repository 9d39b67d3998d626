"""The faults that the errors of MySQL and MariaDB report."""

from __future__ import annotations

from typing import Any

from routedb.errors import Fault
from routedb.session.fence import is_fence_text

_SIGNALLED = 1644  # by SIGNAL
_PREVENTED = 1290  # an option prevents the statement: the text names it

# Error numbers, MySQL manual "Server Error Message Reference" and "Client Error …".
_NUMBERS = {
    2006: Fault.LINK_LOST,  # server has gone away
    2013: Fault.LINK_LOST,  # lost connection during query
    2026: Fault.LINK_LOST,  # TLS error
    2055: Fault.LINK_LOST,  # lost connection, with the system's error
    4031: Fault.LINK_LOST,  # disconnected after wait_timeout (MySQL 8)
    1053: Fault.LINK_LOST,  # server shutdown in progress
    1927: Fault.LINK_LOST,  # connection was killed (MariaDB)
    1080: Fault.LINK_LOST,  # forcing close of thread
    2002: Fault.REFUSED,  # cannot connect, socket
    2003: Fault.REFUSED,  # cannot connect, TCP
    2005: Fault.REFUSED,  # unknown host
    _PREVENTED: Fault.NODE_READ_ONLY,  # running with --read-only
    1836: Fault.NODE_READ_ONLY,  # running in read-only mode
    1146: Fault.MISSING,  # no such table
    1054: Fault.MISSING,  # unknown column
    1305: Fault.MISSING,  # no such function
    1049: Fault.MISSING,  # unknown database
    1044: Fault.MISSING,  # access denied: to a database,
    1142: Fault.MISSING,  # … a table,
    1143: Fault.MISSING,  # … a column,
    1370: Fault.MISSING,  # … a function
    1153: Fault.TOO_LARGE,  # beyond max_allowed_packet
    1040: Fault.OVERLOAD,  # too many connections
    1203: Fault.OVERLOAD,  # … of this user
    1226: Fault.OVERLOAD,  # resource limit of this user
    1205: Fault.TIMEOUT,  # lock wait timeout
    3024: Fault.TIMEOUT,  # max_execution_time exceeded (MySQL)
    1969: Fault.TIMEOUT,  # max_statement_time exceeded (MariaDB)
    1317: Fault.TIMEOUT,  # query execution was interrupted
    1213: Fault.CONFLICT,  # deadlock: the server has rolled the transaction back
    1020: Fault.CONFLICT,  # record has changed since last read (MariaDB)
}

# 2013 while connecting: the server closed before its greeting, as one does that is
# starting or has been stopped by SIGSTOP.
_AT_CONNECT = {
    2013: Fault.REFUSED,
    2006: Fault.REFUSED,
    1053: Fault.NODE_STARTING,
    1044: Fault.STATEMENT,  # access denied to this user, or no such database
    1049: Fault.STATEMENT,
}

LOST = 2013

OUT_OF_SYNC = 2014  # rows of the last result are still to be read

NO_SUCH_THREAD = 1094

IN_TRANSACTION = 1568  # transaction characteristics can't be changed now


def fault_of_number(number: Any, message: object, is_connecting: bool) -> Fault:
    """Return the fault of an error `number`; the statement's own errors are STATEMENT.

    `message` is the server's text. `is_connecting`: it was raised by connecting.
    """
    if is_connecting and number in _AT_CONNECT:
        return _AT_CONNECT[number]
    if number == _PREVENTED and "read-only" not in str(message):
        return Fault.STATEMENT  # another option, --secure-file-priv say
    if number == _SIGNALLED and is_fence_text(str(message)):
        return Fault.MOVED
    return _NUMBERS.get(number, Fault.STATEMENT)
