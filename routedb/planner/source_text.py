"""A text, its tree, and the way back from a node to the characters it was made of.

What runs is the user's own text wherever possible: only names of tables are exchanged
in it. sqlglot writes functions and literals in its own way, and an engine names a
column after the text of its expression.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple, NoReturn

from sqlglot import exp

from routedb.errors import ShardError
from routedb.planner.plain_sql import plain_sql
from routedb.planner.plans import Bound, Refusal, Slot, Total
from routedb.sharding.keys.value_terms import NamedParam, PositionalParam
from routedb.sharding.rewrite.masking import MaskedText, mask
from routedb.sharding.rewrite.trees import trees_of
from routedb.sql import scan

DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}

_PLACE = "routedb_place_"  # a column's name, which stands wherever a value may
_PLACES = re.compile(rf"{_PLACE}(\d+)")


# By time, by user, by what a session has chosen. SQLite's functions of time take 'now'.
_SESSION_WORDS = re.compile(
    r"\b(?:now|current_(?:date|time|timestamp|user|role|catalog|schemas?|setting)"
    r"|localtime(?:stamp)?|(?:transaction|statement|clock)_timestamp|timeofday|age"
    r"|(?:session|system)_user|user|database|schema|curdate|curtime|sysdate"
    r"|utc_(?:date|time|timestamp)|unix_timestamp|unixepoch|julianday|strftime"
    r"|date|time|datetime|timediff|connection_id|pg_backend_pid|txid_current\w*)\b",
    re.IGNORECASE,
).finditer


class Refused(Exception):  # noqa: N818  (never leaves the planner)
    """There is no plan."""

    def __init__(self, construct: str, reason: str) -> None:
        """`construct` and `reason` are those of the `Refusal`."""
        super().__init__(reason)
        self.refusal = Refusal(construct, reason)


def refuse(construct: str, reason: str) -> NoReturn:
    """Raise `Refused` with this `construct` and `reason`."""
    raise Refused(construct, reason)


class Edit(NamedTuple):
    """Characters of the text from `start` up to `end`, and what stands there instead.

    `end` may be `start`: then something is added.
    """

    start: int
    end: int
    text: str


class SourceText:
    """One statement's text and tree. Placeholders are columns in the tree."""

    def __init__(self, masked: MaskedText, dialect: str) -> None:
        """Parse the `masked` text of `dialect`. Raises `Refused` when that fails."""
        self.source = masked.source
        self.dialect = dialect
        self.masked = masked
        self._slots: list[Slot] = []
        self._at: list[int] = []  # where each piece begins in what is parsed
        self._from: list[int] = []  # and where in the source
        self._places: list[tuple[int, Slot]] = []
        # By the id of a node, with the node, whose id could be another's else.
        self._written: dict[int, tuple[exp.Expr, Bound | None]] = {}
        self.tree = _parse(self._for_parsing(), dialect)

    @property
    def is_named(self) -> bool:
        """Tell whether the parameters have names."""
        return bool(self._slots) and isinstance(self._slots[0].place, str)

    def slot(self, node: exp.Expr | None) -> Slot | None:
        """Return the parameter that a node is, None when it is something else."""
        if not isinstance(node, exp.Column) or node.args.get("table") is not None:
            return None
        found = _PLACES.fullmatch(node.name)
        return self._slots[int(found[1])] if found else None

    @property
    def session_words(self) -> tuple[str, ...]:
        """The names in the text whose value is the session's or the transaction's.

        A column may have such a name; then it is said once too often.
        """
        found = _SESSION_WORDS(self.masked.code)
        return tuple(dict.fromkeys(match[0].lower() for match in found))

    def span(self, name: exp.Expr) -> tuple[int, int]:
        """Return from and up to where an identifier stands, with its quotes."""
        start, end = name.meta.get("start"), name.meta.get("end")
        if start is None or end is None:
            refuse("unknown grammar", f"{name.name}: it is not certain where it stands")
        return self._original(start), self._original(end) + 1

    def edited(self, edits: Iterable[Edit]) -> Bound:
        """Return the text with `edits`, which do not overlap."""
        pieces: list[str] = []
        slots: list[Slot | Total] = []
        at = 0
        for edit in sorted(edits):
            pieces += (self.source[at : edit.start], edit.text)
            slots += self._slots_in(at, edit.start)
            at = edit.end
        slots += self._slots_in(at, len(self.source))
        return Bound("".join((*pieces, self.source[at:])), tuple(slots))

    def piece(self, start: int, end: int) -> Bound:
        """Return the text from `start` up to `end`."""
        return Bound(self.source[start:end], tuple(self._slots_in(start, end)))

    def parsed(self, start: int, end: int) -> str:
        """Return what was parsed of the text from `start` up to `end`."""
        pieces: list[str] = []
        places, at = 0, start
        for token in self.masked.value_tokens:
            is_place = _place_of(token.term) is not None
            if start <= token.start < end and (is_place or token.term is None):
                pieces.append(self.source[at : token.start])
                pieces.append(f"{_PLACE}{places}" if is_place else "%")
                at = token.end
            places += is_place
        return "".join((*pieces, self.source[at:end]))

    def written(self, node: exp.Expr) -> Bound | None:
        """Return a node as SQL, None when it cannot be said with placeholders.

        A percent sign of a literal's stands there as it did in the text, one or two of
        them as the call has parameters or not. An operator has lost the second.
        """
        known = self._written.get(id(node))
        if known is None:
            known = self._written[id(node)] = (node, self._write(node))
        return known[1]

    def _write(self, node: exp.Expr) -> Bound | None:
        dialect = DIALECTS[self.dialect]
        sql = plain_sql(node, dialect)
        if sql is None:
            sql = node.sql(dialect=dialect)
        if "%" in sql and not self.keeps_percents(node):
            return None
        numbers = [int(number) for number in _PLACES.findall(sql)]
        slots = [self._slots[number] for number in numbers]
        text = _PLACES.sub(lambda found: spell(self._slots[int(found[1])].place), sql)
        return Bound(text, tuple(slots))

    def keeps_percents(self, node: exp.Expr) -> bool:
        """Tell whether `node` has no percent sign, or those of texts alone, which are
        read by psycopg2 as they were in the whole text."""
        return not any(
            isinstance(each, exp.Mod)
            or (
                isinstance(each, (exp.Identifier, exp.Literal))
                and "%" in each.name
                and (isinstance(each, exp.Identifier) or self.dialect != "postgresql")
            )
            for each in node.walk()
        )

    def _slots_in(self, start: int, end: int) -> Sequence[Slot]:
        return [slot for at, slot in self._places if start <= at < end]

    def _original(self, at: int) -> int:
        piece = bisect_right(self._at, at) - 1
        return self._from[piece] + at - self._at[piece]

    def _for_parsing(self) -> str:
        pieces: list[str] = []
        length = at = 0
        for token in self.masked.value_tokens:
            place = _place_of(token.term)
            if place is None and token.term is not None:
                continue  # a literal stays
            self._at.append(length)
            self._from.append(at)
            pieces.append(self.source[at : token.start])
            if place is None:
                pieces.append("%")
            else:
                pieces.append(f"{_PLACE}{len(self._slots)}")
                self._slots.append(Slot(place))
                self._places.append((token.start, self._slots[-1]))
            length += len(pieces[-1]) + len(pieces[-2])
            at = token.end
        self._at.append(length)
        self._from.append(at)
        pieces.append(self.source[at:])
        return "".join(pieces)


def read_source(source: str, dialect: str) -> SourceText:
    """Return the text `source`, which is in `dialect`, with its tree.

    Raises `Refused` for what is not understood.
    """
    if _PLACE in source.lower():
        refuse("reserved name", f"a name of the text begins with {_PLACE}")
    return SourceText(masked_source(source, dialect), dialect)


def masked_source(source: str, dialect: str) -> MaskedText:
    """Return the text `source`, which is in `dialect`, without a tree. Raises `Refused`
    for what is not understood."""
    try:
        return mask(source, scan(source, dialect))
    except ShardError as exc:
        refuse("unknown grammar", str(exc))


def _parse(text: str, dialect: str) -> exp.Expr:
    found = trees_of(text, DIALECTS[dialect])
    if found is None:
        refuse("unknown grammar", "its grammar is not understood: write it more simply")
    if len(found) != 1:
        refuse("several statements", "several statements in one text: send one by one")
    if dialect == "sqlite":
        _name_listed_tables(found[0])
    return found[0]


def _name_listed_tables(tree: exp.Expr) -> None:
    """Make a table of each name that IN has for its list: sqlglot takes it for a
    column's."""
    for node in tree.find_all(exp.In):
        name = node.args.get("field")
        if isinstance(name, exp.Column) and not _PLACES.fullmatch(name.name):
            node.set("field", exp.Table(this=name.this, db=name.args.get("table")))


def _place_of(term: object) -> int | str | None:
    if isinstance(term, PositionalParam):
        return term.ordinal
    return term.name if isinstance(term, NamedParam) else None


def spell(place: int | str) -> str:
    """Return a placeholder as users write it."""
    return f"%({place})s" if isinstance(place, str) else "%s"
