"""A filter of one table goes sideways into the load of another.

Where few rows of one table matter, those of another that have no partner among them
need not be moved: they are asked for by the keys that have come. `Fragment.sideways`
tells which keys those are. Fragments of one database are never asked after each other,
as they must see one state of it; so databases wait for databases:

- one with a condition of its own, and one that no other can narrow, is asked first;
- one that those narrow is asked next, and so on.

It is a saving, and the join is made again above. So whatever is not certain to be read
there as what it is here (a quote, a backslash, a letter of another alphabet) narrows
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from routedb.merge.fragments import GroupReads
from routedb.merge.row_values import values_of
from routedb.planner import Fragment, GroupsPlan, Sideways
from routedb.planner.results import type_of

MOST_KEYS = 10_000
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
# Texts that are the same between quotes in each dialect, mode and encoding.
_PLAIN = re.compile(r"[A-Za-z0-9 _.:@/+-]*", re.ASCII)
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)  # in each DateStyle

# The rows of a fragment, by its number, and a group.
Rows = Mapping[tuple[int, int], Iterable[Any]]


def in_turn(made: GroupsPlan, asked: Sequence[GroupReads]) -> list[list[GroupReads]]:
    """Return what is `asked` for the plan `made` as it is to be asked, one list after
    another: only one when nothing would be saved."""
    turns = _turns(made)
    found: dict[int, list[GroupReads]] = {}
    for reads in asked:
        found.setdefault(turns[reads.database.name], []).append(reads)
    return [found[turn] for turn in sorted(found)]


def _turns(made: GroupsPlan) -> dict[str, int]:
    """Return when each database is asked, by its name."""
    fragments = made.fragments
    narrow = {n for n, fragment in enumerate(fragments) if fragment.has_where}
    turns = {fragments[number].database: 0 for number in narrow}
    turn = 0
    while True:
        turn += 1
        more = {
            number
            for number, fragment in enumerate(fragments)
            if fragment.database not in turns
            and any(side.source in narrow for side in fragment.sideways)
        }
        if not more:
            break
        narrow |= more
        turns |= {fragments[number].database: turn for number in more}
    return {fragment.database: 0 for fragment in fragments} | turns


def narrowed(made: GroupsPlan, rows: Rows) -> GroupsPlan:
    """Return the plan `made` with its fragments narrowed by the `rows` that have come.

    Fragments that have answered stay as they are.
    """
    came: dict[int, list[Iterable[Any]]] = {}
    for (number, _), found in rows.items():
        came.setdefault(number, []).append(found)
    fragments = tuple(
        fragment if number in came else _narrowed(made, fragment, came)
        for number, fragment in enumerate(made.fragments)
    )
    return replace(made, fragments=fragments)


def _narrowed(
    made: GroupsPlan, fragment: Fragment, came: Mapping[int, list[Iterable[Any]]]
) -> Fragment:
    """Return the fragment with the condition of the fewest keys, if any."""
    best: tuple[Sideways, list[str]] | None = None
    for side in fragment.sideways:
        if side.source not in came:
            continue
        keys = _keys(made, side, chain.from_iterable(came[side.source]))
        if keys is not None and (best is None or len(keys) < len(best[1])):
            best = side, keys
    if best is None:
        return fragment
    side, keys = best
    return fragment.narrowed(side, keys)


def _keys(made: GroupsPlan, side: Sideways, rows: Iterable[Any]) -> list[str] | None:
    """Return the keys as literals; None: there are too many, or not all are plain."""
    type_ = type_of(made.fragments[side.source].columns[side.source_column])
    values: dict[Any, None] = {}
    for row in rows:
        values[values_of(row)[side.source_column]] = None
        if len(values) > MOST_KEYS + 1:
            return None
    values.pop(None, None)
    if len(values) > MOST_KEYS:
        return None
    if side.kind:
        literals = [_across(value, side.kind) for value in values]
    else:
        literals = [_literal(value, type_, made.dialect) for value in values]
    known = [literal for literal in literals if literal is not None]
    return known if len(known) == len(literals) else None


def _across(value: Any, kind: str) -> str | None:
    """Return a value that goes to another engine as SQL."""
    value = str(value)
    if kind == "whole":
        return value if _WHOLE.fullmatch(value) else None
    return f"'{value}'" if _PLAIN.fullmatch(value) else None


def _literal(value: Any, type_: str, dialect: str) -> str | None:
    """Return a value as SQL; None: it may be read as another there.

    MySQL's texts are numbers, or else dates that a session's modes may not allow.
    """
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        return None
    if dialect == "mysql":
        return value if _WHOLE.fullmatch(value) else None
    known = _ISO_DATE if type_ == "date" and dialect == "postgresql" else _PLAIN
    return f"'{value}'" if known.fullmatch(value) else None
