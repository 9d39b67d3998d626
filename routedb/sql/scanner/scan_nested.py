"""Split the texts that one pass of the pattern cannot: match by match.

Three things need more than a regular expression: PostgreSQL's comments nest, its
dollar quotes end at their own tag, and what stands in MySQL's executable comments is
code. The openers of all three match alone, so that they are seen here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from routedb.sql.scanner.patterns import MYSQL, PATTERNS

_EDGE = re.compile(r"/\*|\*/")
_EXECUTABLE = re.compile(r"/\*M?!\d*")


def is_dollar_quoted(parts: list[str]) -> bool:
    """Tell whether one of the matches opens a dollar quote."""
    return any(part[0] == "$" for part in parts[1::2])


def split_nested(sql: str, dialect: str) -> tuple[list[str], str]:
    """Return the parts of `sql`, in `dialect`, and what is left open at its end.

    Parts are as the pattern's `split` gives them: those at odd places are no code. The
    marks of executable comments stay in the code, as do their contents.
    """
    if dialect in MYSQL:
        return _split_executable(sql, dialect)
    search = PATTERNS[dialect].search
    parts: list[str] = []
    add = parts.append
    fault = ""
    begin = 0
    while match := search(sql, begin):  # a megabyte may hold 300,000
        start, end = match.span()
        first = sql[start]
        if first == "$":
            tag = match[0]
            closer = sql.find(tag, end)
            end = closer + len(tag) if closer >= 0 else len(sql)
            fault = "" if closer >= 0 else "unterminated quote"
        elif first == "/" and end == start + 2:
            end, fault = _comment_end(sql, start)
        add(sql[begin:start])
        add(sql[start:end])
        begin = end
    add(sql[begin:])
    return parts, fault


def _split_executable(sql: str, dialect: str) -> tuple[list[str], str]:
    parts: list[str] = []
    position = 0
    fault = ""
    for start, end, problem in _matches(sql, dialect):
        parts += (sql[position:start], sql[start:end])
        position = end
        fault = problem
    parts.append(sql[position:])
    return parts, fault


def _matches(sql: str, dialect: str) -> Iterator[tuple[int, int, str]]:
    search = PATTERNS[dialect].search
    position = 0
    open_comments = 0
    while True:
        match = search(sql, position)
        if open_comments:
            edge = sql.find("*/", position, match.start() + 2 if match else len(sql))
            if edge >= 0 and (match is None or edge < match.start()):
                position = edge + 2
                open_comments -= 1
                continue
        if match is None:
            return
        start, position = match.span()
        fault = ""
        if match[0] == "/*":
            executable = _EXECUTABLE.match(sql, start)
            if executable:
                position = executable.end()
                open_comments += 1
                continue
            position, fault = _comment_end(sql, start)
        yield start, position, fault


def _comment_end(sql: str, start: int) -> tuple[int, str]:
    """Find the end of PostgreSQL's comment, which may hold others."""
    depth = 0
    for edge in _EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end(), ""
    return len(sql), "unterminated comment"
