"""What a virtual cursor holds in the place of a result or a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from routedb import errors
from routedb.adapters.base import Adapter, ResultSet
from routedb.engine.shared.error_texts import joined_class


class ResultMetadata:
    """The metadata of a raw cursor's last statement, without the raw cursor."""

    def __init__(self, raw: ResultSet) -> None:
        for name in _METADATA:
            setattr(self, name, getattr(raw, name, None))


# The attributes of a raw cursor that virtual ones show.
_METADATA = (
    "description",
    "rowcount",
    "rownumber",
    "lastrowid",
    "statusmessage",
    "query",
    "pgresult_ptr",
)


class _Unobserved:
    """What the hot path asks of the core."""

    observers = None


def closed_cursor(frontend: Adapter) -> Exception:
    """Return the error of a cursor that is closed: an InterfaceError, which is also
    what mysqlclient and sqlite3 raise, a ProgrammingError."""
    ours = errors.InterfaceError
    kind: type[Exception] = frontend.error_class(ours)
    if frontend.dialect != "postgresql":
        theirs = frontend.error_class(errors.ProgrammingError)
        kind = joined_class(theirs, frontend.error_class(ours), ours)
    return kind("the cursor is closed")


class ClosedSession:
    """The session of a closed cursor: it has no plan and refuses every text."""

    core = _Unobserved()

    def __init__(self, frontend: Adapter) -> None:
        self.known_texts: dict[str | bytes, Any] = {}
        self._frontend = frontend

    def learn(self, sql: Any) -> Any:
        """Refuse every text."""
        raise closed_cursor(self._frontend)


class AdoptingResult:
    """A result whose every call adopts the driver's errors."""

    __slots__ = ("_call", "_raw")

    def __init__(self, raw: ResultSet, call: Any) -> None:
        self._raw = raw
        self._call = call

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._raw, name)
        return lambda *args: self._call(method, *args)

    def __iter__(self) -> Iterator[Any]:
        rows = iter(self._raw)
        while True:
            try:
                row = self._call(next, rows)
            except StopIteration:
                return
            yield row
