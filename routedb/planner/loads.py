"""The way that is always open: each table is read, and the text runs over its rows.

Every use of a table becomes a relation, and in the text only the table's name is
exchanged for the relation's. So whatever SQL the engine has, it computes it itself,
over rows that are those of the table. What is saved on the way, and why it may be:

=========================== ========================================================
columns                     one whose name stands nowhere in the query decides nothing
conditions                  see `filters`
the same, more than once    see `needed`
rows of groups              see `grouped`
shards                      of a key's values, when a condition says which
a fragment for several uses the same rows under several names
rows of a copy              a row without a partner in a join that needs one: the copy
                            is on the shard, with its own conditions
values of another fragment  a row without a partner in a join that needs one (when the
                            runner finds them few: see `Fragment.sideways`)
=========================== ========================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.among import among_copies, is_same_type, table_text
from routedb.planner.carried import carry, sideways_across, slots_of
from routedb.planner.catalog import Cluster, Column, Copied, Sharded
from routedb.planner.filters import equal_columns, find_filter
from routedb.planner.grouped import Grouped, grouped
from routedb.planner.needed import Needed
from routedb.planner.plans import (
    Bound,
    Fragment,
    GroupsPlan,
    Merge,
    Relation,
    Remainder,
    ShardChoice,
    Sideways,
    Slot,
    Spread,
    Total,
)
from routedb.planner.references import References, Use
from routedb.planner.source_text import Edit, refuse
from routedb.sql.scanner.identifiers import quote_identifier

_RELATION = "routedb_r"
_TABLE = re.compile(r"\bTABLE\s*\Z", re.IGNORECASE).search


def load_plan(
    references: References,
    cluster: Cluster,
    kept: tuple[str, ...],
    pushes_across: bool = True,
    has_sideways: bool = True,
    reads_copies: bool = False,
) -> GroupsPlan:
    """Return the plan that reads each table and runs the text over the rows.

    `references` are the uses of tables in the text, `cluster` says where they are, and
    `kept` why nothing more is pushed down. `pushes_across`: conditions may go down to
    databases of other dialects too. `has_sideways`: they are all uses of tables.
    `reads_copies`: the remainder runs where the copies are, and reads them itself.
    """
    _check_names(references)
    uses = [
        use
        for use in references.uses
        if not (reads_copies and isinstance(use.placement, Copied))
    ]
    loads = _Loads(references, cluster, pushes_across, has_sideways, uses)
    for use in uses:
        loads.add(use)
    fragments, across = loads.fragments, loads.across
    if has_sideways:
        fragments = _with_sideways(references, cluster, loads)
    remainder = Remainder(
        references.text.edited((*loads.edits, *loads.more)),
        tuple(loads.relations),
        _may_depend_on_keys(references),
        tuple((e.text, references.text.source[e.start : e.end]) for e in loads.edits),
        references.text.session_words,
    )
    carried = tuple(slots_of(across))
    otherwise = None
    if carried:
        otherwise = load_plan(references, cluster, kept, False, has_sideways)
    near = None
    if has_sideways and not reads_copies and _has_copies(references, cluster):
        near = load_plan(references, cluster, kept, reads_copies=True)
    return GroupsPlan(
        references.text.dialect,
        tuple(fragments),
        Merge.WORK,
        remainder=remainder,
        kept=kept,
        otherwise=otherwise,
        carried=carried,
        near=near,
    )


def _has_copies(references: References, cluster: Cluster) -> bool:
    """Tell whether there are copies on the shards of all other tables of PostgreSQL's
    text, so that a remainder there can read them."""
    databases = {use.placement.database for use in references.uses}
    is_known = references.text.dialect == "postgresql" and all(
        cluster.databases[name].dialect == "postgresql" for name in databases
    )
    kinds = {type(use.placement) for use in references.uses}
    return is_known and len(databases) == 1 and kinds == {Copied, Sharded}


class _Loads:
    """What is read of each use of a table, and what the text calls it then."""

    def __init__(
        self,
        references: References,
        cluster: Cluster,
        pushes_across: bool,
        are_all: bool,
        uses: list[Use],
    ) -> None:
        self.references = references
        self.uses = uses
        self.cluster = cluster
        self.pushes_across = pushes_across
        self._needed = Needed(references, cluster, uses) if are_all else None
        self.fragments: list[Fragment] = []
        self.across: list[Fragment] = []  # from databases of other dialects
        self.relations: list[Relation] = []
        self.edits: list[Edit] = []  # that rename tables
        self.more: list[Edit] = [] if self._needed is None else self._needed.edits
        self.grouped: set[int] = set()  # numbers of fragments that have groups
        self._compared = _compared(references)

    def add(self, use: Use) -> None:
        """Read one use; a fragment that another use has already is not read again."""
        fragment, columns, key = self._read(use)
        if fragment not in self.fragments:
            self.fragments.append(fragment)
        names = {column.name for column in fragment.columns}
        name = f"{_RELATION}{len(self.relations)}_"
        number = self.fragments.index(fragment)
        key = key if names.issuperset(key) else ()
        folded = {column: self.references.fold(column) for column in columns}
        looked = tuple(c.name for c in columns if folded[c] in self._compared)
        self.relations.append(Relation(name, columns, number, key, looked, use.table))
        self.edits += _renamed(self.references, use, name)

    def _read(self, use: Use) -> tuple[Fragment, tuple[Column, ...], tuple[str, ...]]:
        """Return the fragment, the relation's columns, and those of its primary key."""
        references, needed = self.references, self._needed
        dialect = self.cluster.databases[use.placement.database].dialect
        if dialect != references.text.dialect:
            fragment, columns = carry(references, use, dialect, self.pushes_across)
            self.across.append(fragment)
            return fragment, columns, ()  # what is unique there need not be here
        groups = None
        if needed is not None:
            groups = grouped(references, needed, use, len(self.relations))
        if groups is not None:
            fragment = _grouped_fragment(references, use, groups)
            self.grouped.add(len(self.fragments))
            self.more += groups.edits
            return fragment, fragment.columns, ()
        columns = references.columns(use) if needed is None else needed.columns(use)
        is_set = needed is not None and needed.is_set(use, columns)
        fragment = _fragment(references, use, columns, "DISTINCT " * is_set)
        return fragment, fragment.columns, use.info.primary_key


class _Rows(NamedTuple):
    """Rows of a table: `where` as SQL, "" for all, what is told of it, and on which
    shards they are."""

    where: str
    slots: tuple[Slot | Total, ...]
    choice: ShardChoice | None


def _fragment(
    references: References, use: Use, columns: tuple[Column, ...], word: str
) -> Fragment:
    dialect = references.text.dialect
    names = [quote_identifier(column.name, dialect) for column in columns]
    table = table_text(references, use)
    rows = _rows(references, use)
    pushed = []
    if len(columns) < len(use.info.columns):
        pushed.append(f"{len(columns)} of {len(use.info.columns)} columns")
    if word:
        pushed.append("each row once")
    if rows.where:
        pushed.append(rows.where)
    if "%" in "".join(names):
        refuse("reserved name", f"table {use.table}: a percent sign in a name")
    where = f" WHERE {rows.where}" if rows.where else ""
    return Fragment(
        use.placement.database,
        Bound(f"SELECT {word}{', '.join(names)} FROM {table}{where}", rows.slots),
        Spread.EVERY if isinstance(use.placement, Sharded) else Spread.ANY,
        rows.choice,
        columns,
        tuple(pushed),
        has_where=bool(rows.where),
    )


def _grouped_fragment(references: References, use: Use, groups: Grouped) -> Fragment:
    text = references.text
    names = [quote_identifier(column.name, text.dialect) for column in groups.keys]
    shown, slots = list(names), list[Slot | Total]()
    for (function, start, end), column in zip(groups.asked, groups.made, strict=True):
        inner = text.piece(start, end)
        shown.append(f"{function}({inner.sql}) AS {column.name}")
        slots += inner.slots
    if "%" in "".join(names):
        refuse("reserved name", f"table {use.table}: a percent sign in a name")
    table, rows = table_text(references, use), _rows(references, use)
    where = f" WHERE {rows.where}" if rows.where else ""
    sql = f"SELECT {', '.join(shown)} FROM {table}{where} GROUP BY {', '.join(names)}"
    pushed = ["groups of each shard", *([rows.where] if rows.where else [])]
    return Fragment(
        use.placement.database,
        Bound(sql, (*slots, *rows.slots)),
        Spread.EVERY,
        rows.choice,
        (*groups.keys, *groups.made),
        tuple(pushed),
        has_where=bool(rows.where),
    )


def _rows(references: References, use: Use) -> _Rows:
    """Return which rows of a use of a table matter."""
    filter_ = find_filter(references, use)
    slots: list[Slot | Total] = []
    conditions = []
    for conjunct in filter_.conjuncts:
        written = references.text.written(conjunct)
        assert written is not None  # no operator, and no name, with a percent sign
        is_loose = isinstance(conjunct, exp.Or)
        conditions.append(f"({written.sql})" if is_loose else written.sql)
        slots += written.slots
    for among in among_copies(references, use):
        conditions.append(among.sql)
        slots += among.slots
    if "%" in table_text(references, use):
        refuse("reserved name", f"table {use.table}: a percent sign in a name")
    return _Rows(" AND ".join(conditions), tuple(slots), filter_.choice)


def _with_sideways(
    references: References, cluster: Cluster, loads: _Loads
) -> list[Fragment]:
    """Return the fragments of `loads` with what is said of their rows by those of
    others.

    Not for one that several uses have: each would be narrowed otherwise. Nor for
    groups: a condition stands at the end.
    """
    numbers = [relation.fragment for relation in loads.relations]
    fragments = list(loads.fragments)
    by_use = {id(use): n for use, n in zip(loads.uses, numbers, strict=True)}
    for use, number in zip(loads.uses, numbers, strict=True):
        if numbers.count(number) > 1 or number in loads.grouped:
            continue
        found = []
        for mine, other, its in equal_columns(references, use):
            source = by_use.get(id(other))
            one = references.column_of(use, references.names.column(mine.this))
            two = references.column_of(other, references.names.column(its.this))
            written = references.text.written(mine)
            if one is None or two is None or written is None or source is None:
                continue
            column = fragments[source].columns.index(two)
            dialects = (
                cluster.databases[use.placement.database].dialect,
                cluster.databases[other.placement.database].dialect,
            )
            if set(dialects) == {references.text.dialect}:
                if is_same_type(one, two):
                    found.append(Sideways(written.sql, source, column))
                continue
            across = sideways_across(
                (one, two), dialects, written.sql, references.text.dialect
            )
            if across is not None:
                found.append(across._replace(source=source, source_column=column))
        fragments[number] = replace(fragments[number], sideways=tuple(found))
    return fragments


def _renamed(references: References, use: Use, relation: str) -> Iterator[Edit]:
    """Yield the edits that make a use of a table one of a relation."""
    text = references.text
    schema = use.node.args.get("db")
    start, end = text.span(use.node.this)
    written = text.source[start:end]
    if schema is not None:
        start, _ = text.span(schema)
    named = relation if use.has_alias else f"{relation} AS {written}"
    command = _TABLE(text.masked.code, 0, start)
    if command is not None:  # TABLE t takes no alias
        start, named = command.start(), f"SELECT * FROM {named}"
    yield Edit(start, end, named)


def _check_names(references: References) -> None:
    """Refuse columns that are written with a schema, which relations have none of."""
    for column in references.text.tree.find_all(exp.Column):
        if column.args.get("db") is not None:
            refuse(
                "schema before a column",
                f"{column.sql()}: write the table's name, or an alias, alone",
            )
    if any(name.startswith(_RELATION) for name in references.mentioned):
        refuse("reserved name", f"a name of the text begins with {_RELATION}")


def _compared(references: References) -> set[str]:
    """Return the names that may be of columns by which rows are looked for."""
    tree = references.text.tree
    found = set()
    for equality in tree.find_all(exp.EQ, exp.In):
        sides = (equality.this, equality.args.get("expression"))
        found |= {side.this for side in sides if isinstance(side, exp.Column)}
    for join in tree.find_all(exp.Join):
        for each in join.args.get("using") or ():
            found.add(each.this if isinstance(each, exp.Column) else each)
    return {references.names.column(each) for each in found}


def _may_depend_on_keys(references: References) -> bool:
    """PostgreSQL lets columns stand beside GROUP BY when the primary key is in it."""
    if references.text.dialect != "postgresql":
        return False
    groups = list(references.text.tree.find_all(exp.Group))
    named = {
        references.names.column(column.this)
        for group in groups
        for column in group.find_all(exp.Column)
    }
    if named & references.results or any(g.find(exp.Literal) for g in groups):
        return True  # by another name, or by a number
    keys = (
        {references.fold(each) for each in use.info.columns if each.name in key}
        for use in references.uses
        if (key := use.info.primary_key)
    )
    return any(key <= named for key in keys)
