"""Take statements out of SQLite's tests, which are programs in Tcl, and plain files."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

# Tcl's commands that run what stands in the braces behind them.
_RUNS = re.compile(
    r"\b(?:execsql2?|catchsql|db\d? (?:eval|one|exists)"
    r"|do_(?:exec|catch)sql\d?_test(?:\s+-\S+\s+\S+)*\s+\S+|do_eqp_test\s+\S+)\s*\{"
)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def tcl_texts(content: bytes) -> Iterator[str]:
    """Yield the statements in a test, in order. Those made of Tcl's variables are
    taken with `$name` as it stands, which SQLite reads as a parameter."""
    program = content.decode("utf-8", "replace")
    at = 0
    while found := _RUNS.search(program, at):
        at = _close(program, found.end())
        yield from texts(program[found.end() : at - 1].encode())


def _close(program: str, at: int) -> int:
    """Return the place behind the brace that ends the block begun before `at`."""
    depth = 1
    for match in _BRACE.finditer(program, at):
        depth += (match[0] == "{") - (match[0] == "}")
        if not depth:
            return match.end()
    return len(program) + 1


def texts(content: bytes) -> Iterator[str]:
    """Yield the statements of a file, cut where SQLite itself finds each complete."""
    pending = ""
    for piece in re.split(r"(?<=;)", content.decode("utf-8", "replace")):
        pending += piece
        if sqlite3.complete_statement(pending):
            if text := pending.strip().rstrip(";").strip():
                yield text
            pending = ""
    if text := pending.strip():
        yield text
