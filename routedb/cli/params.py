"""Values for placeholders, as they are written on a command line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import click

_NAMES = re.compile(r"%\((\w+)\)s").findall
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?").fullmatch
_WORDS = {"null": None, "true": True, "false": False}


def parameters(sql: str, written: Sequence[str]) -> Any:
    """Return the parameters in `written` as `execute` takes them for the text `sql`: a
    list for %s, a mapping for %(name)s, or None.

    A number, null, true or false is taken for one, a JSON string (`"42"`) for text,
    all else for text as it is. Raises click.UsageError for a name without a value.
    """
    if not written:
        return None
    if not _NAMES(sql):
        return [_value(text) for text in written]
    named = dict(_pair(text) for text in written)
    missing = [name for name in _NAMES(sql) if name not in named]
    if missing:
        raise click.UsageError(f"no value for %({missing[0]})s; add -p {missing[0]}=…")
    return named


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(
            f"the statement has named placeholders: write -p name=value, not {text!r}"
        )
    return name, _value(value)


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER(text) or (text.startswith('"') and text.endswith('"')):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
