"""One exception, caught by the driver's class and by routedb's: the shared half.

An exception's `__class__` is assigned to a class made once per driver class, of both
bases, so nothing is copied and pgcode, diag and args stay (docs/architecture.rst,
Errors).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from routedb import errors

# Most specific first: the first that the driver's class derives from gives the name.
NAMES = (
    "IntegrityError",
    "DataError",
    "OperationalError",
    "ProgrammingError",
    "InternalError",
    "NotSupportedError",
    "InterfaceError",
    "DatabaseError",
    "Error",
)


class Translation:
    """The exception classes of one driver's module, joined with ours."""

    def __init__(self, module: ModuleType, **shown: Any) -> None:
        """`module` is the driver's; `shown` are attributes that its exceptions get."""
        self._shown = shown
        self._pairs = [(getattr(module, n), getattr(errors, n)) for n in NAMES]
        self._root = module.Error
        self._driver = module.__name__
        self._adopted: dict[type[BaseException], type[BaseException]] = {}
        self._own: dict[type[errors.Error], type[errors.Error]] = {}

    def adopt(self, exc: BaseException) -> BaseException:
        """Make a driver's exception also ours; return it. Others stay as they are.

        Where its class is of C (psycopg2.Error, whose subclasses are not), return
        another exception that is both.
        """
        kind = type(exc)
        if isinstance(exc, self._root) and not isinstance(exc, errors.Error):
            joined = self._adopted.get(kind)
            if joined is None:
                joined = self._adopted.setdefault(kind, self._joined(kind))
            try:
                exc.__class__ = joined
            except TypeError:
                return joined(*exc.args).with_traceback(exc.__traceback__)
        return exc

    def error_class(self, kind: type[errors.Error]) -> type[errors.Error]:
        """Return the class for an error of ours that is also one of the driver's."""
        joined = self._own.get(kind)
        if joined is None:
            theirs = next(t for t, ours in self._pairs if issubclass(kind, ours))
            joined = self._class(kind, (kind, theirs), _own)
            joined = self._own.setdefault(kind, joined)
        return joined

    def _joined(self, kind: type[BaseException]) -> type[BaseException]:
        ours = next(ours for theirs, ours in self._pairs if issubclass(kind, theirs))
        joined: Any = self._class(kind, (ours, kind), _adopted)
        for name, member in self._shown.items():
            setattr(joined, name, member)
        found: type[BaseException] = joined
        return found

    def _class(
        self, kind: type[BaseException], bases: tuple[type, ...], revive: Any
    ) -> Any:
        """Make a class with the name of the driver's, for tracebacks. Pickle could not
        find it by that name, so `__reduce__` makes it again (multiprocessing and
        Django's parallel tests pickle exceptions)."""

        def reduce(exc: Any) -> tuple[Any, ...]:
            parts: Any = super(made, exc).__reduce__()
            _, args, *state = parts
            return revive, (self._driver, kind, args), *state

        names = {"__module__": kind.__module__, "__doc__": kind.__doc__}
        made: Any = type(kind.__name__, bases, {**names, "__reduce__": reduce})
        return made


@cache
def _translation(driver: str) -> Translation:
    """Return what revives pickled exceptions, in processes without the adapter too."""
    return Translation(import_module(driver))


def _adopted(driver: str, kind: Any, args: tuple[Any, ...]) -> BaseException:
    return _translation(driver).adopt(kind(*args))


def _own(driver: str, kind: Any, args: tuple[Any, ...]) -> errors.Error:
    return _translation(driver).error_class(kind)(*args)
