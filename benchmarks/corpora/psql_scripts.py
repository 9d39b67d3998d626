"""Take a script for psql apart into statements."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pglast import Error, parser

# psql's own commands, and the rows that follow COPY … FROM STDIN.
_GSET = re.compile(r"\\(g\w*|crosstabview|watch)\b[^\n]*")
_COMMAND = re.compile(r"^[ \t]*\\[^\n]*$", re.MULTILINE)
_ROWS = re.compile(
    r"(^\s*copy\b[^;]*\bfrom\s+stdin\b[^;]*;)[^\n]*\n.*?^\\\.$",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)


def texts(content: bytes) -> Iterator[str]:
    """Yield the statements of a script."""
    sql = content.decode("utf-8", "replace")
    sql = _COMMAND.sub("", _GSET.sub(";", _ROWS.sub(r"\1", sql)))
    yield from (text for piece in _pieces(sql) if (text := piece.strip()))


_TOKEN = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"[^\"]*\"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/|[();]"
    r"|\bbegin\s+atomic\b|\bcase\b|\bend\b",
    re.DOTALL | re.IGNORECASE,
)


def _pieces(sql: str) -> Iterator[str]:
    """Cut at semicolons: by the scanner of PostgreSQL, or roughly where it fails."""
    try:
        yield from parser.split(sql, with_parser=False)
        return
    except Error:
        pass
    start = depth = blocks = 0
    for match in _TOKEN.finditer(sql):
        token = match[0].lower()
        depth += (token == "(") - (token == ")")
        if token.startswith("begin") or (token == "case" and blocks):
            blocks += 1
        elif token == "end" and blocks:
            blocks -= 1
        elif token == ";" and depth <= 0 and not blocks:
            yield sql[start : match.start()]
            start, depth = match.end(), 0
    yield sql[start:]
