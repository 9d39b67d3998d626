"""The exceptions that routedb raises: PEP 249's tree, and leaves of our own.

A leaf exists only where a caller would act differently. A driver's exception stays
what it was: the adapter adds the class of the same PEP 249 name to it, so `except
routedb.IntegrityError` and the driver's own class both catch it (docs/architecture.rst,
Errors).
"""

from __future__ import annotations

from enum import Enum
from typing import Any


class Warning(Exception):  # noqa: A001  (the name is PEP 249's)
    """Say that something important happened, such as data cut short (PEP 249)."""


class Error(Exception):
    """Root of every error that a database operation raises (PEP 249).

    `retry_is_safe` is True when nothing of the transaction has happened, or will, and
    running the whole of it again, after rollback(), may succeed. A driver's error has
    it set where that is so: a deadlock, a serialization failure, a refused connection.
    `attempts` are those that `routedb.run()` has made. `is_repeated`: it says once more
    what the program was told before, so observers are not.
    """

    retry_is_safe = False
    is_repeated = False
    attempts: tuple[Any, ...] = ()


class InterfaceError(Error):
    """The interface was used wrongly: a closed cursor, a bad argument (PEP 249)."""


class DatabaseError(Error):
    """An error of the database (PEP 249)."""


class DataError(DatabaseError):
    """The data were the problem: out of range, division by zero (PEP 249)."""


class OperationalError(DatabaseError):
    """The operation of the database was the problem: link lost, no memory (PEP 249)."""


class IntegrityError(DatabaseError):
    """A constraint would have been violated (PEP 249)."""


class InternalError(DatabaseError):
    """The database met an error of its own: invalid cursor, stale transaction."""


class ProgrammingError(DatabaseError):
    """The statement was wrong: no such table, syntax, parameter count (PEP 249)."""


class NotSupportedError(DatabaseError):
    """What was asked for is not supported (PEP 249)."""


class ConfigError(InterfaceError):
    """The configuration is wrong. Names file, key, what was found, what is allowed."""


class HintError(ProgrammingError):
    """A hint or `using()` asks for what does not exist or is not allowed."""


class UnknownTableError(ProgrammingError):
    """No rule gives this table a home and there is no default database."""


class ReadOnlyError(NotSupportedError):
    """A write was sent to a database that the configuration calls read-only."""


class CrossDatabaseError(NotSupportedError):
    """One statement, or one transaction's writes, would touch two databases."""


class ShardError(NotSupportedError):
    """A statement on a sharded table whose shard is not certain."""


class NoNodeError(OperationalError):
    """No node of a group could serve the statement within `failover_timeout`."""

    retry_is_safe = True  # it was not sent


class PoolTimeout(NoNodeError):  # noqa: N818  (vocabulary of the field)
    """Every link of a node's pool was in use for all of `wait_timeout`."""


class SplitBrain(OperationalError):  # noqa: N818  (vocabulary of the field)
    """Two nodes claim to be the writer and neither history is provably newer."""

    retry_is_safe = True  # it was not sent


class TransactionLost(OperationalError):  # noqa: N818
    """The transaction certainly did not commit; running it again is safe."""

    retry_is_safe = True


def repeated(
    error: TransactionLost | OutcomeUnknown,
) -> TransactionLost | OutcomeUnknown:
    """Return an error, marked as one that the program was told before."""
    error.is_repeated = True
    return error


class OutcomeUnknown(OperationalError):  # noqa: N818
    """The answer to a commit or write was lost: it may or may not have happened."""

    retry_is_safe = False


class Fault(Enum):
    """What went wrong, as recovery distinguishes it (table: session/recovery.py)."""

    LINK_LOST = "link lost"  # closed, reset, terminated, "server has gone away"
    REFUSED = "refused"  # could not connect: nothing was sent
    NODE_READ_ONLY = "node is read-only"  # 25006, 1290, 1836: nothing was written
    NODE_STARTING = "node is starting"  # 57P03, 1927 …: nothing was executed
    TIMEOUT = "timeout"  # statement cancelled or lock wait ended by the server
    OVERLOAD = "overload"  # too many connections: 53300, 1040
    CONFLICT = "conflict"  # serialization failure, deadlock, recovery conflict
    MISSING = "not there"  # names what the node does not have, or not for this user
    TOO_LARGE = "too large"  # refused unread, and the link closed: 1153
    MOVED = "moved"  # a fence: its table is elsewhere now, and nothing was done
    STATEMENT = "statement"  # the statement's own error: raised to the user
