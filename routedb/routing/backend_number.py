"""Which backends a statement is about: numbers in its text, or among parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?s|\?")

_NUMBER = r"(?:\d+|%s|%\(\w+\)s|\?)"
_NUMBERS = rf"{_NUMBER}(?:'?(?:::\w+)?\s*,\s*'?{_NUMBER})*"
_COLUMN = r"(?:pid|id|processlist_id)\b[\"`]?(?:\s*::\s*\w+)?"
_ABOUT = re.compile(
    r"(?:\bpg_(?:cancel_backend|terminate_backend|log_backend_memory_contexts"
    r"|blocking_pids|safe_snapshot_blocking_pids|stat_get_activity)\"?\s*\(\s*"
    r"(?:pid\s*(?:=>|:=))?"
    r"|\bKILL\b\s*(?:(?:HARD|SOFT)\b\s*)?(?:(?:CONNECTION|QUERY)\b\s*)?\(?"
    r"|\b(?:EXPLAIN|ANALYZE)\s+(?:(?:FORMAT\s*=\s*[\"'`]?\w+[\"'`]?|INTO\s+@\S+)\s+)*"
    rf"FOR\s+(?:CONNECTION\s+)?)\s*(?:CAST\s*\(\s*)?'?({_NUMBER})"
    rf"|\b{_COLUMN}(?:\s*,[^()]{{0,99}}\)|\s+AS\s+\w+\s*\))?"
    r"\s*(?:=|\bIN\b|\bBETWEEN\b)"
    r"\s*(?:(?:ANY|SOME|CAST)\b|ARRAY\s*\[|VALUES\b|SELECT\b|\(|\s)*"
    rf"'?\{{?({_NUMBERS})"
    rf"|(?<![\w.])({_NUMBER})'?(?:::\w+)?\s*=\s*(?:\w+\.)?[\"`]?{_COLUMN}",
    re.IGNORECASE,
)
_ANY_NUMBER = re.compile(_NUMBER).finditer
_INTEGER = re.compile(r"(?<![\w.])\d+(?![\w.])").findall
# Of another kind, or none.
_ELSE = re.compile(r"\s*KILL\b.*\b(?:USER|QUERY\s+ID)\b", re.IGNORECASE | re.DOTALL)


def backend_numbers(text: str, params: Any) -> list[int]:
    """Return the numbers of the backends that the statement `text`, with `params` in
    its placeholders, names as such."""
    found: list[int] = []
    for match in _ABOUT.finditer(text):
        place = match.lastindex or 0
        for number in _ANY_NUMBER(match[place]):
            value: Any = number[0]
            if params and not value.isdigit():
                before = len(
                    _PLACEHOLDER.findall(text[: match.start(place) + number.start()])
                )
                value = parameter(value, params, before)
            found += _integers(value)
    return found


def all_numbers(text: str, params: Any) -> list[int]:
    """Return whatever in `text` or among `params` may be the number of a backend."""
    if _ELSE.match(text):
        return []
    return [int(number) for number in _INTEGER(text)] + list(_integers(params))


def _integers(value: Any) -> Iterator[int]:
    """Yield the numbers in a value, which may be of several: = ANY(%s), IN %s."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from _integers(each)
    elif isinstance(value, (int, str)):
        try:
            yield int(value)
        except ValueError:
            return


def fill(text: str, params: Any, before: int) -> str:
    """Return `text` with `params` in its placeholders, as text; `before` it stand so
    many others."""
    count = before

    def value(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return str(parameter(match[0], params, count - 1))

    return _PLACEHOLDER.sub(value, text)


def count_placeholders(text: str) -> int:
    """Return how many placeholders `text` has."""
    return len(_PLACEHOLDER.findall(text))


def parameter(placeholder: str, params: Any, at: int) -> Any:
    """Return what of `params` is for `placeholder`, the one numbered `at`; the
    placeholder itself when there is none."""
    named = _PLACEHOLDER.fullmatch(placeholder)
    name = named[1] if named else None
    try:
        return params[name] if name else params[at]
    except (LookupError, TypeError):
        return placeholder
