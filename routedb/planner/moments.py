"""Times of the statement, asked once and said to all groups.

`now()` is another on each server, and one database has one for a statement (PostgreSQL:
for a transaction). So what the text asks of the clock is taken out of it before it is
planned: in its place stands a literal of the type that it has, a mark, for which the
runner puts in what one server has said. Nothing is lost by that: a plan is for a text,
and a literal is what goes down to every group.

A column of a result is called after the function, or in MySQL and SQLite after its
text. Where a literal would be called otherwise it is given that name, if it is all of
the column; a column that is more than that must have a name of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.plans import Moment
from routedb.planner.source_text import (
    SourceText,
    masked_source,
    read_source,
    refuse,
)
from routedb.sharding.rewrite.masking import MaskedText

MARK = "routedb_moment_"
_MARKED = re.compile(rf"{MARK}(\d+)_").fullmatch
_MAYBE = re.compile(
    "now|cur|local|_timestamp|utc_|time|date|julian|today|tomorrow|yesterday", re.I
).search
_DIGITS = r"(?:\s*\(\s*(?:\x01\s*)?\))"  # a precision, or empty parentheses
# By dialect: what is asked of the clock; not behind a point, nor as an alias.
_BEFORE = r"(?<![\w.$@])(?<!\bas )"
_ASKED = {
    "postgresql": re.compile(
        rf"{_BEFORE}(?:(?P<call>now|transaction_timestamp|statement_timestamp)"
        rf"\s*\(\s*\)|(?P<word>current_(?:date|timestamp|time)|localtime(?:stamp)?)\b"
        rf"(?:\s*\(\s*\x01\s*\))?)",
        re.IGNORECASE,
    ),
    "mysql": re.compile(
        rf"{_BEFORE}(?:(?P<call>now|curdate|curtime|unix_timestamp){_DIGITS}"
        rf"|(?P<word>current_(?:date|timestamp|time)|localtime(?:stamp)?"
        rf"|utc_(?:date|timestamp|time))\b{_DIGITS}?)",
        re.IGNORECASE,
    ),
    "sqlite": re.compile(
        rf"{_BEFORE}(?:(?P<word>current_(?:date|timestamp|time))\b"
        rf"|(?P<call>date|time|datetime|julianday|unixepoch)\s*\(\s*"
        rf"(?:(?P<now>\x01\x02{{4}})|(?=\)))"
        rf"|(?P<format>strftime)\s*\(\s*\x01\x02*\s*,\s*(?P<late>\x01\x02{{4}}))",
        re.IGNORECASE,
    ),
}
# Texts that PostgreSQL's types of time read the clock for, and how their type is said.
HIDDEN = re.compile(r"\s*(?:now|today|tomorrow|yesterday)\b", re.IGNORECASE).match
_TYPE = (
    r"(?P<type>date|time(?:stamp)?(?:tz)?)\b(?:\s*\(\s*\x01\s*\))?"
    r"(?P<zone>\s+with\s+time\s+zone\b)?(?:\s+without\s+time\s+zone\b)?"
)
_TYPED_AFTER = re.compile(rf"\s*::\s*{_TYPE}", re.IGNORECASE).match
_TYPED_BEFORE = re.compile(rf"(?<![\w.$]){_TYPE}\s*\Z", re.IGNORECASE).search
_CAST = re.compile(r"\bCAST\s*\(\s*\Z", re.IGNORECASE).search
_CAST_AS = re.compile(rf"\s*AS\s+{_TYPE}", re.IGNORECASE).match
# What is another each time, even in one statement.
_REPEATED = re.compile(
    r"\b(clock_timestamp|timeofday|random|random_normal|gen_random_\w+|uuidv[47]"
    r"|uuid_generate_v\w+|rand|sysdate|uuid|uuid_short|random_bytes|randomblob"
    r"|sys_guid)\s*\(",
    re.IGNORECASE,
).search
_QUERIED = re.compile(r"\bSELECT\b", re.IGNORECASE).search
_SHOWS = re.compile(r"^\s*SELECT\b|\bRETURNING\b", re.IGNORECASE).search
# How PostgreSQL says its value, whatever the session's style of dates, and the type.
_INSTANT = ("to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'",)
_POSTGRESQL = {
    "current_date": ("to_char({}, 'YYYY-MM-DD')", "date"),
    "localtimestamp": ("to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')", "timestamp"),
    "localtime": ("{}::text", "time"),
    "current_time": ("{}::text", "timetz"),
}
_HIDDEN_TEXTS = {
    "date": "to_char({}, 'YYYY-MM-DD')",
    "timestamp": "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')",
    "timestamptz": _INSTANT[0],
    "time": "{}::text",
    "timetz": "{}::text",
}
_MYSQL = {
    "date": ("curdate", "current_date", "utc_date"),
    "time": ("curtime", "current_time", "utc_time"),
}
_SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
# Columns of these are called after the node, whatever is below it (PostgreSQL).
_OWN_NAME = (exp.Binary, exp.Unary, exp.Func)
_BELOWS_NAME = (exp.Cast, exp.Case, exp.Paren, exp.Collate)


class Timed(NamedTuple):
    """A text with marks, and what they are marks of."""

    source: str
    moments: tuple[Moment, ...]


class _Found(NamedTuple):
    start: int
    end: int
    moment: Moment
    literal: str
    keeps_name: bool = False


def is_mark(text: str) -> bool:
    """Tell whether a literal, `text`, stands for what one server is asked for."""
    return _MARKED(text) is not None


def find_moments(source: str, dialect: str) -> Timed:
    """Return the text `source` of `dialect` with a mark for each time that it asks for.
    Raises `Refused` for a column that would be called otherwise then."""
    if _MAYBE(source) is None:
        return Timed(source, ())
    if MARK in source.lower():
        refuse("reserved name", f"the text has {MARK} in it")
    found = _found(masked_source(source, dialect), dialect)
    if not found:
        return Timed(source, ())
    made = _with_marks(source, found, {})
    names = _names(read_source(made, dialect), found)
    return Timed(
        _with_marks(source, found, names), tuple(each.moment for each in found)
    )


def find_written(source: str, dialect: str) -> Timed:
    """Return the text `source` of `dialect`, a statement that writes, with a mark for
    each time that it asks for. No tree is needed: its columns are the table's. Raises
    `Refused` where those of RETURNING would be called otherwise, and for what is drawn
    once for all rows."""
    if _MAYBE(source) is None and _REPEATED(source) is None:
        return Timed(source, ())
    masked = masked_source(source, dialect)
    code = masked.code
    drawn = _REPEATED(code)
    if drawn is not None and _QUERIED(code):
        refuse(
            "volatile function", f"a query in it may draw {drawn[1]}() for all its rows"
        )
    found = _found(masked, dialect)
    if found and MARK in source.lower():
        refuse("reserved name", f"the text has {MARK} in it")
    returning = _SHOWS(code)
    if returning is not None and any(each.start > returning.start() for each in found):
        refuse("unnamed column", "what it shows has the time in it")
    return Timed(_with_marks(source, found, {}), tuple(each.moment for each in found))


def _found(masked: MaskedText, dialect: str) -> list[_Found]:
    found = [
        _READ[dialect](masked.source, match, f"{MARK}{number}_")
        for number, match in enumerate(_ASKED[dialect].finditer(masked.code))
    ]
    if dialect == "postgresql":
        found += _hidden(masked, len(found))
    return sorted(each for each in found if each.moment.asked)


def check_repeated(text: SourceText) -> None:
    """Raise `Refused` for a function that draws, or looks at the clock, at each call:
    how often it is called depends on where rows are put together."""
    found = _REPEATED(text.masked.code)
    if found is not None:
        refuse(
            "volatile function",
            f"{found[1]}() is another at each call, and rows of several groups would "
            "call it in several places",
        )


def _with_marks(source: str, found: list[_Found], names: Mapping[str, str]) -> str:
    pieces: list[str] = []
    at = 0
    for each in found:
        pieces += (source[at : each.start], each.literal)
        if each.moment.mark in names:
            pieces.append(f" AS {names[each.moment.mark]}")
        at = each.end
    return "".join((*pieces, source[at:]))


def _names(text: SourceText, found: list[_Found]) -> dict[str, str]:
    """Return the names of the columns that are a mark and no more."""
    names = {}
    by_mark = {each.moment.mark: each for each in found}
    for literal in text.tree.find_all(exp.Literal):
        if not (literal.is_string and is_mark(literal.this)):
            continue
        each = by_mark[literal.this]
        if each.keeps_name:
            continue
        top: exp.Expr = literal
        while top.parent is not None and not _is_column(top):
            top = top.parent
        if not isinstance(top.parent, exp.Select) or isinstance(top, exp.Alias):
            continue
        if _is_bare(top, literal, text.dialect):
            names[literal.this] = _column_name(each, text.dialect)
        elif not _is_called_alike(top, text.dialect):
            refuse(
                "unnamed column",
                f"a column with {each.moment.written} in it has no name: give it one",
            )
    return names


def _is_column(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Select) and node.arg_key == "expressions"


def _is_bare(top: exp.Expr, literal: exp.Expr, dialect: str) -> bool:
    if dialect == "sqlite":
        return top is literal
    return isinstance(top, exp.Cast) and top.this is literal


def _is_called_alike(top: exp.Expr, dialect: str) -> bool:
    if dialect != "postgresql" or isinstance(top, _BELOWS_NAME):
        return False
    return isinstance(top, _OWN_NAME)


def _column_name(each: _Found, dialect: str) -> str:
    if dialect == "postgresql":
        return '"' + re.split(r"\W", each.moment.written.lower())[0] + '"'
    quote = "`" if dialect == "mysql" else '"'
    return quote + each.moment.written.replace(quote, quote * 2) + quote


def _hidden(masked: MaskedText, number: int) -> Iterator[_Found]:
    """Yield the literals that mean a time by the clock, where their type is said."""
    code = masked.code
    for token in masked.value_tokens:
        written = masked.source[token.start : token.end]
        if not written.startswith("'") or HIDDEN(written[1:]) is None:
            continue
        typed = _TYPED_AFTER(code, token.end) or _TYPED_BEFORE(code[: token.start])
        if typed is None and _CAST(code[: token.start]):
            typed = _CAST_AS(code, token.end)
        if typed is None:
            continue
        word = typed["type"].lower()
        type_ = word if word.endswith("tz") or not typed["zone"] else f"{word}tz"
        mark = f"{MARK}{number}_"
        asked = _HIDDEN_TEXTS[type_].format(f"CAST({written} AS {type_})")
        moment = Moment(mark, asked, written)
        yield _Found(token.start, token.end, moment, f"'{mark}'", keeps_name=True)
        number += 1


def _read_postgresql(source: str, found: re.Match[str], mark: str) -> _Found:
    written = source[found.start() : found.end()]
    word = (found["call"] or found["word"]).lower()
    how, type_ = _POSTGRESQL.get(word, (*_INSTANT, "timestamptz"))
    precision = re.search(r"\(\s*(\d)\s*\)", written)
    if precision is not None:
        type_ += f"({precision[1]})"
    literal = f"CAST('{mark}' AS {type_})"
    return _Found(*found.span(), Moment(mark, how.format(written), written), literal)


def _read_mysql(source: str, found: re.Match[str], mark: str) -> _Found:
    written = source[found.start() : found.end()]
    word = (found["call"] or found["word"]).lower()
    precision = re.search(r"\(\s*(\d)\s*\)", written)
    digits = f"({precision[1]})" if precision is not None else ""
    type_ = "DATETIME" + digits
    if word == "unix_timestamp":
        type_ = "SIGNED"
    elif word in _MYSQL["date"]:
        type_ = "DATE"
    elif word in _MYSQL["time"]:
        type_ = "TIME" + digits
    asked = f"CAST({written} AS CHAR)"
    literal = f"CAST('{mark}' AS {type_})"
    return _Found(*found.span(), Moment(mark, asked, written), literal)


def _read_sqlite(source: str, found: re.Match[str], mark: str) -> _Found:
    if found["word"]:
        written = source[found.start() : found.end()]
        return _Found(*found.span(), Moment(mark, written, written), f"'{mark}'")
    group = "late" if found["format"] else "now"
    if found[group] is None:  # date()
        start = end = found.end()
    else:
        start, end = found.span(group)
        if source[start:end].lower() != "'now'":
            return _Found(start, end, Moment(mark, "", ""), "")
    return _Found(start, end, Moment(mark, _SQLITE_NOW, "'now'"), f"'{mark}'")


_READ: dict[str, Callable[[str, re.Match[str], str], _Found]] = {
    "postgresql": _read_postgresql,
    "mysql": _read_mysql,
    "sqlite": _read_sqlite,
}
