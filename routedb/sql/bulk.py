"""Very long INSERTs: take the rows out without looking at each of them.

A row of literals says nothing that its neighbour does not. So the text is cut in three:
what stands before the first row, the rows, and what follows them; only the first and
the last are scanned. That the middle holds nothing but literals is made certain with a
few passes of C-speed primitives. Where it is not certain, the whole text is scanned.
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
    r"\)\s*(?=(?:ON\s+(?:CONFLICT|DUPLICATE)|RETURNING|AS)\b|;?\s*\Z)", re.IGNORECASE
).finditer

# Bytes that rows of literals are made of. Not "-" twice, "/" or "$": what begins a
# comment or another kind of quote must be seen.
_DULL_BYTES = b"0123456789.,()+-: \t\r\n%'"
_BLANK = bytes(ord(" ") if byte in _DULL_BYTES else byte for byte in range(256))
_DULL_WORDS = frozenset(
    b"""
    NULL DEFAULT TRUE FALSE E S DATE TIME TIMESTAMP TIMESTAMPTZ INTERVAL INT BIGINT TEXT
    NUMERIC UUID JSON JSONB VARCHAR CHAR BOOLEAN BOOL FLOAT REAL DOUBLE PRECISION BYTEA
    NOW CURRENT_TIMESTAMP CURRENT_DATE B X N _BINARY _UTF _UTF8MB4 _BINARY CAST AS
    """.split()
)


def shorten(sql: str, dialect: str) -> str | None:
    """Return `sql` with one row for all its rows; None when that is not certain."""
    head = _HEAD(sql)
    if head is None:
        return None
    end = _rows_end(sql)
    if end <= head.end():
        return None
    rows = sql[head.end() : end]
    if not _is_dull(rows, dialect):
        return None
    return f"{head[0]}(0){sql[end:]}"


def _rows_end(sql: str) -> int:
    """Find the bracket that closes the last row, by what may follow it."""
    ends = [m.start() + 1 for m in _TAIL(sql, max(0, len(sql) - _LONGEST_TAIL))]
    return ends[0] if ends else 0


def _is_dull(rows: str, dialect: str) -> bool:
    """Tell whether the rows hold nothing but literals, and every quote is closed.

    If a quote, comment or escape is not what it is taken for here, the first one such
    stands outside strings, and so among the code that is looked at.
    """
    if "\\" in rows and dialect == "mysql":
        rows = rows.replace("\\\\", "").replace("\\'", "").replace('\\"', "")
        if "\\" in rows:
            rows = re.sub(r"\\.", "", rows, flags=re.DOTALL)
    pieces = rows.split("'")
    if not len(pieces) % 2:
        return False
    code = "'".join(pieces[::2]).encode("utf-8", "replace")
    if b"--" in code or (dialect == "postgresql" and _E_QUOTE(code)):
        return False
    return all(
        word.upper() in _DULL_WORDS for word in set(code.translate(_BLANK).split())
    )


_E_QUOTE = re.compile(rb"[eE]'").search
