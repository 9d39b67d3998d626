"""The way that is always open: each table is read, and the text runs over its rows.

Every use of a table becomes a relation, and in the text only the table's name is
exchanged for the relation's. So whatever SQL the engine has, it computes it itself,
over rows that are those of the table. What is saved on the way, and why it may be:

=========================== ========================================================
columns                     one whose name stands nowhere in the text decides nothing
conditions                  see `filters`
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

from sqlglot import exp

from routedb.planner.carried import carry, sideways_across, slots_of
from routedb.planner.catalog import Cluster, Column, Copied, Sharded
from routedb.planner.filters import equal_columns, find_filter
from routedb.planner.plans import (
    Bound,
    Fragment,
    GroupsPlan,
    Merge,
    Relation,
    Remainder,
    Sideways,
    Slot,
    Spread,
    Total,
)
from routedb.planner.references import References, Use
from routedb.planner.results import SIDEWAYS, type_of
from routedb.planner.source_text import Edit, refuse

_RELATION = "routedb_r"
_TABLE = re.compile(r"\bTABLE\s*\Z", re.IGNORECASE).search


def load_plan(
    references: References,
    cluster: Cluster,
    kept: tuple[str, ...],
    pushes_across: bool = True,
    has_sideways: bool = True,
) -> GroupsPlan:
    """Return the plan that reads each table and runs the text over the rows.

    `references` are the uses of tables in the text, `cluster` says where they are, and
    `kept` why nothing more is pushed down. `pushes_across`: conditions may go down to
    databases of other dialects too. `has_sideways`: they are all uses of tables.
    """
    _check_names(references)
    loads = _Loads(references, cluster, pushes_across)
    for use in references.uses:
        loads.add(use)
    fragments, across = loads.fragments, loads.across
    if has_sideways:
        fragments = _with_sideways(references, cluster, fragments, loads.relations)
    remainder = Remainder(
        references.text.edited(loads.edits),
        tuple(loads.relations),
        _may_depend_on_keys(references),
        tuple((e.text, references.text.source[e.start : e.end]) for e in loads.edits),
        references.text.session_words,
    )
    carried = tuple(slots_of(across))
    otherwise = None
    if carried:
        otherwise = load_plan(references, cluster, kept, False, has_sideways)
    return GroupsPlan(
        references.text.dialect,
        tuple(fragments),
        Merge.WORK,
        remainder=remainder,
        kept=kept,
        otherwise=otherwise,
        carried=carried,
    )


class _Loads:
    """What is read of each use of a table, and what the text calls it then."""

    def __init__(
        self, references: References, cluster: Cluster, pushes_across: bool
    ) -> None:
        self.references = references
        self.cluster = cluster
        self.pushes_across = pushes_across
        self.fragments: list[Fragment] = []
        self.across: list[Fragment] = []  # from databases of other dialects
        self.relations: list[Relation] = []
        self.edits: list[Edit] = []
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
        references = self.references
        dialect = self.cluster.databases[use.placement.database].dialect
        if dialect == references.text.dialect:
            fragment = _fragment(references, use)
            return fragment, fragment.columns, use.info.primary_key
        fragment, columns = carry(references, use, dialect, self.pushes_across)
        self.across.append(fragment)
        return fragment, columns, ()  # what is unique there need not be here


def _fragment(references: References, use: Use) -> Fragment:
    dialect = references.text.dialect
    database = use.placement.database
    columns = references.columns(use)
    filter_ = find_filter(references, use)
    text = references.text
    quote = "`" if dialect == "mysql" else '"'
    names = [
        f"{quote}{column.name.replace(quote, quote * 2)}{quote}" for column in columns
    ]
    sql = f"SELECT {', '.join(names)} FROM {_table(references, use)}"
    pushed = []
    if len(columns) < len(use.info.columns):
        pushed.append(f"{len(columns)} of {len(use.info.columns)} columns")
    slots: list[Slot | Total] = []
    conditions = []
    for conjunct in filter_.conjuncts:
        written = text.written(conjunct)
        assert written is not None  # no operator, and no name, with a percent sign
        is_loose = isinstance(conjunct, exp.Or)
        conditions.append(f"({written.sql})" if is_loose else written.sql)
        slots += written.slots
    for among in _among_copies(references, use):
        conditions.append(among.sql)
        slots += among.slots
    if conditions:
        pushed.append(" AND ".join(conditions))
        sql += f" WHERE {pushed[-1]}"
    if "%" in "".join(names) or "%" in _table(references, use):
        refuse("reserved name", f"table {use.table}: a percent sign in a name")
    return Fragment(
        database,
        Bound(sql, tuple(slots)),
        Spread.EVERY if isinstance(use.placement, Sharded) else Spread.ANY,
        filter_.choice,
        columns,
        tuple(pushed),
        has_where=bool(conditions),
    )


def _among_copies(references: References, use: Use) -> Iterator[Bound]:
    """Yield conditions that rows of a sharded table have a partner in a copy, which is
    on the same shard: among the rows that the copy's own conditions leave."""
    if not isinstance(use.placement, Sharded):
        return
    text = references.text
    for mine, other, its in equal_columns(references, use):
        place = other.placement
        is_near = isinstance(place, Copied) and place.database == use.placement.database
        found = find_filter(references, other).conjuncts if is_near else ()
        one = references.column_of(use, references.names.column(mine.this))
        two = references.column_of(other, references.names.column(its.this))
        if not found or one is None or two is None or not _is_same_type(one, two):
            continue
        # In brackets each, as OR binds less.
        parts = [text.written(each) for each in (mine, its, *map(exp.paren, found))]
        left, right, *conditions = [part for part in parts if part is not None]
        if len(conditions) < len(found) or "%" in _table(references, other):
            continue
        where = " AND ".join(each.sql for each in conditions)
        yield Bound(
            f"{left.sql} IN (SELECT {right.sql} FROM {_table(references, other)} "
            f"WHERE {where})",
            tuple(slot for each in conditions for slot in each.slots),
        )


def _table(references: References, use: Use) -> str:
    """Return a use of a table as it is written, with its alias."""
    text, node = references.text, use.node
    start, _ = text.span(node.args.get("db") or node.this)
    _, end = text.span(node.this)
    written = text.source[start:end]
    alias = node.args.get("alias")
    if alias is None:
        return written
    start, end = text.span(alias.this)
    return f"{written} AS {text.source[start:end]}"


def _with_sideways(
    references: References,
    cluster: Cluster,
    fragments: list[Fragment],
    relations: list[Relation],
) -> list[Fragment]:
    """Return the fragments with what is said of their rows by those of others.

    Not for one that several uses have: each would be narrowed otherwise.
    """
    numbers = [relation.fragment for relation in relations]
    fragments = list(fragments)
    for use, number in zip(references.uses, numbers, strict=True):
        if numbers.count(number) > 1:
            continue
        found = []
        for mine, other, its in equal_columns(references, use):
            source = numbers[references.uses.index(other)]
            one = references.column_of(use, references.names.column(mine.this))
            two = references.column_of(other, references.names.column(its.this))
            written = references.text.written(mine)
            if one is None or two is None or written is None:
                continue
            column = fragments[source].columns.index(two)
            dialects = (
                cluster.databases[use.placement.database].dialect,
                cluster.databases[other.placement.database].dialect,
            )
            if set(dialects) == {references.text.dialect}:
                if _is_same_type(one, two):
                    found.append(Sideways(written.sql, source, column))
                continue
            across = sideways_across(
                (one, two), dialects, written.sql, references.text.dialect
            )
            if across is not None:
                found.append(across._replace(source=source, source_column=column))
        fragments[number] = replace(fragments[number], sideways=tuple(found))
    return fragments


def _is_same_type(one: Column, two: Column) -> bool:
    """Tell whether the values of both compare alike in and out of the tables."""
    is_plain = one.collation is None and two.collation is None
    return is_plain and one.type == two.type and type_of(one) in SIDEWAYS


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
