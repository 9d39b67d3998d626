"""From a shape to the tokens of its statements, with sqlparse's lexer.

The lexer knows no dialect and has its own ideas of quotes, `$`, `#`, `@` and `%x`. So
it is given only what it cannot misread: every quoted name is replaced by a number in
backticks, literals and placeholders by 0, odd operators by ^.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import groupby
from typing import Any

from routedb.sql.scanner.identifiers import FOLDS_CASE, LONGEST_NAME, fold_identifier
from routedb.sql.scanner.patterns import IN_NAME
from routedb.sql.scanner.special_names import unicode_name, variable
from routedb.sql.scanner.splitter import statement_ends
from routedb.sql.statement import Table

LITERAL = "0"
QUOTED = "`"  # a quoted name; raw is the name without its quotes
STRING = "'"  # a string that was left in the shape
USER_VARIABLE = "@"
SYSTEM_VARIABLE = "@@"

# How a span of tokens was accounted for. What nobody accounts for makes the statement
# one of unknown kind.
READ = "read"
NAMES = "name list"  # in a bracket: columns, types, partitions
OPTIONS = "option list"  # words and values that name no table and call nothing
UNREAD = "unread"

# The lexer needs some 1 us a token: a longer text that folding does not shorten is not
# read, which makes it a statement of unknown kind.
LONGEST = 200_000
_MOST_QUOTED = LONGEST // 6  # no two are folded: the numbers of more are longer than it
_TOO_LONG = f"longer than {LONGEST} characters without its literals"
_WORTH_FOLDING = 400
_WORTH_GROUPING = 20_000


class UnreadableStatement(Exception):  # noqa: N818  (never leaves routedb.sql)
    """The tokens make no statement. The message says why."""


class Tokens:
    """One statement. `upper` are words in capitals and marks, `raw` as written.

    `names` has each word and quoted name as the database knows it, None for every other
    token. All three end with four empty tokens, so that looking ahead needs no bounds;
    `end` is where these begin. `close` maps each opening bracket to its closing one.
    `spans` are those that were accounted for; parts share them, from `base` on.
    """

    __slots__ = ("base", "close", "end", "names", "raw", "spans", "upper")

    def __init__(
        self, upper: list[str], raw: list[str], names: list[str | None]
    ) -> None:
        self.close = _brackets(upper) if "(" in upper or ")" in upper else {}
        self.end = len(upper)
        self.upper = [*upper, "", "", "", ""]
        self.raw = [*raw, "", "", "", ""]
        self.names = [*names, None, None, None, None]
        self.base = 0
        self.spans: list[tuple[int, int, str]] = []

    def part(self, start: int, end: int) -> Tokens:
        """Return the tokens from `start` up to `end`, with brackets of their own.

        Raises UnreadableStatement when a bracket of theirs has no other one.
        """
        part = Tokens(self.upper[start:end], self.raw[start:end], self.names[start:end])
        part.base = self.base + start
        part.spans = self.spans
        return part

    def take(self, start: int, end: int, how: str = READ) -> None:
        """Account for the tokens from `start` up to `end`: say `how` they were read."""
        self.spans.append((self.base + start, self.base + end, how))

    def gap(self) -> int:
        """Return the first token that nobody has accounted for, `end` when all are."""
        spans = self.spans
        if len(spans) == 1 and spans[0][:2] == (0, self.end):
            return self.end
        reached = self.base
        for start, end, _ in sorted(spans):
            if start > reached:
                break
            reached = max(reached, end)
        return min(reached - self.base, self.end)

    def accounted(self) -> list[tuple[str, str]]:
        """Return runs of tokens, each with how it was read; lists count before READ."""
        how = [UNREAD] * self.end
        for start, end, said in sorted(self.spans, key=lambda span: span[2] != READ):
            how[start - self.base : end - self.base] = [said] * (end - start)
        runs = groupby(range(self.end), how.__getitem__)
        return [(said, " ".join(self.raw[at] for at in run)) for said, run in runs]

    def read_name(self, at: int) -> tuple[Table | None, int]:
        """Return the dotted name that begins at `at`, and where it ends.

        None, and `at`, when there is none. Of three words the first names PostgreSQL's
        own database, and says nothing.
        """
        upper, names = self.upper, self.names
        name = names[at]
        if name is None:
            return None, at
        schema = None
        at += 1
        while upper[at] == "." and (names[at + 1] is not None or upper[at + 1] == "0"):
            schema = name
            name = names[at + 1] or self.raw[at + 1]
            at += 2
        return Table(schema, name), at


def _brackets(upper: list[str]) -> dict[int, int]:
    close: dict[int, int] = {}
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


_NAMES = (
    rf"(?:(?<![{IN_NAME}])[uU]&)?"
    r'"[^"]*(?:""[^"]*)*"(?: ?(?i:uescape) ?\'[^\']\')?|`[^`]*(?:``[^`]*)*`'
)
_STRINGS = r"'(?:[^'\\]|''|\\.)*'"
_DOUBLE = r'"(?:[^"\\]|""|\\.)*"'
_BACKTICKS = r"`[^`]*(?:``[^`]*)*`"
_VARIABLE = rf"(?:[\w$]+|{_BACKTICKS})"
_FIRST = {
    "postgresql": re.compile(
        rf"({_NAMES})|((?<![{IN_NAME}])[eE]{_STRINGS}(?:\s+{_STRINGS})*"
        r"|'[^']*(?:''[^']*)*')",
        re.DOTALL,
    ).sub,
    "mysql": re.compile(
        rf"({_BACKTICKS})|({_STRINGS}|{_DOUBLE})"
        rf"|(@@{_VARIABLE}(?: ?\. ?{_VARIABLE})*|@(?:[\w$.]+|{_BACKTICKS}|{_STRINGS}"
        rf"|{_DOUBLE})?)",
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
# One set of first characters is before all alternatives: they are tried nowhere else.
_PYFORMAT = (r"(?<=%)\([^()]*\)s(?!\w)", r"(?<=%)s(?![\w(]|\s+\()")
_COLON = r"(?<=:)(?<![:\w].)[A-Za-z_]\w*(?![\w(]|\s+\()"


def _placeholders(starts: str, *others: str) -> Callable[[str, str], str]:
    alternatives = "|".join((*_PYFORMAT, _COLON, *others))
    return re.compile(f"[{starts}](?:{alternatives})").sub


_PLACEHOLDERS = {
    "postgresql": _placeholders("%:$", r"(?<=\$)\d+"),
    "mysql": _placeholders("%:?", r"(?<=\?)"),
    "sqlite": _placeholders(
        "%:?@$", r"(?<=\?)\d*", rf"(?<=[@$])(?<![{IN_NAME}].)[A-Za-z_]\w*"
    ),
}
_ODD = str.maketrans(dict.fromkeys("@#\\?%", "^"))
_ODD_COLON = re.compile(r":(?<!::)(?![:=])").sub
_NEEDS_CARE = re.compile(r"[%?:$@#\\\[]|--").search

# An empty string beside a word, as in date'…'.
_APART = re.compile(r"(?<=\w)(?='')|(?<='')(?=\w)").sub
_NO_LITERAL_ALONE = re.compile(r"[\"`\[]|[eE]''|'''").search

_LIST = re.compile(r"(?<![\w.`])0(?:, ?0)+(?![\w.`])").sub
_ROWS = re.compile(r"(\([^()]*(?:\([^()]*\)[^()]*)*\))(?:, ?\1)+").sub

_IN_WORD = re.compile(r"\w").match

_Quoted = list[tuple[str, str, str | None]]
_Pairs = Iterable[tuple[object, str]]
_Lexer = tuple[Callable[[str], _Pairs], object, object, object]


def statements(shape: str, dialect: str) -> tuple[list[Tokens], int]:
    """Return the statements of a shape, and how many there are.

    `shape` is that of a Scan in `dialect`, without its hint and executable comments.
    Neighbours that are the same are returned once. Raises UnreadableStatement for
    brackets that do not match and for a text longer than LONGEST.
    """
    quoted: _Quoted = []
    text = _plain(shape, dialect, quoted)
    repeated = 0
    if len(text) > _WORTH_FOLDING:
        text = _ROWS(r"\1", _LIST("0", text))
        if len(text) > _WORTH_GROUPING:
            text, repeated = _group(text)
    if len(text) > LONGEST:
        raise UnreadableStatement(_TOO_LONG)
    upper, raw, names = _lex(text, dialect, quoted)
    if ";" not in upper:
        found = [Tokens(upper, raw, names)] if upper else []
    else:
        found = []
        start = 0
        for end in (*statement_ends(upper, dialect), len(upper)):
            if end > start:
                part = slice(start, end)
                found.append(Tokens(upper[part], raw[part], names[part]))
            start = end + 1
    return found, len(found) + repeated


def _plain(shape: str, dialect: str, quoted: _Quoted) -> str:
    """Replace all that the lexer could misread; what was quoted goes to `quoted`."""

    text, last = shape, len(shape) - 1

    def keep(match: re.Match[str]) -> str:
        # date'…' and 'a'FROM t are two words each.
        start, end = match.span()
        before = " " if start and _IN_WORD(text, start - 1) else ""
        after = " " if end <= last and _IN_WORD(text, end) else ""
        if match[0] == "''":
            return f"{before}{LITERAL}{after}"
        if len(quoted) == _MOST_QUOTED:
            raise UnreadableStatement(_TOO_LONG)
        quoted.append(_read_quoted(match, dialect))
        return f"{before}`{len(quoted) - 1}`{after}"

    if "'" in shape and _has_literals_only(shape, dialect):
        shape = _APART(" ", shape).replace("''", LITERAL)
    elif _NEEDS_FIRST[dialect](shape):
        shape = _FIRST[dialect](keep, shape)
    if _NEEDS_CARE(shape):
        shape = _PLACEHOLDERS[dialect](LITERAL, shape.replace("%%", "%"))
        shape = _ODD_COLON("^", shape.replace("--", "- -").translate(_ODD))
        shape = shape.replace("[", "&(").replace("]", ")")
    return shape


def _has_literals_only(shape: str, dialect: str) -> bool:
    """Tell whether all that is quoted in `shape`, of `dialect`, are literals that it
    does not hold."""
    if shape.count("'") != 2 * shape.count("''"):
        return False
    is_named = dialect == "mysql" and "@" in shape
    return not is_named and _NO_LITERAL_ALONE(shape) is None


def _read_quoted(match: re.Match[str], dialect: str) -> tuple[str, str, str | None]:
    name = match[1]
    if name:
        if name[0] in "uU":
            name = unicode_name(name)
        else:
            closing = "]" if name[0] == "[" else name[0]
            name = name[1:-1].replace(closing * 2, closing)
        return QUOTED, name, fold_identifier(name, dialect, is_quoted=True)
    if match[2]:
        text = match[2].lstrip("eE")
        quote = text[0]
        return STRING, text[1:-1].replace(quote * 2, quote), None
    name, is_system = variable(match[3])
    return (SYSTEM_VARIABLE if is_system else USER_VARIABLE), name, None


def _group(text: str) -> tuple[str, int]:
    """Leave one of each run of equal statements: a dump holds thousands."""
    pieces = [piece for piece in (p.strip() for p in text.split(";")) if piece]
    kept = [piece for piece, _ in groupby(pieces)]
    return ";".join(kept), len(pieces) - len(kept)


def _lex(
    text: str, dialect: str, quoted: _Quoted
) -> tuple[list[str], list[str], list[str | None]]:
    tokenize, space, word, placed = _lexer()
    folds_case = FOLDS_CASE[dialect]
    upper: list[str] = []
    raw: list[str] = []
    names: list[str | None] = []
    for kind, value in tokenize(text):
        if kind is word:
            raw.append(value)
            if not value.isascii() or len(value) > LONGEST_NAME:
                upper.append(value)  # no keyword, though `unıon` in capitals is one
                names.append(fold_identifier(value, dialect, is_quoted=False))
            else:
                upper.append(value.upper())
                names.append(value.lower() if folds_case else value)
        elif kind is placed:
            mark, name, folded = quoted[int(value[1:-1])]
            upper.append(mark)
            raw.append(name)
            names.append(folded)
        elif kind is not space:
            upper.append(value)
            raw.append(value)
            # A backtick that quotes nothing stands for a name all the same.
            names.append(value if value == QUOTED else None)
    return upper, raw, names


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
            (rf"[A-Za-z_$\x80-\U0010ffff][{IN_NAME}]*", tokens.Name),
            (r"[ \t\n\r\f\v]+", tokens.Whitespace),
            (rf"0(?![{IN_NAME}])", tokens.Number),
            (r"::|[(),.;]", tokens.Punctuation),
            (r"`\d+`", tokens.Literal),
            (rf"\d[{IN_NAME}]*", tokens.Name),
            (rf"[^\s(),.;:`{IN_NAME}]+|[\s\S]", tokens.Operator),
        ]
    )
    return _quicker(lexer), tokens.Whitespace, tokens.Name, tokens.Literal


_SAMPLE = "SELECT a, `0` FROM b.c WHERE d >= 0 AND e::f = 1g ;"


def _quicker(lexer: Any) -> Callable[[str], _Pairs]:
    """Return what gives the same tokens as `lexer.get_tokens`, without the spaces.

    That method goes through the text character by character, with two calls a token.
    The patterns it has compiled are no public attribute: they are used directly only
    when they give what it gives. Dollar quotes and comments it finds by other means.
    """
    rules: Any = getattr(lexer, "_SQL_REGEX", None)

    def tokenize(text: str) -> _Pairs:
        if "$" in text or "/*" in text:
            pairs: _Pairs = lexer.get_tokens(text)
            return pairs
        found: list[tuple[object, str]] = []
        at = 0
        end = len(text)
        while at < end:
            if text[at] == " ":
                at += 1
                continue
            for match, kind in rules:
                token = match(text, at)
                if token is not None:
                    found.append((kind, token[0]))
                    at = token.end()
                    break
            else:
                raise ValueError(f"no pattern is for {text[at]!r}")
        return found

    usual = [pair for pair in lexer.get_tokens(_SAMPLE) if pair[1] != " "]
    try:
        is_same = tokenize(_SAMPLE) == usual
    except (TypeError, ValueError):  # the patterns are not kept as they are here
        is_same = False
    return tokenize if is_same else lexer.get_tokens
