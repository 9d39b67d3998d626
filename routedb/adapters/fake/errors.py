"""The scripted driver's own classes of errors, as every driver has them."""

from __future__ import annotations

from routedb.errors import Fault


class Warning(Exception):  # noqa: A001  (the names are PEP 249's)
    """See Error, which it is not one of."""


class Error(Exception):
    """An error with this `message`, for which the adapter reports `fault`."""

    def __init__(self, message: str = "", fault: Fault = Fault.STATEMENT) -> None:
        super().__init__(message)
        self.fault = fault


class InterfaceError(Error):
    """See Error."""


class DatabaseError(Error):
    """See Error."""


class DataError(DatabaseError):
    """See Error."""


class OperationalError(DatabaseError):
    """See Error."""


class IntegrityError(DatabaseError):
    """See Error."""


class InternalError(DatabaseError):
    """See Error."""


class ProgrammingError(DatabaseError):
    """See Error."""


class NotSupportedError(DatabaseError):
    """See Error."""
