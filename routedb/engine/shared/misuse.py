"""Errors that drivers raise as plain Python exceptions, made PEP 249 errors too.

psycopg2 raises TypeError for too many parameters, IndexError for too few and ValueError
for a NUL; code written for it catches these, code written for PEP 249 catches Error.
So what is raised is both. Python lets nobody change the class of its own exceptions
(unlike a driver's), so it is a new one with the same arguments.
"""

from __future__ import annotations

from routedb import errors

_KINDS: tuple[tuple[type[Exception], type[errors.Error]], ...] = (
    (TypeError, errors.ProgrammingError),
    (LookupError, errors.ProgrammingError),  # IndexError, KeyError
    (ValueError, errors.DataError),  # UnicodeError too
    (OverflowError, errors.DataError),
)


def as_dbapi_error(exc: Exception) -> Exception:
    """Return `exc`, or its like that is an instance also of a PEP 249 class, when one
    fits."""
    if isinstance(exc, errors.Error):
        return exc
    for plain, kind in _KINDS:
        if isinstance(exc, plain):
            return _both(type(exc), kind)(*exc.args)
    return exc


_made: dict[tuple[type[Exception], type[errors.Error]], type[Exception]] = {}


def _both(plain: type[Exception], kind: type[errors.Error]) -> type[Exception]:
    """Return the class that is both, the same one each time."""
    made = _made.get((plain, kind))
    if made is None:
        made = type(kind.__name__, (kind, plain), {"__module__": __name__})
        made = _made.setdefault((plain, kind), made)
    return made
