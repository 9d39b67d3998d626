"""Very long INSERTs: take the rows out without looking at each of them.

A row of literals says nothing that its neighbour does not. So the text is cut in three:
what stands before the first row, the rows, and what follows them; only the first and
the last are scanned. That the middle holds nothing but literals is made certain with a
few passes of C-speed primitives (measured: 1 MB in 4 ms; the scan of it all takes 60).
Where it is not certain, the whole text is scanned.
"""

from __future__ import annotations

import re

LONG = 20_000
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

# Bytes of rows that say nothing. Not among them are "/", "$", ";", "@", "#", quotes of
# names and brackets: what begins with these must be seen.
_SILENT = b"0123456789.,()+ \t\r\n%:?"
_BLANK = bytes(ord(" ") if b in b"(),+-*<>=|: \t\r\n%?'" else b for b in range(256))
_LITERALS = re.compile(
    rb"(?:'|-(?!-)|NULL|DEFAULT|TRUE|FALSE|S|[XBN](?='))*", re.IGNORECASE
).fullmatch
_LITERAL_WORDS = frozenset((b"NULL", b"DEFAULT", b"TRUE", b"FALSE", b"E", b"S"))
# Words that may begin a query, or what follows the rows.
_TELLING = frozenset(
    b"""SELECT FROM TABLE WITH VALUES VALUE ROW INTO RETURNING ON SET AS UNION WHERE
    """.split()
)
_MOST_WORDS = 64


def shorten(sql: str, dialect: str) -> str | None:
    """Return `sql` with one row for all its rows; None when that is not certain.

    Other words than literals in the rows are written as calls into that one row: they
    are functions, or names of types and keywords, for which that does no harm.
    """
    head = _HEAD(sql)
    if head is None:
        return None
    end = _rows_end(sql)
    if end <= head.end():
        return None
    words = _words(sql[head.end() : end], dialect)
    if words is None:
        return None
    calls = "".join(f", {word}()" for word in words)
    return f"{head[0]}(0{calls}){sql[end:]}"


def _rows_end(sql: str) -> int:
    """Find the bracket that closes the last row, by what may follow it."""
    ends = [m.start() + 1 for m in _TAIL(sql, max(0, len(sql) - _LONGEST_TAIL))]
    return ends[0] if ends else 0


def _words(rows: str, dialect: str) -> list[str] | None:
    """Return the words outside strings; None when the rows may hold more than rows.

    If a quote, comment or escape is not what it is taken for here, the first one such
    stands outside strings, and so is among the bytes that are looked at.
    """
    data = rows.encode("utf-8", "surrogatepass")
    if dialect == "mysql" and b"\\" in data:
        data = _ESCAPE(b"", data)
    if _are_literals(data):
        return []
    code = _outside(data)
    if code is None or b"--" in code or (dialect == "postgresql" and _E_QUOTE(code)):
        return None
    words = {w.upper() for w in set(code.translate(_BLANK, b"0123456789.").split())}
    words -= _LITERAL_WORDS
    is_certain = (
        len(words) <= _MOST_WORDS
        and words.isdisjoint(_TELLING)
        and all(word.replace(b"_", b"").isalpha() for word in words)
    )
    return [word.decode() for word in sorted(words)] if is_certain else None


def _are_literals(data: bytes) -> bool:
    """Tell whether there is nothing but strings, numbers and NULL: the usual case.

    Without what says nothing, strings stand beside one another, and two quotes with
    nothing between them may go: nearly all is gone before anything is cut up. That may
    bring two "-" together which were none, but it parts no two that were a comment.
    """
    packed = data.translate(None, _SILENT)
    code = _outside(packed.replace(b"NULL", b"").replace(b"''", b""))
    return code is not None and _LITERALS(code) is not None


def _outside(data: bytes) -> bytes | None:
    """Return what is outside quotes; None when one is not closed."""
    pieces = data.split(b"'")
    return b"'".join(pieces[::2]) if len(pieces) % 2 else None


_ESCAPE = re.compile(rb"\\.", re.DOTALL).sub
_E_QUOTE = re.compile(rb"[eE]'").search
