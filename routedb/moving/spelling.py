"""How names and values stand in a text of each engine."""

from __future__ import annotations

from collections.abc import Iterable

_MARKS = {"postgresql": '"', "mysql": "`", "sqlite": '"'}


def name(engine: str, text: str) -> str:
    """Return the name `text` as `engine` has it in SQL."""
    mark = _MARKS[engine]
    return mark + text.replace(mark, mark * 2) + mark


def names(engine: str, texts: Iterable[str]) -> str:
    """Return several names, `texts`, as `engine` has them, with commas."""
    return ", ".join(name(engine, text) for text in texts)


def string(engine: str, text: str) -> str:
    """Return `text` as a literal of `engine`, whose sessions are the mover's."""
    text = text.replace("'", "''")
    return "'" + (text.replace("\\", "\\\\") if engine == "mysql" else text) + "'"
