"""A plan, as values: fragments, relations, remainder, and the way of merging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, NamedTuple, TypeGuard

from routedb.errors import ShardError
from routedb.planner.catalog import Column
from routedb.sharding.keys.value_terms import ShardKey, locate_value
from routedb.sql import Table

_TOO_LARGE = 2**63


class Slot(NamedTuple):
    """The statement's parameter of this number, from 0, or of this name."""

    place: int | str

    def value(self, params: Any) -> Any:
        """Return its value in `params`, which fit the statement."""
        return params[self.place]


class TextSlot(Slot):
    """One whose value is a text wherever the plan is for."""

    __slots__ = ()


class Total(NamedTuple):
    """A parameter made of others: their sum, and that of whole numbers."""

    terms: tuple[Slot | int, ...]

    def value(self, params: Any) -> Any:
        """Return its value for the statement's `params`, all of which are numbers."""
        return sum(
            term if isinstance(term, int) else term.value(params) for term in self.terms
        )


class Constant(NamedTuple):
    """A value that stands in the text."""

    value: Any


class Spread(Enum):
    """On which groups of its database a fragment runs."""

    ANY = "any"  # one, whichever: all have the same rows, or there is only one
    EVERY = "every"


class ShardChoice(NamedTuple):
    """What is known of a sharded table's key: it is one of `terms`.

    It is a saving, not a condition: the fragment's own SQL has the condition too.
    """

    key: ShardKey
    terms: tuple[Slot | Constant, ...]

    def at(self, said: Callable[[str], str]) -> ShardChoice:
        """Return the choice with what is `said` for the marks in its texts."""
        terms = (
            Constant(said(term.value)) if _is_text(term) else term
            for term in self.terms
        )
        return self._replace(terms=tuple(terms))

    def shards(self, params: Any, shards: int) -> frozenset[int]:
        """Return those of so many `shards` that can have rows for these `params`.

        A value that cannot be a key is equal to none for certain only to the engine, so
        all are asked.
        """
        found = set()
        for term in self.terms:
            value = term.value if isinstance(term, Constant) else term.value(params)
            if value is None:
                continue  # equal to nothing
            try:
                found.add(locate_value(value, self.key, shards))
            except ShardError:
                return frozenset(range(shards))
        return frozenset(found)


def _is_text(term: Slot | Constant) -> TypeGuard[Constant]:
    return isinstance(term, Constant) and isinstance(term.value, str)


class Bound(NamedTuple):
    """A text with placeholders as users write them, and which parameter each is."""

    sql: str
    slots: tuple[Slot | Total, ...] = ()

    def bind(self, params: Any) -> Any:
        """Return the parameters for this text, of the statement's `params`."""
        if params is None or isinstance(params, Mapping):
            return params
        return tuple(slot.value(params) for slot in self.slots)

    def bind_used(self, params: Any) -> Any:
        """Return the parameters for this text alone: another driver may not know how to
        write the rest of the statement's `params`."""
        if not isinstance(params, Mapping):
            return self.bind(params)
        places = [slot.place for slot in self.slots if isinstance(slot, Slot)]
        return {place: params[place] for place in places}


class Sideways(NamedTuple):
    """Only rows of a fragment matter whose `column`, as SQL, has one of the values that
    column number `source_column` has in the rows of fragment number `source`.

    Between engines `kind` says what both are ("whole" numbers or "text"), and `more`
    which rows matter as well."""

    column: str
    source: int
    source_column: int
    kind: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL for groups of one database.

    `columns` are those that come, where they are a table's; () where the server's own
    description is all that is known. `pushed` says what it does beyond reading rows.
    `shown` is what is told of a text that has values of rows in it. `is_locking`: its
    rows are to be locked, where another engine has locks of rows.
    """

    database: str
    text: Bound
    spread: Spread
    choice: ShardChoice | None = None
    columns: tuple[Column, ...] = ()
    pushed: tuple[str, ...] = ()
    sideways: tuple[Sideways, ...] = ()
    has_where: bool = False
    shown: str | None = None
    is_locking: bool = False

    def narrowed(self, side: Sideways, values: Sequence[str]) -> Fragment:
        """Return the fragment of those rows alone whose column has one of `values`, by
        one of `sideways`: `side`. The values are literals, as SQL, without a percent
        sign.
        """
        word = "AND" if self.has_where else "WHERE"
        before = f"{self.text.sql} {word} {'(' if side.more else ''}{side.column} IN ("
        after = f"){side.more})" if side.more else ")"
        listed = ", ".join(values) or "NULL"
        return replace(
            self,
            text=self.text._replace(sql=f"{before}{listed}{after}"),
            has_where=True,
            shown=f"{before}/* keys: {len(values)} */{after}",
        )

    def groups(self, params: Any, groups: int) -> Sequence[int] | None:
        """Return which of the database's `groups` to ask with these `params`.

        None: one of them, whichever. There is always one, to say which columns come.
        """
        if self.spread is Spread.ANY:
            return None
        if self.choice is None:
            return range(groups)
        return sorted(self.choice.shards(params, groups)) or (0,)


@dataclass(frozen=True, slots=True)
class Relation:
    """A table of the remainder: the rows of fragment number `fragment`, of all groups.

    `primary_key` is that of the table it stands for, () where not all of it came.
    `keys` are the columns by which the remainder may look for rows. `table` is the one
    it stands for, where that is one.
    """

    name: str
    columns: tuple[Column, ...]
    fragment: int
    primary_key: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Remainder:
    """SQL over `relations`, in the statement's own dialect.

    `needs_tables`: it may depend on a relation's primary key, so that rows written as
    values would not do. `written` has what stands in the text for what stood there.
    `session_words` are the names in it whose value is the session's or the
    transaction's (now(), current_user): where the remainder runs on another link than
    the user's, that link must be made to say the same, or the statement be refused.
    """

    text: Bound
    relations: tuple[Relation, ...]
    needs_tables: bool = False
    written: tuple[tuple[str, str], ...] = ()
    session_words: tuple[str, ...] = ()

    def original(self, name: str) -> str:
        """Return what the statement's column would be called that is now `name`.

        SQLite and MySQL call a column after the text of its expression.
        """
        for now, before in self.written:
            name = name.replace(now, before)
        return name


class Moment(NamedTuple):
    """One question to the clock: `asked` is SQL for its value as text, `mark` stands
    for that text, and `written` is what stood there."""

    mark: str
    asked: str
    written: str


class Merge(Enum):
    """How the answer is made: see the table in `routedb.planner`."""

    ONE = "one"
    STREAM = "stream"
    COMBINE = "combine"
    WORK = "work"


class Combine(Enum):
    """How the values of one column, one of each group, are one."""

    COUNT = "count"  # their sum
    SUM = "sum"  # the sum of those that are not NULL; NULL when all are
    MIN = "min"  # the least of those that are not NULL
    MAX = "max"


class OrderTerm(NamedTuple):
    """Rows are in the order of the column of this number, from 0, whose values Python
    orders as the engine does."""

    column: int
    is_descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class GroupsPlan:
    """How a statement over several groups is answered.

    `remainder` is set for WORK, `combine` for COMBINE; `order`, `limit` and `offset`
    are STREAM's. `kept` is what was not pushed down, and why. `otherwise` is the plan
    for parameters for which `fits` says no; `carried` are those that went down to an
    engine of another dialect, so that they must be whole numbers or, where they are
    `TextSlot`s, texts that are the same in every character set. `moments` are the times
    that one server is asked for before any fragment runs: see `at`. `near` is the plan
    for a remainder that runs where the copies are, and reads them there.
    """

    dialect: str
    fragments: tuple[Fragment, ...]
    merge: Merge
    remainder: Remainder | None = None
    order: tuple[OrderTerm, ...] = ()
    limit: int | Slot | None = None
    offset: int | Slot | None = None
    combine: tuple[Combine, ...] = ()
    kept: tuple[str, ...] = field(default=(), compare=False)
    otherwise: GroupsPlan | None = None
    carried: tuple[Slot, ...] = ()
    moments: tuple[Moment, ...] = ()
    near: GroupsPlan | None = None

    def with_moments(self, moments: tuple[Moment, ...]) -> GroupsPlan:
        """Return the plan of a text in which there are marks of these `moments`."""
        plans = (self.otherwise, self.near)
        others = [each and each.with_moments(moments) for each in plans]
        return replace(self, moments=moments, otherwise=others[0], near=others[1])

    def at(self, values: Mapping[str, str]) -> GroupsPlan:
        """Return the plan with `values` for the marks of its moments."""

        def said(text: str) -> str:
            for mark, value in values.items():
                text = text.replace(mark, value)
            return text

        def timed(bound: Bound) -> Bound:
            return bound._replace(sql=said(bound.sql))

        fragments = (
            replace(
                each,
                text=timed(each.text),
                choice=None if each.choice is None else each.choice.at(said),
            )
            for each in self.fragments
        )
        rest = self.remainder
        if rest is not None:
            rest = replace(rest, text=timed(rest.text))
        return replace(self, fragments=tuple(fragments), remainder=rest)

    def fits(self, params: Any) -> bool:
        """Tell whether this plan is for these `params`.

        What engines make of a LIMIT that is no plain number (text, NULL, -1) differs.
        """
        bounds = [each for each in (self.limit, self.offset) if isinstance(each, Slot)]
        for value in [bound.value(params) for bound in bounds]:
            if type(value) is not int or value < 0:
                return False
        return all(_is_carried(slot, params) for slot in self.carried)

    @property
    def needs_snapshot(self) -> frozenset[str]:
        """The databases whose groups run several fragments, of which all must see the
        same rows."""
        names = [fragment.database for fragment in self.fragments]
        return frozenset(name for name in names if names.count(name) > 1)


def _is_carried(slot: Slot, params: Any) -> bool:
    """Tell whether a parameter is one that all engines and drivers write alike."""
    try:
        value = slot.value(params)
    except (LookupError, TypeError):
        return False  # the driver says so
    if isinstance(slot, TextSlot):
        return type(value) is str and value.isascii() and "\0" not in value
    return type(value) is int and abs(value) < _TOO_LARGE


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no plan. `construct` is a word to count by, `reason` a sentence."""

    construct: str
    reason: str


class Written(NamedTuple):
    """The parts of a statement: what stands `before` and `after` the `query`.

    `untyped` are the columns of the query's result that have no type of their own, so
    that PostgreSQL gives them that of the column they are written to: literals, and
    parameters that become some, in which case the slot says which. Numbers below zero
    count from the last column. `target` is the table as the text names it, `columns`
    are those it lists, None where it lists none; they, or one more, would stand at the
    place `listed_at` of `before`. `divides`: the query has an average or a quotient.
    """

    before: Bound
    query: Bound
    after: Bound
    untyped: tuple[tuple[int, Slot | None], ...] = ()
    target: str = ""
    columns: tuple[str, ...] | None = None
    divides: bool = False
    listed_at: int = -1
