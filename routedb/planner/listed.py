"""A text that does one thing to a list of tables, cut into one for each place.

TRUNCATE, DROP TABLE and LOCK TABLE do to each of their tables what they would do to it
alone, but for what ties tables together: foreign keys, and these tie those of one
database. So a text for the tables of each does the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence

from routedb.planner.changes import Token, tokens_of
from routedb.sharding.rewrite.masking import NAME, mask
from routedb.sql import Table, scan
from routedb.sql.scanner.keywords import word_set

_BEFORE = (
    (("TRUNCATE", "TABLE"), ("TRUNCATE",)),
    (("DROP", "TABLE", "IF", "EXISTS"), ("DROP", "TABLE")),
    (("LOCK", "TABLE"), ("LOCK",)),
)
_AFTER = word_set(
    "RESTART CONTINUE IDENTITY CASCADE RESTRICT "
    "IN ACCESS ROW SHARE UPDATE EXCLUSIVE MODE NOWAIT"
)
_WORD = re.compile(r"[A-Za-z_][\w$]*").fullmatch


def texts_by_place(
    source: str, place_of: Callable[[Table], Hashable]
) -> dict[Hashable, str] | None:
    """Return the texts, of PostgreSQL, that together do what `source` does, each for
    the tables of which `place_of` tells the same; None where that is not understood."""
    masked = mask(source, scan(source, "postgresql"))
    tokens = list(tokens_of(masked.code))
    if tokens and tokens[-1].word == ";":
        tokens.pop()
    words = [token.word for token in tokens]
    heads = [
        head for heads in _BEFORE for head in heads if tuple(words[: len(head)]) == head
    ]
    if not heads or ";" in words:
        return None
    at = len(heads[0])
    listed: dict[Hashable, list[str]] = {}
    start = at
    while True:
        named = _name(source, tokens, at + (words[at : at + 1] == ["ONLY"]))
        if named is None:
            return None
        table, end = named
        end += words[end : end + 1] == ["*"]
        item = source[tokens[at].start : tokens[end - 1].end]
        listed.setdefault(place_of(table), []).append(item)
        if words[end : end + 1] != [","]:
            break
        at = end + 1
    if not _AFTER.issuperset(words[end:]):
        return None
    before = source[: tokens[start].start]
    after = source[tokens[end - 1].end :]
    return {p: before + ", ".join(items) + after for p, items in listed.items()}


def _name(source: str, tokens: Sequence[Token], at: int) -> tuple[Table, int] | None:
    """Return the table at a place, as PostgreSQL folds it, and the place behind it."""
    parts = []
    while at < len(tokens):
        written = source[tokens[at].start : tokens[at].end]
        if tokens[at].word[0] == NAME and written[0] == '"':
            parts.append(written[1:-1].replace('""', '"'))
        elif _WORD(written):
            parts.append(written.lower())
        else:
            return None
        at += 1
        if at == len(tokens) or tokens[at].word != "." or len(parts) > 1:
            return Table(parts[0] if parts[1:] else None, parts[-1]), at
        at += 1
    return None
