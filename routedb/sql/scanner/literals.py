"""Read the value of a literal from its source text."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from routedb.sql.scanner.patterns import CONTINUED

_DECIMAL = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII).fullmatch
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))",
    re.DOTALL,
).sub
# A string, and what is between it and the one that continues it.
_CONTENT = r"\1"
_STANDARD_PART = re.compile(rf"'((?:[^']|'')*)'(?:{CONTINUED})?").sub
_ESCAPED_PART = re.compile(rf"'((?:[^'\\]|''|\\.)*)'(?:{CONTINUED})?", re.DOTALL).sub
_POSTGRESQL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# In MySQL \% and \_ stay as they are, and \0 and \Z are single characters.
_MYSQL = _POSTGRESQL | {"0": "\0", "Z": "\x1a", "%": "\\%", "_": "\\_"}


class UnreadableLiteral(ValueError):
    """A literal's value is not certain. The message says why."""


def read_literal(text: str, dialect: str) -> int | Decimal | str | bytes:
    """Return the value of the literal that `dialect` writes as `text`.

    Raises UnreadableLiteral when it is not certain.
    """
    if _DECIMAL(text):
        return _number(text, dialect)
    first = text[0]
    if first in "'\"":
        if dialect == "mysql":
            return _mysql(text[1:-1], first)
        if dialect == "postgresql":
            text = f"'{_STANDARD_PART(_CONTENT, text)}'"
        inner = text[1:-1].replace(first * 2, first)
        if dialect == "postgresql" and "\\" in inner:
            raise UnreadableLiteral(
                "a string with a backslash, which depends on a setting"
            )
        return inner
    try:
        return _PREFIXED[dialect, first.lower()](text)
    except (KeyError, ValueError):
        raise UnreadableLiteral("a literal of this kind") from None


def _number(text: str, dialect: str) -> int | Decimal:
    number = int(text) if text.isdigit() else Decimal(text)
    if number > _EXACT and _IS_FLOAT[dialect](text):
        raise UnreadableLiteral("a floating number, too large to be exact")
    return number


# Which numbers a dialect reads as floats, and up to where these are exact.
_EXACT = 2**53
_IS_FLOAT: dict[str, Callable[[str], bool]] = {
    "postgresql": lambda text: False,
    "mysql": lambda text: "e" in text.lower(),
    "sqlite": lambda text: not text.isdigit() or int(text) >= 2**63,
}


def _mysql(inner: str, quote: str) -> str:
    # Doubled quotes and escapes in one pass: \'' is an escape and a lone quote.
    pattern = re.compile(rf"\\(.)|{quote}{quote}", re.DOTALL)
    return pattern.sub(
        lambda m: _MYSQL.get(m[1], m[1]) if m[1] is not None else quote, inner
    )


def _escaped(text: str) -> str:
    """Read E'…'."""
    inner = _ESCAPED_PART(_CONTENT, text[1:])
    inner = re.sub(r"(\\.)|''", lambda m: m[1] or "'", inner, flags=re.DOTALL)
    return _ESCAPE(_unescape, inner)


def _unescape(match: re.Match[str]) -> str:
    for group, base in ((1, 16), (2, 16), (3, 16), (4, 8)):
        if match[group] is not None:
            if int(match[group], base) > 0x7F and group in (1, 4):
                raise UnreadableLiteral("a string of escaped bytes")
            return chr(int(match[group], base))
    return _POSTGRESQL.get(match[5], match[5])


def _dollar(text: str) -> str:
    tag = text[: text.index("$", 1) + 1]
    return text[len(tag) : -len(tag)]


def _hexadecimal(text: str) -> bytes:
    return bytes.fromhex(text[2:-1])


_PREFIXED: dict[tuple[str, str], Callable[[str], str | bytes]] = {
    ("postgresql", "e"): _escaped,
    ("postgresql", "$"): _dollar,
    ("mysql", "x"): _hexadecimal,
    ("sqlite", "x"): _hexadecimal,
}
