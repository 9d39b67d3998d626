"""Cut a text of several statements into them, each with its share of parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from routedb.sql.scanner.shape import Scan

_EDGE = re.compile(r"[();]").finditer
_PLACEHOLDER = re.compile(r"%(?:%|s|\(\w+\)s)").findall

Piece = tuple[str, Any]


def pieces(scan: Scan, params: Any) -> list[Piece]:
    """Return the statements of a text, cut at the semicolons that are in no bracket.

    Positional parameters are dealt out by placeholders, the named ones all have. What
    a routine's body holds is cut as well, so compare the number with `parts`.
    """
    texts = [text for text in _cut(scan.parts) if text.strip()]
    if (
        params is None
        or isinstance(params, Mapping)
        or not isinstance(params, Sequence)
    ):
        return [(text, params) for text in texts]
    dealt: list[Piece] = []
    start = 0
    for text in texts:
        count = sum(mark == "%s" for mark in _PLACEHOLDER(text))
        dealt.append((text, tuple(params[start : start + count])))
        start += count
    return dealt


def _cut(parts: list[str]) -> list[str]:
    """Only code is looked into; what stands at odd places is none."""
    found = [""]
    depth = 0
    for index, part in enumerate(parts):
        start = 0
        for edge in () if index % 2 else _EDGE(part):
            depth += {"(": 1, ")": -1, ";": 0}[edge[0]]
            if edge[0] == ";" and depth <= 0:
                found[-1] += part[start : edge.start()]
                found.append("")
                start = edge.end()
        found[-1] += part[start:]
    return found
