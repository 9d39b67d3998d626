"""The settings that an UPDATE of PostgreSQL's view pg_settings sets.

The view has a rule that calls set_config() for each row, so the rows that the condition
is true for are the settings that are set. Which these are is told by the text when
every alternative of the condition compares the column `name` with values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from routedb.sql.scanner.shape import Scan

_TOKENS = re.compile(
    r"'(?:[^']|'')*'|%s|%\(\w+\)s|\"[^\"]*\"|\w+(?:\s*\.\s*(?:\w+|\"[^\"]*\"))*"
    r"|::\s*\w+|[^\s\w]"
).findall
_VALUE = re.compile(r"'([\w.]+)'|(%s)|%\((\w+)\)s").fullmatch
# Words after which AND, OR or the column may be those of something else.
_UNSURE = frozenset({"BETWEEN", "CASE", "FROM", "SET_CONFIG"})
_COLUMN = re.compile(r'(?:\w+\s*\.\s*)?"?name"?', re.IGNORECASE).fullmatch


def updated_settings(scan: Scan, params: Any) -> tuple[str, ...] | None:
    """Return the names of the settings that the text of `scan` sets with `params`; None
    when they are not certain. There may be more of them than are set."""
    code = scan.parts[::2]
    others = (p if p[:1] in ("'", '"') else " " for p in scan.parts[1::2])
    text = "".join(a + b for a, b in zip(code, (*others, ""), strict=True))
    tokens = [token for token in _TOKENS(text) if not token.startswith("::")]
    words = [token.upper() for token in tokens]
    if words.count("WHERE") != 1 or not _UNSURE.isdisjoint(words):
        return None
    at = words.index("WHERE") + 1
    marks = tokens[:at].count("%s")
    found: list[str] = []
    for term in _split(_values(tokens[at:], marks), "OR"):
        named = [n for each in _split(term, "AND") if (n := _named(each, params))]
        if not named:
            return None
        found += named[0]
    return tuple(dict.fromkeys(found))


def _values(tokens: list[str], marks: int) -> list[str]:
    """Number the positional parameters, of which `marks` stand before."""
    numbered: list[str] = []
    for token in tokens:
        numbered.append(f"%({marks})s" if token == "%s" else token)
        marks += token == "%s"
    return [token for token in numbered if token != ";"]


def _split(tokens: list[str], word: str) -> Iterator[list[str]]:
    """Yield what stands between the words on the highest level, without the brackets
    around it all."""
    while tokens[:1] == ["("] and _closes(tokens) == len(tokens) - 1:
        tokens = tokens[1:-1]
    part: list[str] = []
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        if depth == 0 and token.upper() == word:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _closes(tokens: list[str]) -> int:
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth == 0:
            return at
    return -1


def _named(term: list[str], params: Any) -> list[str]:
    """Return the names in `name = value`, `value = name` and `name IN (values)`; none
    for any other term."""
    while term[:1] == ["("] and _closes(term) == len(term) - 1:
        term = term[1:-1]
    if len(term) == 3 and term[1] == "=":
        column, value = (term[0], term[2]) if _COLUMN(term[0]) else (term[2], term[0])
        values = [value]
    elif len(term) > 4 and term[1].upper() == "IN" and term[2] == "(":
        column, values = term[0], term[3:-1:2]
        if set(term[4:-1:2]) - {","}:
            return []
    else:
        return []
    names = [_name(value, params) for value in values]
    if not _COLUMN(column) or None in names:
        return []
    return [name for name in names if name is not None]


def _name(value: str, params: Any) -> str | None:
    match = _VALUE(value)
    if match is None:
        return None
    name: Any = match[1]
    if name is None:
        key = int(match[3]) if match[3].isdigit() else match[3]
        try:
            name = params[key]
        except (LookupError, TypeError):
            return None
    return name.lower() if isinstance(name, str) else None
