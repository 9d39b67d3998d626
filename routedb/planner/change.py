"""Statements that change another dialect's table, define one by a query, or one that
refers to another database's, or copy rows: in their parts, as values."""

from __future__ import annotations

from typing import NamedTuple

from routedb.planner.plans import Bound, Slot
from routedb.sql import Table


class Cell(NamedTuple):
    """An expression whose value is written. `is_untyped`: it is a literal that takes
    the type of its column; `slot` is set where it is a parameter and no more."""

    text: Bound
    is_untyped: bool = False
    slot: Slot | None = None


class Change(NamedTuple):
    """The parts of an INSERT, UPDATE or DELETE, its `verb`.

    `target` is the table with its alias as both are written, `alias` what its columns
    are qualified by. `columns` are those that get values, folded; None where an INSERT
    lists none. `rows` are the values, one for each column (None: DEFAULT), of each row
    of an INSERT, or of all rows of an UPDATE; `query` is an INSERT's that has one.
    `where` is WHERE with its condition, or empty, `returning` what RETURNING lists.
    `sources` is what stands in FROM of an UPDATE or in USING of a DELETE, behind a
    comma, or empty. `skipped_by` is set where ON CONFLICT says what to do: the columns
    that it lists. That is nothing, or `instead`: its UPDATE, whose condition has no
    WHERE, and which names these columns of the new row, as `excluded`.
    """

    verb: str
    target: str
    alias: str
    columns: tuple[str, ...] | None
    rows: tuple[tuple[Cell | None, ...], ...]
    query: Bound | None
    where: Bound
    returning: Bound | None
    sources: Bound = Bound("")
    skipped_by: tuple[str, ...] | None = None
    instead: Change | None = None
    excluded: frozenset[str] = frozenset()


class ForeignKey(NamedTuple):
    """Columns of a child, and of its parent; () where the parent's are not named."""

    columns: tuple[str, ...]
    parent: Table
    parent_columns: tuple[str, ...]


class KeysTaken(NamedTuple):
    """The `text` that is left without the `keys`, None: nothing is."""

    text: str | None
    keys: tuple[ForeignKey, ...]


class Created(NamedTuple):
    """The parts of a statement that makes a table of a query.

    `before` and `after` stand around the `query`, without IF NOT EXISTS: `if_absent` is
    `before` with it, None where it is not said. `is_filled`: the rows go in as well.
    `target` is the table as the text names it, which in `before` ends at `named_to`.
    """

    before: Bound
    query: Bound
    after: Bound
    if_absent: str | None
    is_filled: bool
    target: str
    is_temporary: bool
    named_to: int = 0


class CopiedOut(NamedTuple):
    """The parts of a COPY to the client: `head` up to STDOUT, the `query`, None for a
    table's, and the `options`; `later` are those of what follows a first part."""

    head: str
    query: str | None
    options: str
    later: str
    is_binary: bool
