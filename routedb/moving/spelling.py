"""How names and values stand in a text of each engine."""

from __future__ import annotations

from collections.abc import Iterable

from routedb.sql.scanner.identifiers import quote_identifier


def name(engine: str, text: str) -> str:
    """Return the name `text` as `engine` has it in SQL."""
    return quote_identifier(text, engine)


def names(engine: str, texts: Iterable[str]) -> str:
    """Return several names, `texts`, as `engine` has them, with commas."""
    return ", ".join(name(engine, text) for text in texts)


def string(engine: str, text: str) -> str:
    """Return `text` as a literal of `engine`, whose sessions are the mover's."""
    text = text.replace("'", "''")
    return "'" + (text.replace("\\", "\\\\") if engine == "mysql" else text) + "'"
