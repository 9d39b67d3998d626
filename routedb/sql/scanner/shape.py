"""From a text to its shape: what is left when literals and comments are taken out.

Texts of one shape are classified once. One regex pass splits the text into code and
what is not code; what the pattern alone cannot decide (nested comments, dollar quotes,
executable comments) goes to `scan_nested`, which walks the same pattern match by match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from routedb.sql.scanner import scan_nested
from routedb.sql.scanner.patterns import (
    CLOSED,
    CLOSED_COMMENT,
    COMMENT,
    DIALECT_OF,
    MARKS,
    MYSQL_ANSI_PLAIN,
    MYSQL_PLAIN,
    PATTERNS,
    POSTGRESQL_ESCAPES,
    PREFIX_ENDS,
    PREFIXED,
    QUOTED_NAMES,
    QUOTES_NAMES,
    STRING,
    ByLexis,
)
from routedb.sql.scanner.shape_lists import fold_lists, may_have_lists
from routedb.sql.scanner.string_names import has_string_name, name_strings

FAULT = "\0"  # begins the shape of a text that cannot be read
HINT = "/* routedb:"

_SPLIT = ByLexis(lambda lexis: PATTERNS[lexis].split)
_SPACES = ByLexis(
    lambda lexis: re.compile(rf"({QUOTED_NAMES[lexis]})|[ \t\n\r\f\v]+").sub
)
_HINTED = re.compile(r"(?:/\*|--|#)\s*routedb:(.*)", re.DOTALL).match
_COMMENT_END = re.compile(r"\s*\*+/\Z").sub

# Values that change what the statement does to the transaction stay in the shape, and
# those that name tables or belong to a name: U&"…" UESCAPE '!'.
_TELLING = re.compile(
    r"(?:^|;) ?(?:SET\b[^;]*?\b(?:autocommit|\w*transaction_|tx_)"
    r"|PREPARE TRANSACTION\b|(?:COMMIT|ROLLBACK) PREPARED\b|PRAGMA\b)"
    r'|&"[^"]*(?:""[^"]*)*" ?UESCAPE\b',
    re.IGNORECASE,
).search

_MAY_TELL = re.compile("SET |PREPARE |COMMIT |ROLLBACK |PRAGMA ", re.IGNORECASE).match


class Scan(NamedTuple):
    """One text taken apart. `"".join(parts)` is the text; its odd parts are no code.

    `dialect` is the way to write (`patterns.PATTERNS`) that it was read by. `shape` is
    the key of every cache. `literals` are written as in the text; where the session has
    a setting for strings, as the dialect writes them without it. `fault` says why the
    text cannot be read ("" when it can). `is_whole` is False when runs of literals were
    left out of a long text: then `literals` lacks them, and `parts` is the text in one;
    `scan` gives the rest.
    `counted` is the shape with every item of its lists, "" when it is not whole: texts
    that have it in common have as many literals.
    """

    shape: str
    literals: tuple[str, ...]
    parts: list[str]
    dialect: str
    fault: str = ""
    is_whole: bool = True
    counted: str = ""


def scan(sql: str, dialect: str) -> Scan:
    """Take `sql` apart as `dialect`, or a way to write it, has quotes, comments and
    numbers.

    Never raises; a text that cannot be read has a `fault`.
    """
    parts, fault = take_apart(sql, dialect)
    if len(parts) == 1:
        counted = shape = _fold(sql, dialect)
        if "(" in shape and may_have_lists(shape):
            shape = fold_lists(shape, DIALECT_OF[dialect])
        return Scan(shape, (), parts, dialect, counted=counted)
    marks = MARKS[dialect]
    code, literals, hints = _mask(parts, marks)
    if dialect in QUOTES_NAMES:
        _use_backticks(code)
    if not parts[-1] and not fault:
        fault = _fault(parts, dialect)
    if fault:
        return Scan(FAULT + fault, (), parts, dialect, fault)
    counted = shape = _fold("".join(code), dialect)
    read = parts
    respell = _RESPELL.get(dialect)
    if respell is not None:
        literals = [respell(literal) for literal in literals]
        read = [respell(part) if n % 2 else part for n, part in enumerate(parts)]
    if literals and dialect == "sqlite" and has_string_name(shape):
        read = parts.copy()
        for index in name_strings(parts, code, shape):
            read[index] = code[index]
            literals.remove(parts[index])
        counted = shape = _fold("".join(code), dialect)
    may_tell = ";" in shape or '&"' in shape or _MAY_TELL(shape)
    if literals and may_tell and _TELLING(shape):
        counted = shape = _fold("".join(_unmask(code, read, marks)), dialect)
    elif "(" in shape and may_have_lists(shape):
        shape = fold_lists(shape, DIALECT_OF[dialect])
    if hints:
        shape = f"{HINT} {' '.join(hints).replace('*/', '* /')} */ {shape}"
    return Scan(shape, tuple(literals), parts, dialect, counted=counted)


def may_depend(sql: str, dialect: str) -> bool:
    """Tell quickly whether what `sql`, of `dialect`, says may depend on the mode."""
    if dialect == "sqlite":  # it has no such setting
        return False
    if "\\" in sql or not sql.isascii():
        return True
    return dialect == "mysql" and ('"' in sql or "[" in sql)


def take_apart(sql: str, dialect: str) -> tuple[list[str], str]:
    """Return the parts of `sql`, in `dialect` or a way to write it, and what is found
    to be left open. Parts at odd places are no code."""
    parts = _SPLIT[dialect](sql)
    if "/*" in parts or ("$" in sql and scan_nested.is_dollar_quoted(parts)):
        return scan_nested.split_nested(sql, dialect)
    return parts, ""


def _mask(
    parts: list[str], marks: Mapping[str, str]
) -> tuple[list[str], list[str], list[str]]:
    """Return the parts with stand-ins, the literals, and the words of hints."""
    code = parts.copy()
    literals = []
    hints: list[str] = []
    for index in range(1, len(parts), 2):
        piece = parts[index]
        stand_in = marks[piece[0]]
        if stand_in > COMMENT:
            if parts[index - 1][-1:] in PREFIX_ENDS and piece[0] == "'":
                piece = _take_prefix(parts, code, index)
            literals.append(piece)
            code[index] = stand_in
        elif stand_in:
            code[index] = stand_in
            if "routedb:" in piece:
                hint = _HINTED(_COMMENT_END("", piece))
                hints += hint[1].split() if hint else ()
    return code, literals, hints


def _take_prefix(parts: list[str], code: list[str], index: int) -> str:
    """Move the E of E'…' from the code before it into the literal."""
    prefix = PREFIXED(parts[index - 1][-3:]) if parts[index - 1] else None
    if prefix is not None:
        parts[index] = prefix[0] + parts[index]
        parts[index - 1] = parts[index - 1][: -len(prefix[0])]
        code[index - 1] = parts[index - 1]
    return parts[index]


def _unmask(
    code: list[str], parts: list[str], marks: Mapping[str, str]
) -> Iterator[str]:
    for index, piece in enumerate(parts):
        is_literal = index % 2 and marks.get(piece[0], STRING) > COMMENT
        yield piece if is_literal else code[index]


def _use_backticks(code: list[str]) -> None:
    """Write the names that stand in double quotes as MySQL does without a mode."""
    for index in range(1, len(code), 2):
        if code[index][:1] == '"':
            name = code[index][1:-1].replace('""', '"').replace("`", "``")
            code[index] = f"`{name}`"


def _with_escapes(literal: str) -> str:
    """Write what NO_BACKSLASH_ESCAPES takes as it is for MySQL without a mode."""
    return literal.replace("\\", "\\\\")


def _as_escaped(literal: str) -> str:
    """Write what standard_conforming_strings = off reads as E'…' as such."""
    if "\\" not in literal or literal[0] not in "'nN":
        return literal
    return f"E{literal.lstrip('nN')}"


_RESPELL = {
    MYSQL_PLAIN: _with_escapes,
    MYSQL_ANSI_PLAIN: _with_escapes,
    POSTGRESQL_ESCAPES: _as_escaped,
}


def _fold(code: str, dialect: str) -> str:
    """Make every run of white space one space, outside quoted names."""
    if "  " not in code and code.isprintable():
        return code.strip(" ")
    if code.isascii() and '"' not in code and "`" not in code and "[" not in code:
        return " ".join(code.split())
    return _SPACES[dialect](lambda run: run[1] or " ", code).strip(" ")


def _fault(parts: list[str], dialect: str) -> str:
    """Say what the last match, which ends with the text, leaves open."""
    piece = parts[-2]
    first = piece[0]
    if first == "$":
        tag = piece[: piece.index("$", 1) + 1]
        is_closed = len(piece) >= 2 * len(tag) and piece.endswith(tag)
    elif first == "/":
        is_open = dialect != "sqlite" and not CLOSED_COMMENT(piece)
        return "unterminated comment" if is_open else ""  # SQLite's ends with the text
    elif first in "-#.0123456789":
        return ""
    else:
        is_closed = CLOSED[dialect].fullmatch(piece) is not None
    return "" if is_closed else "unterminated quote"
