"""The part of the PostgreSQL frontend that sets how transactions run."""

from __future__ import annotations

from typing import Any

from psycopg2 import extensions as ext

from routedb import errors
from routedb.engine.shared.error_texts import joined_class
from routedb.frontends.isolation_levels import NUMBERED_LEVELS
from routedb.frontends.psycopg2.identity import IdentityConnection
from routedb.session import TxState


class TransactionModes(IdentityConnection):
    """Isolation level, read-only, deferrable, autocommit, and the state they are in."""

    _is_entered = False
    _is_readonly: bool | None = None

    @property
    def isolation_level(self) -> str | int | None:
        """The isolation level as psycopg2's number; None: the server's default."""
        level = self.session.links.mode.isolation
        return None if level is None else _NUMBERS[level]

    @isolation_level.setter
    def isolation_level(self, level: Any) -> None:
        self.set_session(isolation_level="DEFAULT" if level is None else level)

    @property
    def readonly(self) -> bool | None:
        """Whether transactions are declared read-only; None: the server's default."""
        return self._is_readonly

    @readonly.setter
    def readonly(self, on: Any) -> None:
        self.set_session(readonly="DEFAULT" if on is None else on)

    @property
    def deferrable(self) -> bool | None:
        """Whether transactions are deferrable; None: the server's default."""
        return self.session.links.mode.deferrable

    @deferrable.setter
    def deferrable(self, on: Any) -> None:
        self.set_session(deferrable="DEFAULT" if on is None else on)

    def set_session(
        self,
        isolation_level: Any = None,
        readonly: Any = None,
        deferrable: Any = None,
        autocommit: Any = None,
    ) -> None:
        """Set how later transactions run; None leaves a property as it is, "DEFAULT"
        resets it (psycopg2).

        `isolation_level` is a name or psycopg2's number; `readonly`, `deferrable` and
        `autocommit` are as the properties. Raises ProgrammingError inside a
        transaction.
        """
        try:
            changes = _changes(isolation_level, readonly, deferrable, autocommit)
        except (TypeError, ValueError) as exc:
            if self.autocommit or not self.usable_session().transaction.is_begun:
                raise
            # psycopg2 says that first: it is wrong in two ways.
            ours = errors.ProgrammingError
            both = joined_class(type(exc), self._adapter.error_class(ours), ours)
            raise both(f"inside a transaction it cannot be set, and: {exc}") from exc
        self._change_mode(**changes)
        if readonly is not None:
            self._is_readonly = _flag(readonly)
        if self.has_live_identity:  # psycopg2 sends it, and then reads what has arrived
            self.call_driver(ext.connection.poll, self)

    def set_isolation_level(self, level: int | None) -> None:
        """Roll back, and set the level: 0 is autocommit (psycopg2)."""
        if level is not None and level not in range(5):
            raise ValueError("isolation level must be between 0 and 4")
        self.rollback()
        if level == ext.ISOLATION_LEVEL_AUTOCOMMIT:
            self._change_mode(isolation=None, autocommit=True)
        else:
            name = None if level is None else _level(level)
            self._change_mode(isolation=name, autocommit=False)

    @property
    def status(self) -> int:
        """READY, BEGIN or PREPARED, of the backend that has the transaction."""
        bound = self._transaction_raw()
        if bound is not None and not self._has_joined_begin():
            return int(bound.status)
        has_begun = self.session.transaction.is_begun and not self.autocommit
        return int(ext.STATUS_BEGIN if has_begun else ext.STATUS_READY)

    def _has_joined_begin(self) -> bool:
        """Tell whether psycopg2 knows nothing of the transaction's BEGIN."""
        link = self.session.transaction.home_link
        return link is not None and link.joined_from is not None

    def get_transaction_status(self) -> int:
        """libpq's transaction status of the backend that has the transaction."""
        if self._is_closed or self._state is TxState.LOST:
            return int(ext.TRANSACTION_STATUS_UNKNOWN)
        bound = self._transaction_raw()
        if bound is not None:
            return int(bound.get_transaction_status())
        if self.session.transaction.is_begun:  # by a text that is not sent yet
            return int(ext.TRANSACTION_STATUS_INTRANS)
        return int(ext.TRANSACTION_STATUS_IDLE)

    def __enter__(self) -> TransactionModes:
        """Begin a transaction, in autocommit mode too (psycopg2)."""
        session = self.usable_session()
        if self._is_entered:
            self._refuse("the connection cannot be re-entered recursively")
        if session.autocommit and not session.transaction.is_open:
            session.transaction.begin(session.links.mode, None)
        self._is_entered = True
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._is_entered = False
        super().__exit__(kind, *rest)


_NUMBERS = {name: number for number, name in NUMBERED_LEVELS.items()}


def _changes(
    isolation_level: Any, readonly: Any, deferrable: Any, autocommit: Any
) -> dict[str, Any]:
    """Read the arguments of set_session, those that are not None."""
    changes: dict[str, Any] = {}
    if isolation_level is not None:
        changes["isolation"] = _level(isolation_level)
    if readonly is not None:
        changes["read_only"] = bool(_flag(readonly))
    if deferrable is not None:
        changes["deferrable"] = _flag(deferrable)
    if autocommit is not None:
        changes["autocommit"] = bool(autocommit)
    return changes


def _level(level: Any) -> str | None:
    """Read an isolation level as psycopg2's set_session takes it."""
    if isinstance(level, int):
        if level not in NUMBERED_LEVELS:
            raise ValueError("isolation_level must be between 1 and 4")
        return NUMBERED_LEVELS[level]
    if not isinstance(level, (str, bytes)):
        raise TypeError(
            f"expected bytes or unicode string, got {type(level).__name__} instead"
        )
    text = level.decode() if isinstance(level, bytes) else level
    if text.upper() == "DEFAULT":
        return None
    if text.upper() not in _NUMBERS:
        raise ValueError(f"bad value for isolation_level: '{text}'")
    return text.upper()


def _flag(value: Any) -> bool | None:
    """Read a flag; "DEFAULT" is None."""
    if isinstance(value, str | bytes):
        text = value.decode() if isinstance(value, bytes) else value
        if text.upper() != "DEFAULT":
            raise ValueError(f"the only string accepted is 'default'; got {text}")
        return None
    return bool(value)
