"""sqlglot's trees of a text, and whether it was at a loss or the program has spoken."""

from __future__ import annotations

import sys

import sqlglot
from sqlglot import exp

_ITS = frozenset({"sqlglot", "sqlglotc", "routedb", *sys.stdlib_module_names})
_ANYONES = frozenset({"sqlglot", "builtins"})  # whose exceptions it raises


def trees_of(text: str, dialect: str) -> list[exp.Expr] | None:
    """Return the trees of the statements in `text`, of a `dialect` of sqlglot's; None
    when it is not understood.

    sqlglot raises TypeError and others too when it is at a loss. What a signal handler
    of the program has raised meanwhile says nothing of the text, and comes out.
    """
    try:
        return [tree for tree in sqlglot.parse(text, dialect=dialect) if tree]
    except Exception as exc:
        if not _is_at_a_loss(exc):
            raise
        return None


def _is_at_a_loss(exc: Exception) -> bool:
    """Tell whether `exc` was raised by the parser, or by what it has called."""
    if type(exc).__module__.partition(".")[0] not in _ANYONES:
        return False
    entry = exc.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    inner = "" if entry is None else entry.tb_frame.f_globals.get("__name__", "")
    return inner != "__main__" and inner.partition(".")[0] in _ITS
