"""sqlglot's trees of a text, and whether it was at a loss or the program has spoken."""

from __future__ import annotations

import re
import sys
from functools import lru_cache

import sqlglot
from sqlglot import Dialect, exp

_JSON_TABLE = re.compile(r"\bJSON_TABLE\b", re.IGNORECASE).search
# Of its columns: the order of texts, and what is done where there is no value.
_OF_JSON_TABLE = re.compile(
    r"\bCHARACTER\s+SET\s+\w+(?:\s+COLLATE\s+\w+)?(?=\s+PATH\b)"
    r"|\b(?:NULL|ERROR)\s+ON\s+(?:EMPTY|ERROR)\b",
    re.IGNORECASE,
).sub
_dialect = lru_cache(Dialect.get_or_raise)  # nothing in one changes
_ITS = frozenset({"sqlglot", "sqlglotc", "routedb", *sys.stdlib_module_names})
_ANYONES = frozenset({"sqlglot", "builtins"})  # whose exceptions it raises


def trees_of(text: str, dialect: str) -> list[exp.Expr] | None:
    """Return the trees of the statements in `text`, of a `dialect` of sqlglot's; None
    when it is not understood. What sqlglot does not know of JSON_TABLE is blanked.

    sqlglot raises TypeError and others too when it is at a loss. What a signal handler
    of the program has raised meanwhile says nothing of the text, and comes out.
    """
    try:
        return [tree for tree in sqlglot.parse(text, _dialect(dialect)) if tree]
    except Exception as exc:
        if not _is_at_a_loss(exc):
            raise
    known = _OF_JSON_TABLE(_blanks, text) if _JSON_TABLE(text) else text
    return None if known == text else trees_of(known, dialect)


def _blanks(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _is_at_a_loss(exc: Exception) -> bool:
    """Tell whether `exc` was raised by the parser, or by what it has called."""
    if type(exc).__module__.partition(".")[0] not in _ANYONES:
        return False
    entry = exc.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    inner = "" if entry is None else entry.tb_frame.f_globals.get("__name__", "")
    return inner != "__main__" and inner.partition(".")[0] in _ITS
