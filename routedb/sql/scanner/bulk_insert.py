"""Long INSERTs: take the rows out without looking at each of them.

One row of literals is classified as a thousand are. So the text is cut in three:
what stands before the first row, the rows, and what follows them; only the first and
the last are scanned. That the middle holds nothing but literals is made certain with a
few passes of C-speed primitives (measured: 1 MB in 2 to 5 ms; a scan of all takes 60).
Where it is not certain, the whole text is scanned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONG = 1_000
_LONGEST_TAIL = 4096

_HEAD = re.compile(
    r"\s*(?:/\*(?:[^*]|\*(?!/))*\*/\s*)?(?:INSERT|REPLACE)\b[^'$;#\\\-]{0,16000}?"
    r"\bVALUES?\s*(?=\()",
    re.IGNORECASE,
).match
_TAIL = re.compile(
    r"\)\s*(?=(?:ON\s+(?:CONFLICT|DUPLICATE)|RETURNING)\b|;?\s*\Z"
    r"|AS\s+\w+\s*(?:\([^()]*\)\s*)?ON\b)",
    re.IGNORECASE,
).finditer

# Bytes of rows that are only part of literals. Not among them are "/", "$", ";", "@",
# "#" and quotes of names: what begins with these must be seen.
_DIGITS = b"0123456789."
_SILENT = _DIGITS + b",()+ \t\r\n%:?"
_BRACKETS = b"[]"  # of arrays; elsewhere they may quote names
_BLANK = bytes(ord(" ") if b in b"(),+-*<>=|: \t\r\n%?'[]" else b for b in range(256))
# What is left of literals, with the E of an exponent and of E'…', and without.
_LITERALS, _LITERALS_BUT_E = (
    re.compile(rb"(?:['S%b]|-(?!-)|NULL|DEFAULT|TRUE|FALSE)*" % b, re.I).fullmatch
    for b in (b"XBNE", b"XBN")
)
_LITERAL_WORDS = frozenset(b"NULL DEFAULT TRUE FALSE S X B N E".split())
# Words that may begin a query, or what follows the rows.
_TELLING = frozenset(
    b"""SELECT FROM TABLE WITH VALUES VALUE ROW INTO RETURNING ON SET AS UNION WHERE
    """.split()
)
_MOST_WORDS = 64
_SAMPLE = 1024


def shorten(sql: str, dialect: str) -> str | None:
    """Return `sql`, an INSERT of `dialect`, with one row for all its rows.

    None when it is none, or may hold more than literals there. Other words than
    literals in the rows are written as calls into that one row: they are functions, or
    names of types and keywords, for which that does no harm.
    """
    head = _HEAD(sql)
    if head is None:
        return None
    for end in _rows_ends(sql):
        words = _words(sql[head.end() : end], dialect) if end > head.end() else None
        if words is not None:
            calls = "".join(f", {word}()" for word in words)
            return f"{head[0]}(0{calls}){sql[end:]}"
    return None


def _rows_ends(sql: str) -> Iterator[int]:
    """Find the bracket that closes the last row: as a rule the last there is, else by
    what may follow it. Too late a one has telling words before it."""
    last = len(sql.rstrip().removesuffix(";").rstrip())
    if sql.endswith(")", 0, last):
        yield last
    for match in _TAIL(sql, max(0, len(sql) - _LONGEST_TAIL)):
        if match.start() + 1 != last:
            yield match.start() + 1
        return


def _words(rows: str, dialect: str) -> list[str] | None:
    """Return the words outside strings; None when the rows may hold more than rows.

    If a quote, comment or escape is not what it is taken for here, the first one such
    stands outside strings, and so is among the bytes that are looked at.
    """
    data = rows.encode("utf-8", "surrogatepass")
    if b"x" in data and b"0x" in data:  # one byte is found much faster than two
        data = _HEX(b"0", data)
    if b"[" in data and dialect != "postgresql":
        return None
    are_alike = True  # strings end at the same quote with and without an E before them
    if b"\\" in data:
        if dialect == "mysql":
            data = _ESCAPE(b"", data)
        else:
            are_alike = b"\\'" not in data.replace(b"\\\\", b"")
    words = _words_of(data, are_alike) - _LITERAL_WORDS
    is_certain = (
        len(words) <= _MOST_WORDS
        and words.isdisjoint(_TELLING)
        and all(word.replace(b"_", b"").isalpha() for word in words)
    )
    return [word.decode() for word in sorted(words)] if is_certain else None


def _words_of(data: bytes, are_alike: bool) -> set[bytes]:
    packed = _pack(data)
    if _are_literals(packed, are_alike):
        return set()
    usual = _usual(data)
    if _TELLING.isdisjoint(usual):
        for word in usual:
            if len(word) > 2:
                packed = packed.replace(word, b"")
            elif word in (b"X", b"B", b"N", b"x") or (word == b"E" and are_alike):
                packed = packed.replace(word + b"'", b"'")
        if _are_literals(packed, are_alike):
            return {word.upper() for word in usual}
    return _all_words(data, are_alike)


def _usual(data: bytes) -> list[bytes]:
    """Return the words outside strings among the first rows, the longest first."""
    start = data[: data.rfind(b")", 0, _SAMPLE) + 1].translate(None, _DIGITS)
    code = b"'".join(start.split(b"'")[::2])
    return sorted(set(_WORD(code)), key=len, reverse=True)[:8]


def _pack(data: bytes) -> bytes:
    """Take out what is only part of literals.

    To take something out of a string, too, does no harm, while it holds no quote.
    """
    has_comment = b"-" in data and b"--" in data
    silent = _SILENT + _BRACKETS if has_comment else _SILENT + _BRACKETS + b"-"
    packed = data.translate(None, silent)
    return packed.replace(b"NULL", b"") if b"N" in packed else packed


def _are_literals(packed: bytes, are_alike: bool) -> bool:
    """Tell whether there is nothing left but strings and the marks of literals.

    Strings stand beside one another, and two quotes with nothing between them may go:
    nearly all is gone before anything is cut up.
    """
    code = _outside(packed.replace(b"''", b""))
    match = _LITERALS if are_alike else _LITERALS_BUT_E
    return code is not None and match(code) is not None


def _all_words(data: bytes, are_alike: bool) -> set[bytes]:
    """Return every word outside strings, and what else stands there."""
    code = _outside(data)
    if code is None or b"--" in code or (not are_alike and _E_QUOTE(code)):
        return {b"?"}
    return {word.upper() for word in code.translate(_BLANK, _DIGITS).split()}


def _outside(data: bytes) -> bytes | None:
    """Return what is outside quotes; None when one is not closed."""
    pieces = data.split(b"'")
    return b"'".join(pieces[::2]) if len(pieces) % 2 else None


_ESCAPE = re.compile(rb"\\.", re.DOTALL).sub
_HEX = re.compile(rb"\b0x[0-9a-fA-F]+").sub
_WORD = re.compile(rb"[A-Za-z_]+").findall
_E_QUOTE = re.compile(rb"[eE]'").search
