"""COPY … FROM STDIN, taken apart: the table, its columns, and what lines are like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from routedb.errors import ShardError
from routedb.planner.line_format import CopiedIn, LineFormat
from routedb.planner.pieces import NAME
from routedb.planner.plans import Refusal
from routedb.planner.source_text import Refused, refuse
from routedb.sharding.rewrite.masking import FIRST, REST, MaskedText, mask
from routedb.sharding.rewrite.masking import NAME as QUOTED
from routedb.sql import scan
from routedb.sql.scanner.identifiers import fold_column
from routedb.sql.scanner.literals import UnreadableLiteral, read_literal

_ONE = rf"(?:{NAME}|{QUOTED}+)"
_HEAD = re.compile(
    rf"\s*COPY\s+(?:BINARY\s+)?({_ONE}(?:\s*\.\s*{_ONE})?)()\s*"
    rf"(?:\(((?:\s*{_ONE}\s*,)*\s*{_ONE}\s*)\)\s*)?FROM\s+STDIN\b",
    re.IGNORECASE,
).match
_TOKENS = re.compile(rf"\w+|{FIRST}{REST}*|[(),]").finditer
_NOISE = frozenset({"WITH", "AS", "(", ")", ","})
_VALUES = {"DELIMITER": "delimiter", "DELIMITERS": "delimiter", "NULL": "null"}
_VALUES |= {"QUOTE": "quote", "ESCAPE": "escape"}
_NO = frozenset({"FALSE", "OFF", "0"})
_SAYS = frozenset({"TRUE", "ON", "1", "MATCH"}) | _NO
_UTF8 = frozenset({"utf8", "unicode"})


def copied_in(source: str) -> CopiedIn | Refusal | None:
    """Return the parts of the COPY `source`: see `routedb.planner.take_copy_in`."""
    try:
        return _copied_in(mask(source, scan(source, "postgresql")))
    except Refused as exc:
        return exc.refusal
    except (ShardError, UnreadableLiteral) as exc:
        return Refusal("unknown grammar", str(exc))


def _copied_in(masked: MaskedText) -> CopiedIn | None:
    source = masked.source
    found = _HEAD(masked.code)
    if found is None:
        return None
    listed = found[3]
    columns = None
    if listed is not None:
        names = source[found.start(3) : found.end(3)]
        columns = tuple(_folded(name.strip()) for name in names.split(","))
    form = _format(list(_words(masked, found.end())))
    if "BINARY" in source[: found.start(1)].upper():
        form = form._replace(name="binary")
    return CopiedIn(source, columns, found.end(2), form)


def _folded(name: str) -> str:
    if name[0] == '"':
        if not name.endswith('"') or len(name) == 1:
            refuse("unknown grammar", "a comma in the name of a column")
        return fold_column(name[1:-1].replace('""', '"'), "postgresql", is_quoted=True)
    return fold_column(name, "postgresql", is_quoted=False)


def _words(masked: MaskedText, start: int) -> Iterator[str]:
    """Yield the words of the options in capitals, and literals as they are written."""
    depth = 0
    for match in _TOKENS(masked.code, start):
        word = match[0].upper()
        depth += (word == "(") - (word == ")")
        if word == "WHERE" and not depth:
            return
        if word[0] == FIRST:
            word = masked.source[match.start() : match.end()]
        if word not in _NOISE:
            yield word


def _format(words: list[str]) -> LineFormat:
    """Return what the options say. Raises `Refused` for what is not known to leave
    lines what they are."""
    said: dict[str, str] = {}
    name, has_header, at = "text", False, 0

    def value() -> str:
        nonlocal at
        at += 1
        if at > len(words):
            refuse("unknown grammar", "the options of COPY are not understood")
        word = words[at - 1]
        return (
            str(read_literal(word, "postgresql")) if not word.isidentifier() else word
        )

    while at < len(words):
        word = words[at]
        at += 1
        if word == "FORMAT":
            name = value().lower()
        elif word in ("CSV", "BINARY"):
            name = word.lower()
        elif word == "HEADER":
            has_header = True
            if at < len(words) and words[at].strip("'").upper() in _SAYS:
                has_header = value().upper() not in _NO
        elif word in _VALUES:
            said[_VALUES[word]] = value()
        elif word == "ENCODING":
            encoding = value()
            if encoding.replace("-", "").replace("_", "").lower() not in _UTF8:
                refuse("ENCODING", f"a file in {encoding}")
        else:
            refuse("COPY", f"the option {word} of COPY")
    if name not in ("text", "csv", "binary"):
        refuse("COPY", f"the format {name} of COPY")
    is_csv = name == "csv"
    quote = said.get("quote", '"')
    return LineFormat(
        name,
        said.get("delimiter", "," if is_csv else "\t"),
        said.get("null", "" if is_csv else "\\N"),
        quote,
        said.get("escape", quote),
        has_header,
    )
