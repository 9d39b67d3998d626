"""A text in pieces: its words, and parts of it with their parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from routedb.planner.plans import Bound, Slot
from routedb.sharding.keys.value_terms import NamedParam, PositionalParam
from routedb.sharding.rewrite.masking import MaskedText

_TOKENS = re.compile(r"[A-Za-z_][\w$]*|[();]").finditer
NAME = r'(?:"[^"]+"|[A-Za-z_][\w$]*)'
QUERY = frozenset({"SELECT", "WITH", "TABLE"})


class Token(NamedTuple):
    """A word in capitals, or a bracket, from `start` up to `end`."""

    word: str
    start: int
    end: int
    depth: int  # brackets around it


def tokens_of(masked: MaskedText) -> list[Token]:
    """Return the words and brackets of a text, without those in quotes."""
    return list(_tokens(masked.code))


def _tokens(code: str) -> Iterator[Token]:
    depth = 0
    for match in _TOKENS(code):
        depth -= match[0] == ")"
        yield Token(match[0].upper(), match.start(), match.end(), depth)
        depth += match[0] == "("


def piece(masked: MaskedText, start: int, end: int) -> Bound:
    """Return the text of `masked` from `start` up to `end`, with its parameters."""
    slots: list[Slot] = []
    for token in masked.value_tokens:
        if start <= token.start < end:
            if isinstance(token.term, PositionalParam):
                slots.append(Slot(token.term.ordinal))
            elif isinstance(token.term, NamedParam):
                slots.append(Slot(token.term.name))
    return Bound(masked.source[start:end], tuple(slots))


def strung(*parts: str) -> str:
    """Return `parts` of a text as one, without those that are empty."""
    return " ".join(part for part in (each.strip() for each in parts) if part)
