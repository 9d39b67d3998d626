"""Rows of one kind as a pattern: the same code, with other literals.

A long run has a few kinds of rows, a hundred thousand times. Of a row that has been
read the code is taken as it is written, and each literal as its dialect writes such
ones. Where the next rows match that, from where a row ends, they are of its kind: what
is no literal is there letter for letter, so there is nothing else that could be one.
1 MB of rows takes 3 to 6 ms, whatever is quoted in them, and however.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain

from routedb.sql.scanner.patterns import COMMENT, IN_NAME, MARKS, NAME, ByLexis
from routedb.sql.scanner.shape import take_apart

_MOST_KINDS = 4
_LONGEST = 2_000
_SAMPLE = 40  # rows that are looked at to learn which forms a literal has
_MOST_FORMS = 8
_MOST_WIDENED = 4
_AT_ONCE = 1_000  # rows: what the engine remembers of each is kept till the end
_LITERAL_MARK, _NAME_MARK, _COMMENT_MARK = _MARKS = "\0", "\1", "\2"

_NUMBER = r"(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
_WORDS = r"(?i:NULL|DEFAULT|TRUE|FALSE)"
_PARAMETERS = {
    "postgresql": r"%s|%\([A-Za-z0-9_]+\)s|\$[0-9]+",
    "mysql": r"%s|%\([A-Za-z0-9_]+\)s|\?",
    "sqlite": r"%s|%\([A-Za-z0-9_]+\)s|\?[0-9]*|[:@][A-Za-z_][A-Za-z0-9_]*",
}
# How literals look, but for strings.
_QUICK = tuple(
    (re.compile(pattern).fullmatch, pattern)
    for pattern in (
        *(r"[0-9]+", r"[0-9]+\.[0-9]+", r"0x[0-9a-fA-F]+"),
        *("NULL", "null", "DEFAULT", "%s", r"\?", r"\?[0-9]+", r"\$[0-9]+"),
        *("TRUE", "FALSE", "true", "false", r"[0-9]+[eE][-+]?[0-9]+"),
        *(r"[0-9]+\.[0-9]+[eE][-+]?[0-9]+", r"\.[0-9]+"),
        *(r"%\([A-Za-z0-9_]+\)s", r"[:@][A-Za-z_][A-Za-z0-9_]*"),
    )
)
_STANDARD = r"{0}[^{0}]*(?:{0}{0}[^{0}]*)*{0}"
_ESCAPED = r"{0}[^{0}\\]*(?:(?:\\(?s:.)|{0}{0})[^{0}\\]*)*{0}"
# From one quote of a string to the next: its last, one that a backslash escapes, or two
# for one. Python's engine skips to a quote twice as quickly as to a quote or a
# backslash, so how many backslashes stand before it is asked there.
_PLAIN_LAST, _PLAIN_TWO = "[^{0}]*{0}", "[^{0}]*{0}{0}"
_LAST = {0: r"[^{0}]*{0}(?<!\\{0})", 2: r"[^{0}]*{0}(?<=[^\\]\\\\{0})"}
_TWO = r"[^{0}]*{0}{0}(?<!\\{0}{0})"
_ESCAPED_QUOTE = r"[^{0}]*{0}(?<=[^\\]\\{0})"
_MOST_QUOTES = 3  # in a string that is told from others by them
_PREFIX = re.compile(r"[-+][ ]?|[eExXbBnN](?=')").match
_TAG = re.compile(r"\$[A-Za-z0-9_]*\$").match
_COMMENTS = {
    "/*": r"/\*(?![!+]|M!|\s*routedb:)[^*]*\*/(?<!/\*/)",
    "/": r"/\*(?![!+]|M!|\s*routedb:)[^*/]*(?:/(?!\*)[^*/]*)*\*/",
    "-": r"--[ ](?!\s*routedb:)[^\n\r]*",
    "#": r"\#(?!\s*routedb:)[^\n\r]*",
}


def _tokens(dialect: str) -> Callable[[str], Iterator[re.Match[str]]]:
    """Return what finds, in a row with marks, what is all of an item: a sign or letters
    before it belong to it; and every other mark."""
    words = rf"(?:{_WORDS}|{_PARAMETERS[dialect]})(?=[ \t\r\n]*[,)])"
    prefix = rf"[-+][ ]?|[eExXbBnN?](?={_LITERAL_MARK})"
    item = rf"([ \t\r\n]*)({prefix})?({_LITERAL_MARK}|{words})(?=[ \t\r\n]*[,)])"
    marks = f"[{_LITERAL_MARK}{_NAME_MARK}{_COMMENT_MARK}]"
    return re.compile(rf"(?<=[(,]){item}|({marks})").finditer


_TOKENS = ByLexis(_tokens)
# Literals side by side, or a name and one: perhaps one literal, or an alias.
_TOUCHING = re.compile(
    rf"[{_LITERAL_MARK}{_NAME_MARK}][\s{_COMMENT_MARK}]*{_LITERAL_MARK}"
    rf"|{_LITERAL_MARK}[\s{_COMMENT_MARK}]*{_NAME_MARK}"
).search
_ESCAPES = re.compile(rf"(?<![{IN_NAME}])[eE]\Z").search


class RowKinds:
    """The kinds of rows of one run of a text in `dialect`."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._kinds: list[_Kind] = []
        self._match = re.compile("").match

    def learn(self, row: str) -> None:
        """Make a kind of `row`, in which `Rows` found nothing strange, with what stands
        before it since the last one."""
        if len(self._kinds) < _MOST_KINDS and len(row) < _LONGEST:
            kind = _kind(row, self._dialect)
            if kind is not None and kind.widen(row, 0) == len(row):
                self._kinds.append(kind)
                self._compile()

    def pass_over(self, sql: str, at: int) -> int:
        """Return where the last row ends that follows `at`, the end of another, with
        none between that is of no known kind."""
        end = at
        while self._kinds:
            found = self._match(sql, end)
            if found is not None and found.end() > end:
                end = found.end()
                continue
            begin = end
            for kind in self._kinds:
                end = max(end, kind.widen(sql, begin))
            if end == begin:
                break
            self._compile()
        return end

    def _compile(self) -> None:
        patterns = "|".join(kind.pattern for kind in self._kinds)
        self._match = re.compile(f"(?:{patterns}){{0,{_AT_ONCE}}}").match


class _Kind:
    """What rows of a kind look like: `code` between, before and behind `places`."""

    def __init__(self, code: list[str], places: list[_Place]) -> None:
        self._code = code
        self._places = places
        groups = zip(
            code, (*(f"({place.general})" for place in places), ""), strict=True
        )
        self._general = re.compile("".join(chain(*groups))).match
        self._widened = 0

    @property
    def pattern(self) -> str:
        """What is found quickly: rows in which each literal looks as one has before."""
        places = (*(place.pattern for place in self._places), "")
        return "".join(chain(*zip(self._code, places, strict=True)))

    def widen(self, sql: str, at: int) -> int:
        """Look at some rows at `at`, and return where the last ends that is of this
        kind: from then on such are found quickly."""
        end = at
        for _ in range(_SAMPLE):
            found = self._general(sql, end)
            if found is None:
                break
            end = found.end()
            for place, literal in zip(self._places, found.groups(), strict=True):
                place.add(literal)
        self._widened += end > at
        if self._widened > _MOST_WIDENED:
            for place in self._places:
                place.is_any = True
        return end


class _Place:
    """Where a literal stands: `general` is all that it may be in rows of a kind, `form`
    tells of one that looks like a given one, None where only `general` does."""

    def __init__(self, general: str, form: Callable[[str], str | None]) -> None:
        self.general = general
        self.is_any = False
        self._form = form
        self._forms: list[str] = []

    @property
    def pattern(self) -> str:
        if self.is_any:
            return self.general
        return (
            self._forms[0] if len(self._forms) == 1 else f"(?:{'|'.join(self._forms)})"
        )

    def add(self, literal: str) -> None:
        """Have literals that look like this one be found."""
        if self.is_any or any(re.fullmatch(form, literal) for form in self._forms):
            return
        form = self._form(literal)
        if form is None or len(self._forms) == _MOST_FORMS:
            self.is_any = True
        else:
            self._forms.append(form)


def _kind(row: str, dialect: str) -> _Kind | None:
    """Make a kind of `row`; None where that cannot be told with certainty."""
    parts, fault = take_apart(row, dialect)
    masked = None if fault else _masked(parts, dialect)
    if masked is None or _TOUCHING(masked):
        return None
    code, places, end = [""], [], 0
    others = iter(parts[1::2])
    for token in _TOKENS[dialect](masked):
        space, prefix, item, mark = token.groups()
        part = next(others) if (item or mark) in _MARKS else item
        code[-1] += re.escape(masked[end : token.start()])
        end = token.end()
        if mark in (_COMMENT_MARK, _NAME_MARK):
            code[-1] += re.escape(part) if mark == _NAME_MARK else _comment(part)
            continue
        place = _item(dialect) if item else _literal(part, masked[: end - 1], dialect)
        if place is None:
            return None
        code[-1] += space or ""
        code.append("")
        places.append(place)
    code[-1] += re.escape(masked[end:])
    return _Kind(code, places)


def _masked(parts: list[str], dialect: str) -> str | None:
    """Return a row with marks for what is no code; None when it may be misread."""
    code = parts[::2]
    if any("/*" in part or any(mark in part for mark in _MARKS) for part in code):
        return None
    marks = {NAME: _NAME_MARK, COMMENT: _COMMENT_MARK}
    stand_ins = MARKS[dialect]
    masked = parts.copy()
    for index in range(1, len(parts), 2):
        masked[index] = marks.get(stand_ins[parts[index][0]], _LITERAL_MARK)
    return "".join(masked)


def _comment(part: str) -> str:
    """Return a pattern of comments that look like `part`."""
    is_simple = part[0] == "/" and "/" not in part[1:-1]
    return _COMMENTS["/*" if is_simple else part[0]]


def _literal(part: str, before: str, dialect: str) -> _Place | None:
    """Return the place of the literal `part`, which is not all of an item; None when it
    is none that is known."""
    is_escaped = dialect == "mysql" or (
        dialect == "postgresql" and _ESCAPES(before) is not None
    )
    quote = part[0]
    if quote in "'\"":
        general = (_ESCAPED if is_escaped else _STANDARD).format(quote)
    elif quote == "$" and (tag := _TAG(part)):
        general = re.escape(tag[0]) + "[^$]*" + re.escape(tag[0])
    elif quote in "0123456789.":
        general = _NUMBER
    else:
        return None
    return _Place(general, partial(_form, is_escaped=is_escaped))


def _item(dialect: str) -> _Place:
    """Return the place of what is all of an item: any literal may stand there."""
    is_mysql = dialect == "mysql"
    strings = [(_ESCAPED if is_mysql else _STANDARD).format("'")]
    strings.append(("[xX]" if dialect == "sqlite" else "[xXbBnN]") + strings[0])
    if is_mysql:
        strings.append(_ESCAPED.format('"'))
    if dialect == "postgresql":
        strings += ["[eE]" + _ESCAPED.format("'"), r"\$\$[^$]*\$\$"]
    number = rf"(?:[-+][ ]?)?{_NUMBER}"
    words = rf"{_WORDS}|{_PARAMETERS[dialect]}"
    return _Place(
        rf"(?:{'|'.join(strings)}|{number}|{words})",
        partial(_form, is_escaped=is_mysql, is_postgresql=dialect == "postgresql"),
    )


def _form(
    literal: str, is_escaped: bool = False, is_postgresql: bool = False
) -> str | None:
    """Return a pattern of what looks like `literal`, None where only those of all do.

    No literal has two such forms: a row of no kind would be tried with each of them in
    each of its places, and all of these with one another. `is_postgresql` is for an
    item, which an E may be part of.
    """
    prefix = _PREFIX(literal)
    part = literal[prefix.end() :] if prefix else literal
    before = re.escape(prefix[0]) if prefix else ""
    quote = part[0]
    if quote not in "'\"":
        form = next((form for fits, form in _QUICK if fits(part)), None)
        return None if form is None else before + form
    is_escaped |= is_postgresql and before in ("e", "E")
    form = _string(part, is_escaped)
    return None if form is None else before + form.format(quote)


def _string(part: str, is_escaped: bool) -> str | None:
    """Return a pattern of strings that have the quotes of `part` in them; None where
    that has many, or backslashes before them."""
    quote = part[0]
    *pieces, last = part[1:].split(quote)[:-1]  # what is before each
    form, others = "{0}", iter(pieces[: _MOST_QUOTES + 1])
    for piece in others:
        before = _backslashes(piece) if is_escaped else 0
        if before == 1:
            form += _ESCAPED_QUOTE
        elif before == 0 and next(others, None) == "":
            form += _TWO if is_escaped else _PLAIN_TWO
        else:
            return None
    end = _LAST.get(_backslashes(last)) if is_escaped else _PLAIN_LAST
    return None if end is None or len(pieces) > _MOST_QUOTES else form + end


def _backslashes(text: str) -> int:
    """Return how many backslashes `text` ends with."""
    return len(text) - len(text.rstrip("\\"))
