"""Whether a text sets nothing but what is written in it: then it can be repeated."""

from __future__ import annotations

import re

# Of shapes, where literals are masked.
_VALUE = r"(?:''|'[^']*'|-?0|%s|%\(\w+\)s|\w+)"
_CONFIG = re.compile(
    r"SELECT (?:\* FROM )?(?:pg_catalog\.)?set_config ?\( ?"
    rf"{_VALUE} ?, ?{_VALUE}(?:::text)? ?, ?{_VALUE}(?:::bool(?:ean)?)? ?\)"
    r"(?: (?:AS )?\w+)? ?;?",
    re.IGNORECASE,
).fullmatch
_ASSIGNED = r"(?:SESSION |LOCAL |@@(?:SESSION\.|LOCAL\.)?)?[\w.]+ ?:?= ?" + _VALUE
_SET = re.compile(
    rf"SET (?:{_ASSIGNED}(?: ?, ?{_ASSIGNED})*|[^=@(]*) ?;?", re.IGNORECASE
).fullmatch

# PostgreSQL's SET x FROM CURRENT: what it is now, which no other link knows.
_FROM_CURRENT = re.compile(r"FROM CURRENT ?;?\Z", re.IGNORECASE).search
_SETTING_VERBS = frozenset({"SET", "RESET", "LOAD", "PRAGMA", "ATTACH", "DETACH"})


def sets_literals_only(dialect: str, verb: str, shape: str) -> bool:
    """Tell whether a statement that sets something sets only what is written in it.

    `verb` and `shape` are those of its `Statement` and `Scan`, in this `dialect`. False
    where a value comes of an expression: MySQL's `SET a = @b`, `set_config` in a query.
    """
    if shape.startswith("/* routedb:"):  # a hint sets nothing
        shape = shape.partition("*/")[2].lstrip()
    if dialect == "mysql":
        return _SET(shape) is not None
    if verb in _SETTING_VERBS:
        return _FROM_CURRENT(shape) is None
    return _CONFIG(shape) is not None
