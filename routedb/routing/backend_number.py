"""Which backend a statement is about: the number in its text, or among parameters."""

from __future__ import annotations

import re
from typing import Any

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?s|\?")

_NUMBER = r"(\d+|%s|%\(\w+\)s|\?)"
_COLUMN = r"(?:pid|id|processlist_id)\b[\"`]?"
_ABOUT = re.compile(
    r"(?:\bpg_(?:cancel_backend|terminate_backend|log_backend_memory_contexts"
    r"|blocking_pids|safe_snapshot_blocking_pids)\"?\s*\(\s*(?:pid\s*(?:=>|:=))?"
    r"|\bKILL\b\s*(?:(?:HARD|SOFT)\b\s*)?(?:(?:CONNECTION|QUERY)\b\s*)?\(?"
    r"|\b(?:EXPLAIN|ANALYZE)\s+(?:(?:FORMAT\s*=\s*[\"'`]?\w+[\"'`]?|INTO\s+@\S+)\s+)*"
    r"FOR\s+(?:CONNECTION\s+)?"
    rf"|\b{_COLUMN}\s*(?:=|\bIN\b)\s*(?:ANY\s*)?\(?\s*(?:ARRAY\s*\[)?"
    rf")\s*(?:CAST\s*\(\s*)?'?{_NUMBER}"
    rf"|(?<![\w.]){_NUMBER}'?(?:::\w+)?\s*=\s*(?:\w+\.)?[\"`]?{_COLUMN}",
    re.IGNORECASE,
).search


def backend_number(text: str, params: Any) -> int | None:
    """Return the number of the backend that the statement `text`, with `params` in its
    placeholders, names first; None when it names none."""
    found = _ABOUT(text)
    if found is None:
        return None
    place = 1 if found[1] else 2
    value: Any = found[place]
    if params and not value.isdigit():
        before = len(_PLACEHOLDER.findall(text[: found.start(place)]))
        value = parameter(value, params, before)
    if isinstance(value, (list, tuple)) and value:  # = ANY(%s), IN %s
        value = value[0]
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


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
