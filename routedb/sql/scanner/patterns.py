"""How each dialect writes what is not code: quotes, comments, numbers, as patterns.

Python's engine skips quickly to the next character of a set, and slowly when every
alternative must be tried everywhere. So each pattern starts with one set of the
characters that may begin something, and tells what began by looking behind (measured:
1.7 us instead of 7 for 82 characters). Every alternative for a quote ends at its
closing quote or at the end of the text: nothing is ever tried twice, whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

DIALECTS = ("postgresql", "mysql", "sqlite")

# A session's settings change how its dialect writes quotes. Each way to write has a
# name beside those of the dialects, which are the ways without such a setting. Of a
# shape nothing tells it: there names and strings are as the dialect has them without.
MYSQL_ANSI = "mysql_ansi"  # ANSI_QUOTES: "x" is a name
MYSQL_PLAIN = "mysql_plain"  # NO_BACKSLASH_ESCAPES: 'x\' is a string
MYSQL_ANSI_PLAIN = "mysql_ansi_plain"
POSTGRESQL_ESCAPES = "postgresql_escapes"  # standard_conforming_strings = off
MYSQL = frozenset({"mysql", MYSQL_ANSI, MYSQL_PLAIN, MYSQL_ANSI_PLAIN})
QUOTES_NAMES = frozenset({MYSQL_ANSI, MYSQL_ANSI_PLAIN})
DIALECT_OF = {
    **{dialect: dialect for dialect in DIALECTS},
    **dict.fromkeys(MYSQL, "mysql"),
    POSTGRESQL_ESCAPES: "postgresql",
}

Made = TypeVar("Made")


class ByLexis(dict[str, Made]):
    """What is made for each way to write, when a text of it is first read.

    A program has texts of one or two. To compile all patterns takes 0.1 s, which each
    process would wait for at its start.
    """

    def __init__(self, make: Callable[[str], Made]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, lexis: str) -> Made:
        made = self[lexis] = self._make(lexis)
        return made


# What may follow the first character of a name, as the inside of a set: beyond ASCII
# every character may, also those that are no letters, such as an emoji, and those that
# Python takes for white space.
IN_NAME = r"\w$\x80-\U0010ffff"

_IN_TAG = r"[\w\x80-\U0010ffff]"

# Bodies, after the opening quote. A doubled quote stands for itself.
_STANDARD = r"[^']*(?:''[^']*)*(?:'(?!')|\Z)"
_ESCAPED = r"[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*(?:'(?!')|\\?\Z)"
_DOUBLE = r'[^"]*(?:""[^"]*)*(?:"(?!")|\Z)'
_DOUBLE_ESCAPED = r'[^"\\]*(?:(?:\\[\s\S]|"")[^"\\]*)*(?:"(?!")|\\?\Z)'
_BACKTICK = r"[^`]*(?:``[^`]*)*(?:`(?!`)|\Z)"
_BRACKET = r"[^\]]*(?:\]|\Z)"

# A quote after a lone E: not the e of date'2024-01-01'.
_NOT_E = rf"(?:(?<![eE]')|(?<=[{IN_NAME}][eE]'))"
# PostgreSQL goes on with a string behind a newline, in the same mode: E'a'\n'\''. What
# is between may hold comments. One character at a time: nothing is tried twice.
CONTINUED = r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*(?=')"
_SINGLE = {
    "postgresql": (
        rf"(?:{_NOT_E}{_STANDARD}(?:{CONTINUED}'{_STANDARD})*"
        rf"|{_ESCAPED}(?:{CONTINUED}'{_ESCAPED})*)"
    ),
    # Bits have no escapes; U&'…' the server refuses then.
    POSTGRESQL_ESCAPES: (
        rf"(?:(?<=[bBxX]')(?<![{IN_NAME}][bBxX]')"
        rf"{_STANDARD}(?:{CONTINUED}'{_STANDARD})*"
        rf"|{_ESCAPED}(?:{CONTINUED}'{_ESCAPED})*)"
    ),
    "mysql": _ESCAPED,
    MYSQL_PLAIN: _STANDARD,
    "sqlite": _STANDARD,
}

# After a first digit that no name, parameter or number has before it. A sign stays
# code: whether it is one or a subtraction only a parser can tell.
_NUMBER = (
    rf"(?<![{IN_NAME}.].)(?:(?<=0)[xXoObB][0-9a-fA-F_]+"
    rf"|[\d_]*(?:\.(?!\.)[\d_]*)?(?:[eE][+-]?\d+)?)(?![{IN_NAME}])"
)
_FRACTION = rf"(?<![{IN_NAME}.\])\"`].)\d[\d_]*(?:[eE][+-]?\d+)?(?![{IN_NAME}])"

# A comment that holds no other; openers of nested ones go to `scan_nested`.
_PLAIN_COMMENT = r"[^*/]*(?:(?:\*(?!/)|/(?!\*))[^*/]*)*\*/"
# One that is not closed ends with the text, or every opener would look for its end.
_FLAT_COMMENT = r"(?:[^*]*\*+(?:[^/*][^*]*\*+)*/|[\s\S]*\Z)"


def _pattern(starts: str, *alternatives: str) -> str:
    return f"([{starts}](?:{'|'.join(alternatives)}))"


def _common(lexis: str) -> tuple[str, ...]:
    return (
        f"(?<=')(?:{_SINGLE[lexis]})",
        f"(?<=[0-9]){_NUMBER}",
        rf"(?<=\.){_FRACTION}",
    )


def _postgresql(lexis: str) -> str:
    return _pattern(
        r"'\"0-9./$-",
        *_common(lexis),
        f'(?<="){_DOUBLE}',
        r"(?<=-)-[^\n\r]*",
        rf"(?<=/)\*(?:{_PLAIN_COMMENT})?",
        rf"(?<=\$)(?<![{IN_NAME}].)(?:[A-Za-z_\x80-\U0010ffff]{_IN_TAG}*)?\$",
    )


def _mysql(single: str, double: str) -> str:
    return _pattern(
        r"'\"`0-9./#-",
        *_common(single),
        f'(?<="){double}',
        f"(?<=`){_BACKTICK}",
        r"(?<=-)-(?=[\x00-\x20]|\Z)[^\n]*",
        r"(?<=#)[^\n]*",
        rf"(?<=/)\*(?:(?!M?!){_FLAT_COMMENT})?",
    )


_TEXTS = {
    "postgresql": _postgresql("postgresql"),
    POSTGRESQL_ESCAPES: _postgresql(POSTGRESQL_ESCAPES),
    "mysql": _mysql("mysql", _DOUBLE_ESCAPED),
    MYSQL_ANSI: _mysql("mysql", _DOUBLE),
    MYSQL_PLAIN: _mysql(MYSQL_PLAIN, _DOUBLE),
    MYSQL_ANSI_PLAIN: _mysql(MYSQL_PLAIN, _DOUBLE),
    "sqlite": _pattern(
        r"'\"`\[0-9./-",
        *_common("sqlite"),
        f'(?<="){_DOUBLE}',
        f"(?<=`){_BACKTICK}",
        rf"(?<=\[){_BRACKET}",
        r"(?<=-)-[^\n]*",
        rf"(?<=/)\*{_FLAT_COMMENT}",
    ),
}
PATTERNS = ByLexis(lambda lexis: re.compile(_TEXTS[lexis]))


# What the first character of a match says it is, as what stands in for it in the shape.
# The order of these texts counts: what is greater than a comment's is a literal.
NAME = ""  # stays as it is
COMMENT = " "
STRING = "''"
NUMBER = "0"

_DIGITS = dict.fromkeys("0123456789.", NUMBER)
MARKS = {
    "postgresql": _DIGITS
    | {"'": STRING, '"': NAME, "-": COMMENT, "/": COMMENT, "$": STRING},
    "mysql": _DIGITS
    | {"'": STRING, '"': STRING, "`": NAME}
    | {"-": COMMENT, "#": COMMENT, "/": COMMENT},
    "sqlite": _DIGITS
    | {"'": STRING, '"': NAME, "`": NAME, "[": NAME}
    | {"-": COMMENT, "/": COMMENT},
}
MARKS[POSTGRESQL_ESCAPES] = MARKS["postgresql"]
MARKS[MYSQL_PLAIN] = MARKS["mysql"]
MARKS[MYSQL_ANSI] = MARKS[MYSQL_ANSI_PLAIN] = MARKS["mysql"] | {'"': NAME}

# Letters that belong to the string behind them.
PREFIXED = re.compile(rf"(?<![{IN_NAME}])(?:[eEbBxXnN]|[uU]&)\Z").search
PREFIX_ENDS = frozenset("eEbBxXnN&")

# Whether the last match, which reaches the end of the text, was closed there.
CLOSED_COMMENT = re.compile(r"/\*[\s\S]*\*/").fullmatch
_CLOSED_STANDARD = r"'[^']*(?:''[^']*)*'"
_CLOSED_ESCAPED = r"'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'"
_CLOSED_NAMES = r'"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\]'
_CLOSED = {
    "postgresql": (
        rf"[^'eE]?&?{_CLOSED_STANDARD}(?:{CONTINUED}{_CLOSED_STANDARD})*"
        rf"|[eE]{_CLOSED_ESCAPED}(?:{CONTINUED}{_CLOSED_ESCAPED})*|{_CLOSED_NAMES}"
    ),
    "mysql": (
        rf"[^'\"]?{_CLOSED_ESCAPED}|`[^`]*(?:``[^`]*)*`"
        r'|"[^"\\]*(?:(?:\\[\s\S]|"")[^"\\]*)*"'
    ),
    POSTGRESQL_ESCAPES: (
        rf"[bBxX]{_CLOSED_STANDARD}(?:{CONTINUED}{_CLOSED_STANDARD})*"
        rf"|[^'bBxX]?&?{_CLOSED_ESCAPED}(?:{CONTINUED}{_CLOSED_ESCAPED})*"
        rf"|{_CLOSED_NAMES}"
    ),
    MYSQL_ANSI: rf"[^'\"]?{_CLOSED_ESCAPED}|{_CLOSED_NAMES}",
    MYSQL_PLAIN: rf"[^'\"]?{_CLOSED_STANDARD}|{_CLOSED_NAMES}",
    MYSQL_ANSI_PLAIN: rf"[^'\"]?{_CLOSED_STANDARD}|{_CLOSED_NAMES}",
    "sqlite": rf"[^']?{_CLOSED_STANDARD}|{_CLOSED_NAMES}",
}
CLOSED = ByLexis(lambda lexis: re.compile(_CLOSED[lexis]))

# Names in quotes, in code without strings. One that is not closed ends with the text.
_QUOTES = {
    "postgresql": (r'"[^"]*(?:"|\Z)',),
    "mysql": (r"`[^`]*(?:`|\Z)",),
    "sqlite": (r'"[^"]*(?:"|\Z)', r"`[^`]*(?:`|\Z)", r"\[[^\]]*(?:\]|\Z)"),
}
# Names are written as the dialect does by then.
QUOTED_NAMES = {lexis: "|".join(_QUOTES[of]) for lexis, of in DIALECT_OF.items()}
