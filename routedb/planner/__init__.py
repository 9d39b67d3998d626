"""From a statement over several groups to what each of them is asked, and the rest.

A statement whose tables are certainly on one group never comes here. For the rest one
planner serves shards and databases alike; it is pure: what must be known of the
databases is in its arguments.

In come (`catalog`)

- `Catalog`: the `TableInfo` of each table of each database: columns with the types as
  the engine spells them, and the primary key;
- `Cluster`: the `Place` of each database (dialect, number of groups), and the placement
  of each table: `Whole` in one database, `Copied` to every group of one, or `Sharded`
  over its groups by a key and a function.

Out goes a `Refusal`, with the construct and the reason, or a `GroupsPlan` (`plans`):

- `Fragment`: SQL that runs on groups of one database: on every one (EVERY), on those of
  a key's values (`choice`), or on one, whichever (ANY: the table is whole, or a copy).
  Its placeholders are the statement's own; `bind` picks their values. `sideways` says
  which rows of another fragment tell which of its rows matter: when those are few, and
  were read first, `narrowed` has their values as a condition.
- `Relation`: a table that a work node is to have for the remainder, filled with the
  rows of one fragment from all of its groups. Types, collations and the primary key are
  those of the table it stands for, because they decide how its values compare and what
  may stand beside GROUP BY.
- `Remainder`: SQL of the statement's own dialect over the relations.
- `Merge`: how the plan's answer is made:

  ======== =========================================================================
  ONE      the only fragment's answer, from one group, is the answer
  STREAM   the rows of the only fragment from all groups, in `order` where one is
           given, from `offset` on, at most `limit`: no work node is needed
  COMBINE  each group answers one row; `combine` says column by column how they are
           one. Groups that do not answer a row do not exist
  WORK     the relations are filled and the remainder's answer is the answer
  ======== =========================================================================

  Where a remainder runs (values in the text, temporary tables, ATTACH) is the runner's
  choice, by the engine and by the rows that came; `Remainder.needs_tables` rules out
  what has no keys.

What the runner must see to: the fragments of one group read one snapshot
(`GroupsPlan.needs_snapshot`), or a join could see a row in one and not in the other;
`limit` and `offset` may be `Slot`s, whose values are read as the engine reads them; the
description of STREAM and COMBINE is the fragment's own; a relation's columns are
declared as `Column` has them. A plan is made for a text and serves all parameters;
`take_out` and `put_in` make it serve texts with other literals, too.

Parts: `source_text` parses and splices texts, `references` finds the uses of tables,
`filters` the conditions that go down, `loads` makes the way that is always open. What
the union of shards does not change is told by `joins` and `distribution`; `streams` and
`partials` make plans of it, `results` knows what is exact in Python, `typed` the types
of expressions, `result_names` what PostgreSQL calls them. The rules that
push work down are tables, with the reasons beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from routedb.planner.carried_types import Carried, carried_as
from routedb.planner.catalog import (
    Catalog,
    Cluster,
    Column,
    Copied,
    Place,
    Placement,
    Sharded,
    TableInfo,
    Whole,
)
from routedb.planner.change import (
    Cell,
    Change,
    CopiedOut,
    Created,
    ForeignKey,
    KeysTaken,
)
from routedb.planner.hidden import without_hidden
from routedb.planner.line_format import CopiedIn, LineFormat
from routedb.planner.literals import Taken, put_in, take_out
from routedb.planner.pieces import strung
from routedb.planner.plans import (
    Bound,
    Combine,
    Fragment,
    GroupsPlan,
    Merge,
    Moment,
    OrderTerm,
    Refusal,
    Relation,
    Remainder,
    ShardChoice,
    Sideways,
    Slot,
    Spread,
    Written,
)
from routedb.sql import Table

__all__ = [
    "Bound",
    "Carried",
    "Catalog",
    "Cell",
    "Change",
    "Cluster",
    "Column",
    "Combine",
    "Copied",
    "CopiedIn",
    "CopiedOut",
    "Created",
    "ForeignKey",
    "Fragment",
    "GroupsPlan",
    "LineFormat",
    "KeysTaken",
    "Merge",
    "Moment",
    "OrderTerm",
    "Place",
    "Placement",
    "Refusal",
    "Relation",
    "Remainder",
    "ShardChoice",
    "Sharded",
    "Sideways",
    "Slot",
    "Spread",
    "TableInfo",
    "Taken",
    "Whole",
    "Written",
    "assigned_on_conflict",
    "by_place",
    "carried_as",
    "changed_sources",
    "plan",
    "put_in",
    "shape",
    "strung",
    "take_apart",
    "take_change_apart",
    "take_copy",
    "take_keys",
    "take_copy_in",
    "take_out",
    "times_of",
    "unlocked",
    "with_views",
    "without_hidden",
]


def plan(
    source: str,
    dialect: str,
    catalog: Catalog,
    cluster: Cluster,
    functions: Mapping[str, str] | None = None,
    by_rows: bool = False,
) -> GroupsPlan | Refusal:
    """Plan the text `source`, which is in `dialect`, for all values of its parameters.

    `catalog` has the columns of its tables, `cluster` says where they are. `functions`
    is the configuration's word on functions of the user's, as `classify` takes it.
    `by_rows`: what several groups have is worked out over the rows of the tables.
    Returns the plan, or why there is none; what cannot be understood is refused.
    """
    from routedb.planner.planning import make_plan  # noqa: PLC0415  (sqlglot is slow)

    return make_plan(source, dialect, catalog, cluster, functions or {}, by_rows)


def changed_sources(
    source: str,
    dialect: str,
    catalog: Catalog,
    cluster: Cluster,
    written: Table,
    keeps_home: bool,
) -> GroupsPlan | Refusal | None:
    """Plan what is read for the text `source` in `dialect` that changes rows of the
    table `written`: a WORK whose remainder is the text, over the relations and over the
    tables of the database with the changed one that stay: with `keeps_home` all, else
    those that each of its groups has in whole. `catalog` and `cluster` are those of
    `plan`. None where nothing is to be read."""
    from routedb.planner.sources import sources_of  # noqa: PLC0415  (sqlglot is slow)

    return sources_of(source, dialect, catalog, cluster, written, keeps_home)


def by_place(
    source: str, place_of: Callable[[Table], Hashable]
) -> dict[Hashable, str] | None:
    """Cut the text `source`, of PostgreSQL, which does one thing to a list of tables,
    into one for each place that `place_of` tells of a table: TRUNCATE, DROP TABLE, LOCK
    TABLE. None for what is no such text."""
    from routedb.planner.listed import texts_by_place  # noqa: PLC0415  (as the others)

    return texts_by_place(source, place_of)


def shape(
    source: str,
    dialect: str,
    catalog: Catalog,
    cluster: Cluster,
    functions: Mapping[str, str] | None = None,
) -> GroupsPlan | Refusal:
    """Plan the query `source`, in `dialect`, for what its columns are: the remainder
    over relations without rows has them. `catalog`, `cluster` and `functions` are those
    of `plan`."""
    from routedb.planner.created import shape_of  # noqa: PLC0415  (sqlglot is slow)

    return shape_of(source, dialect, catalog, cluster, functions or {})


def take_apart(
    source: str, dialect: str, defines: bool = False
) -> Written | Created | Refusal | None:
    """Take a statement apart that writes what a query reads, or, if it `defines`, makes
    a table of it: the text `source` in `dialect`. None where it has no query; a refusal
    where it is not understood."""
    from routedb.planner.created import created_by  # noqa: PLC0415  (sqlglot is slow)
    from routedb.planner.written import parts_of  # noqa: PLC0415

    return created_by(source, dialect) if defines else parts_of(source, dialect)


def assigned_on_conflict(after: str, dialect: str) -> frozenset[str] | Refusal | None:
    """Return the columns, folded, that ON CONFLICT or ON DUPLICATE KEY in the end of an
    INSERT, `after` in `dialect`, sets to other values than those that were to be
    inserted. None where it has none; a refusal where it is not understood."""
    from routedb.planner.written import assigned_columns  # noqa: PLC0415  (as above)

    return assigned_columns(after, dialect)


def take_copy(source: str) -> CopiedOut | Refusal | None:
    """Take a COPY of PostgreSQL's to the client apart, the text `source`. None for
    another statement; a refusal where it is not understood."""
    from routedb.planner.copied import copied_out  # noqa: PLC0415  (sqlglot is slow)

    return copied_out(source)


def take_copy_in(source: str) -> CopiedIn | Refusal | None:
    """Take a COPY of PostgreSQL's from the client apart, the text `source`. None for
    another statement; a refusal where it is not understood."""
    from routedb.planner.copied_in import copied_in  # noqa: PLC0415  (as above)

    return copied_in(source)


def take_change_apart(
    source: str, dialect: str, is_own: bool = False
) -> Change | Refusal:
    """Take an INSERT, UPDATE or DELETE apart that writes to another engine than the
    text `source` in `dialect` is for, or, where `is_own`, to that one; a refusal where
    it is not understood."""
    from routedb.planner.changes import change_of  # noqa: PLC0415  (as above)

    return change_of(source, dialect, is_own)


def take_keys(
    source: str, dialect: str, is_taken: Callable[[Table], bool]
) -> KeysTaken | Refusal:
    """Take foreign keys out of a definition of a table, the text `source` in `dialect`:
    those to parents of which `is_taken` says so. A refusal where it is not
    understood."""
    from routedb.planner.foreign_keys import keys_of  # noqa: PLC0415

    return keys_of(source, dialect, is_taken)


def unlocked(source: str, dialect: str) -> str | Refusal:
    """Return a read, the text `source` in `dialect`, without the locks at its end (FOR
    UPDATE); a refusal where they are anything else."""
    from routedb.planner.changes import unlocked_text  # noqa: PLC0415  (as above)

    return unlocked_text(source, dialect)


def with_views(
    source: str, dialect: str, queries: Mapping[Table, str]
) -> str | Refusal:
    """Return the text `source`, in `dialect`, with the `queries` of views in the place
    of their names; a refusal where that would be something else."""
    from routedb.planner.views import expand_views  # noqa: PLC0415  (sqlglot is slow)

    return expand_views(source, dialect, queries)


def times_of(source: str, dialect: str) -> tuple[str, tuple[Moment, ...]] | Refusal:
    """Return the text `source` in `dialect`, which writes to several groups, with marks
    for the times that it asks for, and these; a refusal where they cannot be told."""
    from routedb.planner.moments import find_written  # noqa: PLC0415  (sqlglot is slow)
    from routedb.planner.source_text import Refused  # noqa: PLC0415

    try:
        return find_written(source, dialect)
    except Refused as exc:
        return exc.refusal
