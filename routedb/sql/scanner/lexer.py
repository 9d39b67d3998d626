"""From a shape to the tokens of its statements, with sqlparse's lexer.

The lexer knows no dialect and has its own ideas of quotes, `$`, `#`, `@` and `%x`. So
it is given only what it cannot misread: every quoted name is replaced by a number in
backticks, literals and placeholders by 0, odd operators by ^.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from typing import Any

from routedb.sql.scanner.placeholders import NAMED
from routedb.sql.scanner.splitter import statement_ends

LITERAL = "0"
QUOTED = "`"  # a quoted name; raw is the name without its quotes
STRING = "'"  # a string that was left in the shape
USER_VARIABLE = "@"
SYSTEM_VARIABLE = "@@"

# The lexer needs some 1 us a token: a longer text that folding does not shorten is not
# read, which makes it a statement of unknown kind.
LONGEST = 200_000
_WORTH_FOLDING = 400
_WORTH_GROUPING = 20_000


class UnreadableStatement(Exception):  # noqa: N818  (never leaves routedb.sql)
    """The tokens make no statement. The message says why."""


class Tokens:
    """One statement. `upper` are words in capitals and marks, `raw` as written.

    Both end with four empty tokens, so that looking ahead needs no bounds. `close`
    maps each opening bracket to its closing one.
    """

    __slots__ = ("close", "raw", "upper")

    def __init__(self, upper: list[str], raw: list[str]) -> None:
        self.close = _brackets(upper)
        self.upper = [*upper, "", "", "", ""]
        self.raw = [*raw, "", "", "", ""]


def _brackets(upper: list[str]) -> dict[int, int]:
    close: dict[int, int] = {}
    if "(" not in upper and ")" not in upper:
        return close
    opened: list[int] = []
    for index, token in enumerate(upper):
        if token == "(":
            opened.append(index)
        elif token == ")":
            if not opened:
                raise UnreadableStatement("a bracket is closed that was not opened")
            close[opened.pop()] = index
    if opened:
        raise UnreadableStatement("a bracket is not closed")
    return close


_NAMES = r'(?:[uU]&)?"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`'
_STRINGS = r"'(?:[^'\\]|''|\\.)*'"
_FIRST = {
    "postgresql": re.compile(rf"({_NAMES})|[eE]?({_STRINGS})", re.DOTALL).sub,
    "mysql": re.compile(
        rf"(`[^`]*(?:``[^`]*)*`)|({_STRINGS}|\"(?:[^\"\\]|\"\"|\\.)*\")"
        r"|(@@?)(?=[\w$`'])([\w$.]*)",
        re.DOTALL,
    ).sub,
    "sqlite": re.compile(rf"({_NAMES}|\[[^\]]*\])|({_STRINGS})", re.DOTALL).sub,
}
_NEEDS_FIRST = {
    "postgresql": re.compile("[\"']").search,
    "mysql": re.compile("[`'\"@]").search,
    "sqlite": re.compile("[\"'`[]").search,
}

# Placeholders of every style the dialect's drivers know, then what the lexer would
# take for something else. "[" opens a subscript or an array: a bracket, not a call.
_PYFORMAT = rf"{NAMED}(?!\w)|%s(?![\w(]|\s+\()"
_COLON = r"(?<![:\w]):[A-Za-z_]\w*(?![\w(]|\s+\()"
_PLACEHOLDERS = {
    "postgresql": re.compile(rf"{_PYFORMAT}|{_COLON}|\$\d+").sub,
    "mysql": re.compile(rf"{_PYFORMAT}|{_COLON}|\?").sub,
    "sqlite": re.compile(rf"{_PYFORMAT}|{_COLON}|\?\d*|[@$][A-Za-z_]\w*").sub,
}
_ODD = re.compile(r"[@#´\\?%]|(?<!:):(?![:=])").sub
_NEEDS_CARE = re.compile(r"[%?:$@#´\\\[]|--").search

_LIST = re.compile(r"(?<![\w.`])0(?:, ?0)+(?![\w.`])").sub
_ROWS = re.compile(r"(\([^()]*(?:\([^()]*\)[^()]*)*\))(?:, ?\1)+").sub
_EXECUTABLE = re.compile(r"/\*M?!\d*(.*?)(?:\*/|\Z)", re.DOTALL).sub
_CONDITIONS = re.compile(r"/\*M?!\d*").findall

_Names = list[tuple[str, str]]
_Lexer = tuple[Callable[[str], Iterator[tuple[object, str]]], object, object, object]


def variants(shape: str, dialect: str) -> tuple[str, ...]:
    """Return the texts a shape stands for: two when a comment may be executed."""
    if dialect == "mysql" and "/*" in shape:
        return _EXECUTABLE(r" \1 ", shape), _EXECUTABLE(" ", shape)
    return (shape,)


def is_mixed(shape: str, dialect: str) -> bool:
    """Tell whether some servers would run a part of the executable comments only."""
    return dialect == "mysql" and len(set(_CONDITIONS(shape))) > 1


def statements(shape: str, dialect: str) -> tuple[list[Tokens], int]:
    """Return the statements of a shape, and how many there are.

    Neighbours that are the same are returned once. Raises Unreadable.
    """
    names: _Names = []
    text = _plain(shape, dialect, names)
    repeated = 0
    if len(text) > _WORTH_FOLDING:
        text = _ROWS(r"\1", _LIST("0", text))
        if len(text) > _WORTH_GROUPING:
            text, repeated = _group(text)
    if len(text) > LONGEST:
        raise UnreadableStatement(
            f"longer than {LONGEST} characters without its literals"
        )
    upper, raw = _lex(text, names)
    found = [Tokens(*part) for part in _separate(upper, raw)]
    return found, len(found) + repeated


def _plain(shape: str, dialect: str, names: _Names) -> str:
    """Replace all that the lexer could misread."""

    def keep(match: re.Match[str]) -> str:
        if match[0] == "''":
            return LITERAL
        names.append(_name(match, dialect))
        is_glued = match.start() and match.string[match.start() - 1].isalnum()
        return f"{' ' if is_glued else ''}`{len(names) - 1}`"

    if _NEEDS_FIRST[dialect](shape):
        shape = _FIRST[dialect](keep, shape)
    if _NEEDS_CARE(shape):
        shape = _PLACEHOLDERS[dialect](LITERAL, shape.replace("%%", "%"))
        shape = _ODD("^", shape.replace("--", "- -"))
        shape = shape.replace("[", "&(").replace("]", ")")
    return shape


def _name(match: re.Match[str], dialect: str) -> tuple[str, str]:
    if match[1]:
        return QUOTED, _unquote(match[1])
    if match[2]:
        quote = match[2][0]
        return STRING, match[2][1:-1].replace(quote * 2, quote)
    return (SYSTEM_VARIABLE if match[3] == "@@" else USER_VARIABLE), match[4]


def _unquote(name: str) -> str:
    if name[0] in "uU":
        return _UNICODE(_character, name[3:-1].replace('""', '"'))
    closing = "]" if name[0] == "[" else name[0]
    return name[1:-1].replace(closing * 2, closing)


_UNICODE = re.compile(r"\\(?:\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4})|(\\))").sub


def _character(match: re.Match[str]) -> str:
    if match[3]:
        return "\\"
    code = int(match[1] or match[2], 16)
    return chr(code) if code <= 0x10FFFF else "\ufffd"


def _group(text: str) -> tuple[str, int]:
    """Leave one of each run of equal statements: a dump holds thousands."""
    pieces = [piece for piece in (p.strip() for p in text.split(";")) if piece]
    kept = [piece for piece, _ in groupby(pieces)]
    return ";".join(kept), len(pieces) - len(kept)


def _lex(text: str, names: _Names) -> tuple[list[str], list[str]]:
    tokenize, space, word, quoted = _lexer()
    upper: list[str] = []
    raw: list[str] = []
    for kind, value in tokenize(text):
        if kind is space:
            continue
        if kind is word:
            upper.append(value.upper())
            raw.append(value)
        elif kind is quoted:
            mark, name = names[int(value[1:-1])]
            upper.append(mark)
            raw.append(name)
        else:
            upper.append(value)
            raw.append(value)
    return upper, raw


@cache
def _lexer() -> _Lexer:
    """Return sqlparse's lexer, taught the few tokens that a prepared text is made of.

    Its own grammar tries some forty patterns before it comes to a word. Imported when
    the first text is read: `import routedb` must be quick.
    """
    from sqlparse import tokens  # noqa: PLC0415
    from sqlparse.lexer import Lexer  # noqa: PLC0415

    lexer: Any = Lexer()  # its methods have no types
    lexer.clear()
    lexer.set_SQL_REGEX(
        [
            (r"\s+", tokens.Whitespace),
            (r"[^\W\d][\w$]*", tokens.Name),
            (r"0(?![\w$])", tokens.Number),
            (r"::|[(),.;]", tokens.Punctuation),
            (r"`\d+`", tokens.Literal),
            (r"\d[\w$]*", tokens.Name),
            (r"[^\s\w(),.;:`$]+|[\s\S]", tokens.Operator),
        ]
    )
    return lexer.get_tokens, tokens.Whitespace, tokens.Name, tokens.Literal


def _separate(
    upper: list[str], raw: list[str]
) -> Iterator[tuple[list[str], list[str]]]:
    start = 0
    ends = statement_ends(upper) if ";" in upper else ()
    for end in (*ends, len(upper)):
        if end > start:
            yield upper[start:end], raw[start:end]
        start = end + 1
