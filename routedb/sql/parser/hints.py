"""The hint a comment gives: `/* routedb: database=archive role=writer shard=2 */`."""

from __future__ import annotations

import re

from routedb.sql.statement import Hints

_HINT = re.compile(r"/\* routedb: ?(.*?) ?\*/").match
_WORD = re.compile(r"""(\w+)=("[^"]*"|'[^']*'|[^\s"'=]+)""").fullmatch
_WORDS = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+|\S+""").findall
_NAMES = frozenset({"database", "role", "shard", "key", "consistency"})


def parse_hints(shape: str) -> tuple[Hints | None, str]:
    """Return the hints a shape begins with, and the rest of it.

    What is no hint, or is said twice with two values, is listed in `unknown`.
    """
    match = _HINT(shape)
    if match is None:
        return None, shape
    values: dict[str, str] = {}
    unknown: list[str] = []
    for word in _WORDS(match[1]):
        name, value = _read(word)
        if name and values.get(name, value) == value:
            values[name] = value
        else:
            unknown.append(word)
    shard = values.get("shard")
    return Hints(
        database=values.get("database"),
        role=values.get("role"),
        shard=int(shard) if shard is not None else None,
        key=values.get("key"),
        consistency=values.get("consistency"),
        unknown=tuple(unknown),
    ), shape[match.end() :].strip()


def _read(word: str) -> tuple[str, str]:
    match = _WORD(word)
    if match is None or match[1] not in _NAMES:
        return "", ""
    value = match[2].strip("\"'")
    if match[1] == "shard" and not re.fullmatch(r"[0-9]{1,9}", value):
        return "", ""
    return match[1], value
