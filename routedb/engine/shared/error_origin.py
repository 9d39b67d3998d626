"""Whose code an exception comes from: the driver's, ours, or the program's.

Drivers call the program's code under a statement: wait callbacks, adapters, type
casters and converters, factories, files of a COPY. What comes out of that says nothing
of a server or a statement. It is raised as it is, and nothing is run again for it.
"""

from __future__ import annotations

from opcode import opmap

_OURS = frozenset({"routedb", "psycopg2", "MySQLdb", "sqlite3"})
_RAISE = opmap["RAISE_VARARGS"]


def is_from_program(exc: BaseException) -> bool:
    """Tell whether `exc`, caught around a call of the driver, began in the program's
    code.

    A driver's exception that began there was raised by the driver, when the program has
    called it (a wait callback calls `poll()`), unless a `raise` statement did that.
    """
    entry = exc.__traceback__
    if entry is None:
        return False
    while entry.tb_next is not None:
        entry = entry.tb_next
    frame = entry.tb_frame
    if _is_ours(frame.f_globals.get("__name__", "")):
        return False
    if not any(_is_ours(kind.__module__) for kind in type(exc).__mro__):
        return True
    return frame.f_code.co_code[entry.tb_lasti] == _RAISE


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _OURS
