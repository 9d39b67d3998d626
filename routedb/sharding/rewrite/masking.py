"""Take a text apart so that literals and parameters keep their numbers in a tree.

Every literal and placeholder becomes a literal that sqlglot reads as one and that no
text contains by chance, because all the others are gone: `7000000003` is literal or
placeholder number 3. `$1` would not do: sqlglot takes `$1,$1` for a dollar quote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from routedb.sharding.keys.value_terms import (
    LiteralTerm,
    NamedParam,
    PositionalParam,
    ValueTerm,
)
from routedb.sharding.refusals import refuse
from routedb.sql import Scan
from routedb.sql.scanner.patterns import COMMENT, MARKS, MYSQL, QUOTES_NAMES
from routedb.sql.scanner.placeholders import PYFORMAT

# One letter for each character that is no code, so that what is left can be searched
# and positions stay those of the source.
FIRST, REST, NAME = "\x01", "\x02", "\x03"

_TOKEN = re.compile(rf"{FIRST}{REST}*|{PYFORMAT}").finditer
_NUMBERS = 7_000_000_000
_STRING = "$.t"  # sqlglot reads some strings as JSON paths, and logs what is none


class ValueToken(NamedTuple):
    """A literal or placeholder: where it stands, and what it stands for.

    `term` None: `%%`, one percent sign.
    """

    start: int
    end: int
    term: ValueTerm | None


class MaskedText(NamedTuple):
    """A text whose literals, names and comments are blanked, and its tokens."""

    source: str
    code: str
    value_tokens: tuple[ValueToken, ...]

    @property
    def positional_count(self) -> int:
        """The number of `%s` in the text."""
        return sum(
            isinstance(token.term, PositionalParam) for token in self.value_tokens
        )

    @property
    def has_named(self) -> bool:
        """Tell whether parameters are named."""
        return any(isinstance(token.term, NamedParam) for token in self.value_tokens)


class TaggedText(NamedTuple):
    """A text for sqlglot, and what its tags stand for."""

    text: str
    terms: Mapping[str, ValueTerm]


def mask(source: str, scan: Scan) -> MaskedText:
    """Blank what is no code in `source`, and find its literals and placeholders.

    `scan` is that of all of it. Raises ShardError when they cannot be told apart.
    """
    if scan.fault:
        refuse(f"the statement cannot be read: {scan.fault}")
    code = _blank(scan)
    if scan.dialect in QUOTES_NAMES and any(p[:1] == '"' for p in scan.parts[1::2]):
        refuse("a name in double quotes: write it in backticks, as MySQL does")
    if scan.dialect in MYSQL and "/*" in code:
        refuse("a comment that MySQL executes hides what the statement does")
    value_tokens: list[ValueToken] = []
    literals = places = 0
    for match in _TOKEN(code):
        term: ValueTerm | None = None
        name = match[1]
        if name is not None:
            term = NamedParam(source[match.start(1) : match.end(1)])
            # The shape, and with it the plan, is the same for other names like this.
            if FIRST in name or not name or any(map(str.isspace, name)):
                refuse("a placeholder %(…)s whose name is no word: use another name")
        elif match[0] == "%s":
            term = PositionalParam(places)
            places += 1
        elif match[0] != "%%":
            term = LiteralTerm(literals)
            literals += 1
        value_tokens.append(ValueToken(match.start(), match.end(), term))
    masked = MaskedText(source, code, tuple(value_tokens))
    if masked.has_named and masked.positional_count:
        refuse("%s and %(name)s are mixed: use one style")
    if literals != len(scan.literals):
        refuse("the statement's literals cannot be told apart")
    return masked


def tag(
    masked: MaskedText, spans: tuple[tuple[int, int], ...], quoted: bool
) -> TaggedText:
    """Return the `spans` of the `masked` text, from and up to where, with tags for
    values.

    `quoted`: every tag is a string; else those of numbers and parameters are numbers.
    """
    pieces: list[str] = []
    terms: dict[str, ValueTerm] = {}
    value_tokens = iter(
        (*masked.value_tokens, ValueToken(len(masked.source), len(masked.source), None))
    )
    token = next(value_tokens)
    for start, end in spans:
        at = start
        while token.start < start:
            token = next(value_tokens)
        while token.start < end:
            pieces.append(_code(masked, at, token.start))
            pieces.append(_spell(masked, token, terms, quoted))
            at = token.end
            token = next(value_tokens)
        pieces.append(_code(masked, at, end))
    return TaggedText("".join(pieces), terms)


def _spell(
    masked: MaskedText, token: ValueToken, terms: dict[str, ValueTerm], quoted: bool
) -> str:
    if token.term is None:
        return "%"
    name = str(_NUMBERS + len(terms))
    terms[name] = token.term
    is_text = isinstance(token.term, LiteralTerm) and not _is_number(masked, token)
    if not quoted and not is_text:
        return name
    terms[f"{_STRING}{name}"] = terms.pop(name)
    return f"'{_STRING}{name}'"


def _is_number(masked: MaskedText, token: ValueToken) -> bool:
    return masked.source[token.start] in "0123456789."


def _code(masked: MaskedText, start: int, end: int) -> str:
    """Return a piece of the source with its comments blanked."""
    source, code = masked.source, masked.code
    return (
        "".join(source[i] if code[i] == NAME else code[i] for i in range(start, end))
        if NAME in code[start:end]
        else code[start:end]
    )


def _blank(scan: Scan) -> str:
    marks = MARKS[scan.dialect]
    pieces: list[str] = []
    for number, part in enumerate(scan.parts):
        if not number % 2:
            if FIRST in part or REST in part or NAME in part:
                refuse("a control character stands outside of quotes")
            pieces.append(part)
            continue
        # A prefix, as of E'…', is no key of the marks: it belongs to a literal.
        mark = marks.get(part[0], part)
        if mark > COMMENT:
            pieces.append(FIRST + REST * (len(part) - 1))
        else:
            pieces.append((" " if mark else NAME) * len(part))
    return "".join(pieces)
