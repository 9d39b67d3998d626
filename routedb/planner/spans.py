"""Where a condition, or a call, stands in its text.

sqlglot says that of names alone. From the names in a node the text is searched outwards
for what may be its ends, and what stands between is parsed again: where that is the
same tree, it is the node. What is not found so is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TypeGuard

from sqlglot import exp

from routedb.planner.source_text import DIALECTS, SourceText
from routedb.sharding.rewrite.trees import trees_of

Span = tuple[int, int]

_MOST = 4  # ends on each side that are tried
_BEFORE = re.compile(r"[()]|\b(?:AND|WHERE|ON|HAVING)\b", re.IGNORECASE)
_BEHIND = re.compile(
    r"[(),;]|\b(?:AND|BETWEEN|GROUP|ORDER|HAVING|LIMIT|OFFSET|FETCH|UNION|EXCEPT"
    r"|INTERSECT|WINDOW|FOR|JOIN|LEFT|RIGHT|INNER|FULL|CROSS|NATURAL|WHERE)\b|\Z",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\b\w+\s*\Z", re.ASCII).search


def condition_span(text: SourceText, node: exp.Expr) -> Span | None:
    """Return from and up to where `node`, a conjunct of WHERE or ON, stands in `text`;
    None where that is not certain."""
    names = _names(text, node)
    if names is None:
        return None
    for start in islice(_starts(text.masked.code, names[0]), _MOST):
        for end in islice(_ends(text.masked.code, names[1]), _MOST):
            tree = _parsed(f"SELECT 1 WHERE {text.parsed(start, end)}", text)
            if _is_all(tree, "where") and tree.args["where"].this == node:
                return start, end
    return None


def call_span(text: SourceText, node: exp.Expr) -> Span | None:
    """Return from and up to where `node`, a call of a function with a column in it,
    stands in `text`; None where that is not certain."""
    names = _names(text, node)
    if names is None:
        return None
    code = text.masked.code
    for opened in islice(_opened(code, names[0]), _MOST):
        name = _CALLED(code, 0, opened)
        closed = _closed(code, opened)
        if name is None or closed is None or closed < names[1]:
            continue
        tree = _parsed(f"SELECT {text.parsed(name.start(), closed)}", text)
        if _is_all(tree) and tree.expressions == [node]:
            return name.start(), closed
    return None


def _names(text: SourceText, node: exp.Expr) -> Span | None:
    """Return from and up to where the names in `node` stand: parameters are none."""
    spans = [
        text.span(each)
        for each in node.find_all(exp.Identifier)
        if each.meta.get("start") is not None and text.slot(each.parent) is None
    ]
    if not spans:
        return None
    return min(start for start, _ in spans), max(end for _, end in spans)


def _parsed(sql: str, text: SourceText) -> exp.Expr | None:
    trees = trees_of(sql, DIALECTS[text.dialect]) or ()
    return trees[0] if len(trees) == 1 else None


def _is_all(tree: exp.Expr | None, *clauses: str) -> TypeGuard[exp.Select]:
    """Tell whether `tree` is a SELECT that has these `clauses` and no others."""
    if not isinstance(tree, exp.Select):
        return False
    said = {name for name, value in tree.args.items() if value}
    return said == {"expressions", *clauses}


def _starts(code: str, at: int) -> Iterator[int]:
    """Yield where a condition around what stands `at` may begin, the nearest first."""
    depth = 0
    for found in reversed(list(_BEFORE.finditer(code, 0, at))):
        if found[0] == ")":
            depth += 1
        elif found[0] != "(":
            if depth == 0:
                yield found.end()
                return
        elif depth:
            depth -= 1
        else:
            yield found.end()


def _ends(code: str, at: int) -> Iterator[int]:
    """Yield where a condition may end that has what stands before `at`, the nearest
    first."""
    depth = between = 0
    is_over = False  # what stands in these brackets
    for found in _BEHIND.finditer(code, at):
        word = found[0].upper()
        if word == "(":
            depth += 1
        elif word == ")" and depth:
            depth -= 1
        elif depth:
            continue
        elif word == ")":
            yield found.start()
            between, is_over = 0, False
        elif is_over:
            continue
        elif word == "BETWEEN":
            between += 1
        elif word == "AND" and between:
            between -= 1
        else:
            yield found.start()
            is_over = True


def _opened(code: str, at: int) -> Iterator[int]:
    """Yield where the brackets around what stands `at` begin, the nearest first."""
    depth = 0
    for place in range(at - 1, -1, -1):
        if code[place] == ")":
            depth += 1
        elif code[place] == "(":
            if not depth:
                yield place
            depth = max(0, depth - 1)


def _closed(code: str, opened: int) -> int | None:
    """Return the place behind the brackets that begin where `opened` says."""
    depth = 0
    for place in range(opened, len(code)):
        depth += {"(": 1, ")": -1}.get(code[place], 0)
        if not depth:
            return place + 1
    return None
