"""Literals taken out of a text, so that texts that differ in them alone share a plan.

A plan has the literals of its text in it: in SQL, as a word on shards, in reasons. So a
text is planned with a *mark* in the place of a literal, which is a literal of the same
kind that the text does not have, and later the marks of a plan are what stands in the
text at hand. What a plan depends on beside that decides which literals may be taken out
at all; all others stay, and make another text of it.

==================== ===============================================================
may be taken out     because
==================== ===============================================================
what a comparison,   such a value is compared on servers, and looked at here by kind
BETWEEN or a list    only. Not behind LIMIT, in a list of columns, an argument: a
behind IN has on     number there may be that of a column, or decide a type, and
its right, alone     MySQL and SQLite call columns of the result after their texts
a day, behind DATE   as ISO 8601 writes it: `typed` knows no other
or TIMESTAMP
==================== ===============================================================

A kind has one form (`_KINDS`) that all code here answers alike: whole numbers of four
bytes and longer ones, which have other types; letters and digits, which a shard's key
may be; texts that are the same in each dialect; days. What reads the clock ('now') has
no kind. Literals that are the same have the same mark, for what is written twice is
asked once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from routedb.planner.moments import HIDDEN
from routedb.planner.plans import (
    Bound,
    Constant,
    Fragment,
    GroupsPlan,
    Refusal,
    ShardChoice,
)

_MOST = 64  # literals of a text that are taken out
_SMALL = 2**31
# What stands before and behind: the end of the code before, the begin of that after it.
_NEAR = 24
_MORE = "\x01"  # it is not the end of the text
_COMPARED = re.compile(
    r"(?:(?:^|[^-+*/<>=~!@#%^&|`?:])(?:=|<>|!=|<=|>=|<|>)|\b(?:BETWEEN|AND))\s*\Z",
    re.IGNORECASE,
).search
_LISTED = re.compile(r"\bIN\s*\(\s*\Z", re.IGNORECASE).search
_DAY = re.compile(r"\b(?:DATE|TIMESTAMP)\s+\Z", re.IGNORECASE).search
_ENDS = re.compile(
    r"\s*(?:\Z|[;)]|(?:AND|OR|THEN|GROUP|ORDER|LIMIT|OFFSET|FETCH|HAVING|UNION|EXCEPT"
    r"|INTERSECT|WHERE|JOIN|LEFT|RIGHT|INNER|CROSS|FULL)\b)",
    re.IGNORECASE,
).match
_FROM = re.compile(r"[()]|\bFROM\b", re.IGNORECASE).finditer
_GOES_ON = re.compile(r"\s*[-+,]").match
# By kind: what it is, and how the mark of a number is written.
_KINDS = (
    (re.compile(r"(?:0|[1-9]\d{0,9})", re.ASCII).fullmatch, "19876{:05}"),
    (re.compile(r"[1-9]\d{9,17}", re.ASCII).fullmatch, "198760000000{:05}"),
    (re.compile(r"\d{1,12}\.\d{1,6}", re.ASCII).fullmatch, "19876{:05}.5"),
    (re.compile(r"'[A-Za-z0-9]+'", re.ASCII).fullmatch, "'routedbl{:02}z'"),
    (re.compile(r"'[A-Za-z0-9 _.:@/+-]*'", re.ASCII).fullmatch, "'routedb-l{:02}z'"),
)
_WHOLE = 0
_IS_DAY = re.compile(r"'\d{4}-\d\d-\d\d'", re.ASCII).fullmatch
_DAYS = "'98{:02}-07-13'"
_MARKS = re.compile(
    r"(?<![\w\"`])(?:19876(?:0000000)?\d{5}(?:\.5)?|routedb-?l\d\dz|98\d\d-07-13)"
    r"(?!\w)"
).sub
_FOREIGN = re.compile(r"19876|routedb-?l|98\d\d-07-13", re.IGNORECASE).search


class Taken(NamedTuple):
    """A text with marks, `source`, and what stands for each of them in a plan."""

    source: str
    values: Mapping[str, str]


def take_out(parts: Sequence[str], dialect: str) -> Taken | None:
    """Return a text of `dialect` with marks for literals: its `parts`, of which the odd
    ones are no code. None where there is nothing to take out."""
    made: list[str] = []
    first = 1 if dialect == "postgresql" else _first_behind_from(parts)
    marks: dict[tuple[str, str], str] = {}  # by form and literal
    is_listed = False
    for at in range(1, len(parts), 2):
        before, literal, after = parts[at - 1], parts[at], parts[at + 1]
        before = before[-_NEAR:]
        if len(after) > _NEAR or at + 2 < len(parts):
            after = after[:_NEAR] + _MORE
        if not (is_listed and before.strip() == ","):
            is_listed = _LISTED(before) is not None
        form = None
        if at >= first:
            form = _form(before, literal, after, is_listed)
        made.append(parts[at - 1])
        if form is None:
            made.append(literal)
            continue
        mark = marks.get((form, literal))
        if mark is None:
            mark = marks[form, literal] = form.format(len(marks))
        made.append(mark)
    source = "".join(parts)
    if not marks or len(marks) > _MOST or _FOREIGN(source) is not None:
        return None
    values = {
        mark.strip("'"): literal.strip("'") for (_, literal), mark in marks.items()
    }
    return Taken("".join((*made, parts[-1])), values)


def _first_behind_from(parts: Sequence[str]) -> int:
    """Return the number of the first part behind the list of the columns: the engine
    calls these after their texts, which may be too long for a name."""
    depth = 0
    for at in range(0, len(parts), 2):
        for found in _FROM(parts[at]):
            if found[0] in "()":
                depth += 1 if found[0] == "(" else -1
            elif not depth:
                return at + 1
    return len(parts)


def _form(before: str, literal: str, after: str, is_listed: bool) -> str | None:
    """Return how the mark of a literal is written, None where it is to stay."""
    if _DAY(before) is not None:
        is_day = _IS_DAY(literal) and (_ENDS(after) or _GOES_ON(after))
        return _DAYS if is_day else None
    if not (is_listed or _COMPARED(before)):
        return None
    if not (_ENDS(after) or (is_listed and after.lstrip().startswith(","))):
        return None
    for number, (is_kind, form) in enumerate(_KINDS):
        if is_kind(literal) is not None:
            if number == _WHOLE and int(literal) >= _SMALL:
                continue
            return None if HIDDEN(literal[1:]) else form
    return None


def put_in(
    made: GroupsPlan | Refusal, values: Mapping[str, str]
) -> GroupsPlan | Refusal:
    """Return what was `made` of a text with marks, with the `values` of these."""

    def said(text: str) -> str:
        return _MARKS(lambda found: values.get(found[0], found[0]), text)

    if isinstance(made, Refusal):
        return replace(made, reason=said(made.reason))
    return _filled(made, said)


Say = Callable[[str], str]


def _filled(made: GroupsPlan, said: Say) -> GroupsPlan:
    rest, other, near = made.remainder, made.otherwise, made.near
    if rest is not None:
        written = tuple((said(now), said(before)) for now, before in rest.written)
        rest = replace(rest, text=_bound(rest.text, said), written=written)
    return replace(
        made,
        fragments=tuple(_fragment(each, said) for each in made.fragments),
        remainder=rest,
        kept=tuple(map(said, made.kept)),
        otherwise=None if other is None else _filled(other, said),
        near=None if near is None else _filled(near, said),
    )


def _fragment(fragment: Fragment, said: Say) -> Fragment:
    choice = fragment.choice
    return replace(
        fragment,
        text=_bound(fragment.text, said),
        choice=None if choice is None else _choice(choice, said),
        pushed=tuple(map(said, fragment.pushed)),
    )


def _bound(bound: Bound, said: Say) -> Bound:
    return bound._replace(sql=said(bound.sql))


def _choice(choice: ShardChoice, said: Say) -> ShardChoice:
    terms = tuple(
        Constant(type(term.value)(said(str(term.value))))
        if isinstance(term, Constant)
        else term
        for term in choice.terms
    )
    return choice._replace(terms=terms)
