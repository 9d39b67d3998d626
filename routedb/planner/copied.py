"""COPY … TO STDOUT, taken apart: what is copied, and the options.

The parts of several groups are put one after another. So a header is asked for once,
and there is one beginning and one end of a binary file: it is not put together.
"""

from __future__ import annotations

import re

from routedb.errors import ShardError
from routedb.planner.change import CopiedOut
from routedb.planner.pieces import Token, piece, tokens_of
from routedb.planner.plans import Refusal
from routedb.planner.source_text import Refused, refuse
from routedb.sharding.rewrite.masking import MaskedText, mask
from routedb.sql import scan

_ELEMENT = re.compile(r"\s*(\w+)\s*(.*?)\s*\Z", re.DOTALL).match


def copied_out(source: str) -> CopiedOut | Refusal | None:
    """Return the parts of the COPY `source`: see `routedb.planner.take_copy`."""
    try:
        return _copied_out(source)
    except Refused as exc:
        return exc.refusal
    except ShardError as exc:
        return Refusal("unknown grammar", str(exc))


def _copied_out(source: str) -> CopiedOut | None:
    masked = mask(source, scan(source, "postgresql"))
    tokens = tokens_of(masked)
    if tokens and tokens[-1].word == ";":
        tokens.pop()
    top = [token for token in tokens if token.depth == 0]
    words = [token.word for token in top]
    if words[:1] != ["COPY"] or "STDOUT" not in words:
        return None
    at = words.index("STDOUT")
    if words[at - 1] != "TO":
        return None
    end = len(masked.code.rstrip().removesuffix(";"))
    head = source[top[0].start : top[at].end]
    options = source[top[at].end : end]
    query = None
    if words[1] == "(":
        if words[1:5] != ["(", ")", "TO", "STDOUT"]:
            refuse("unknown grammar", "what is copied is not understood")
        query = piece(masked, top[1].end, top[2].start).sql
    is_binary, later = _read_options(masked, tokens, top[at].end, end)
    if "BINARY" in words[:at]:
        is_binary = True
    return CopiedOut(head, query, options, later, is_binary)


def _read_options(
    masked: MaskedText, tokens: list[Token], start: int, end: int
) -> tuple[bool, str]:
    """Return whether the options from `start` on are for a binary file, and what they
    are without a header."""
    found = [token for token in tokens if token.start >= start]
    words = [token.word for token in found]
    source = masked.source
    if "(" in words and words.index("(") <= 1:  # [WITH] (…)
        opening, closing = found[words.index("(")], found[-1]
        if closing.word != ")" or closing.depth:
            refuse("unknown grammar", "the options of COPY are not understood")
        return _read_listed(masked, opening.end, closing.start)
    if "FORCE" in words and "HEADER" in words[words.index("FORCE") :]:
        refuse(
            "unknown grammar", "HEADER may be a column: write the options in brackets"
        )
    rest = source[start:end]
    for token in found:
        if token.word == "HEADER":
            rest = source[start : token.start] + source[token.end : end]
    return "BINARY" in words, rest


def _read_listed(masked: MaskedText, start: int, end: int) -> tuple[bool, str]:
    is_binary, listed = False, []
    at, depth = start, 0
    for place in range(start, end + 1):
        char = masked.code[place] if place < end else ","
        depth += (char == "(") - (char == ")")
        if char != "," or depth:
            continue
        element = masked.source[at:place]
        found = _ELEMENT(element)
        name = found[1].upper() if found is not None else ""
        if found is not None and name == "FORMAT":
            is_binary = found[2].strip("'\"").lower() == "binary"
        if name != "HEADER":
            listed.append(element.strip())
        at = place + 1
    return is_binary, f" WITH ({', '.join(listed)})" if listed else ""
