"""The uses of tables in a statement: where each stands, and which columns it needs.

A relation stands for each use, so names must resolve in it as they do in the table.
Therefore a column comes as soon as its name stands anywhere in the text: whatever
resolves to a column of a table finds it in the relation, and what does not, does not.
Resolving names exactly would load less, and be wrong the day a server resolves one
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlglot import exp

from routedb.planner.catalog import (
    Catalog,
    Cluster,
    Column,
    Placement,
    Sharded,
    TableInfo,
)
from routedb.planner.plans import ShardChoice
from routedb.planner.source_text import SourceText, refuse
from routedb.sharding.analysis.column_scope import NameFolding
from routedb.sql import Table, classify

# What may stand beside a table's name. Samples, index hints and partitions are of the
# table, and a relation is another.
TABLE_ARGS = frozenset({"this", "alias", "db", "joins"})

# Columns that tables have without saying so. They name a row's place on its server, so
# there is nothing to give for rows of several.
_HIDDEN = {
    "sqlite": frozenset({"rowid", "oid", "_rowid_"}),
    "postgresql": frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}),
    "mysql": frozenset({"_rowid"}),
}

# Functions in FROM that make rows of their arguments and nothing else: the same rows
# on any server of the engine.
_SETS = (exp.GenerateSeries, exp.ExplodingGenerateSeries, exp.JSONTable)
_SET_NAMES = {
    "sqlite": frozenset({"json_each", "json_tree", "generate_series"}),
    "mysql": frozenset({"json_table"}),
    "postgresql": frozenset(
        {"generate_series", "generate_subscripts", "unnest", "regexp_matches"}
        | {"regexp_split_to_table", "string_to_table", "jsonb_path_query"}
        | {
            f"{kind}_{name}"
            for kind in ("json", "jsonb")
            for name in (
                *("array_elements", "array_elements_text", "each", "each_text"),
                *("object_keys", "to_record", "to_recordset"),
            )
        }
    ),
}


@dataclass(eq=False, slots=True)
class Use:
    """One use of a table: the node, what the table is, and the SELECT it stands in.

    `alias` is folded. `wants_all`: a star, or something like it, stands for columns.
    """

    node: exp.Table
    table: Table
    info: TableInfo
    placement: Placement
    select: exp.Select | None
    alias: str
    has_alias: bool
    renames_columns: bool
    by_name: Mapping[str, Column]  # folded
    wants_all: bool = False


class Filter(NamedTuple):
    """The conjuncts on one use of a table that go down: see `filters`."""

    conjuncts: tuple[exp.Expr, ...]
    choice: ShardChoice | None


class References:
    """What a statement's names are, as far as a plan depends on it."""

    def __init__(self, text: SourceText, catalog: Catalog, cluster: Cluster) -> None:
        """Find the uses of tables in `text`; `catalog` and `cluster` say what is known
        of them. Raises `Refused` for tables of which nothing is known.

        `mentioned` are all names in the text, `results` those given to columns of a
        result, `known` these and the columns of the tables.
        """
        self.text = text
        self.names = NameFolding(text.dialect)
        self._catalog = catalog
        self._cluster = cluster
        # By the ids of nodes, which the tree keeps.
        self._aliases: dict[int, list[str]] = {}
        self._owners: dict[tuple[int, int], Use | None] = {}
        self.filters: dict[int, Filter] = {}  # once found, by the id of a use
        self.uses = list(self._uses())
        self.mentioned = {
            self.names.column(name) for name in text.tree.find_all(exp.Identifier)
        }
        self.results = {
            self.names.column(alias.args["alias"])
            for alias in text.tree.find_all(exp.Alias)
        }
        self.known = self.results.union(*(use.by_name for use in self.uses))
        self._check_hidden()
        for use in self.uses:
            use.wants_all = self.takes_all(use)

    def columns(self, use: Use) -> tuple[Column, ...]:
        """Return the columns of a use that its relation needs."""
        if use.wants_all:
            return use.info.columns
        found = tuple(
            column for name, column in use.by_name.items() if name in self.mentioned
        )
        # Rows without columns cannot be told: one stands for all.
        return found or use.info.columns[:1]

    def fold(self, column: Column) -> str:
        """Return the name of a column of the catalog as `names` folds it."""
        return self.names.written(column.name)

    def column_of(self, use: Use, name: str) -> Column | None:
        """Return the column of `use` that has this folded `name`."""
        return use.by_name.get(name)

    def owner(self, node: exp.Column, select: exp.Select) -> Use | None:
        """Return the use whose column `node` certainly is, where it stands in WHERE or
        ON of `select`; None when that is not certain."""
        key = (id(node), id(select))
        if key not in self._owners:
            self._owners[key] = self._find_owner(node, select)
        return self._owners[key]

    def _find_owner(self, node: exp.Column, select: exp.Select) -> Use | None:
        here = [use for use in self.uses if use.select is select]
        name = self.names.column(node.this)
        if node.args.get("db") is not None or not name:
            return None
        if node.args.get("table") is not None:
            alias = self.names.table(node.args["table"])
            found = [use for use in here if use.alias == alias]
            if len(found) != 1 or self.aliases(select).count(alias) != 1:
                return None
        else:
            if len(here) != len(self.aliases(select)) or _has_using(select):
                return None  # a query in FROM may have it
            found = [use for use in here if self.column_of(use, name) is not None]
        if len(found) != 1 or found[0].renames_columns:
            return None
        return found[0] if self.column_of(found[0], name) is not None else None

    def outer_owner(self, node: exp.Column, select: exp.Select) -> Use | None:
        """Return the use of the query around `select` whose column `node` in it is: by
        an alias of none in here, or a name that no column in here has."""
        around = select.parent_select
        if not isinstance(around, exp.Select):
            return None
        if node.args.get("table") is not None:
            if self.names.table(node.args["table"]) in self.aliases(select):
                return None
            return self.owner(node, around)
        here = [use for use in self.uses if use.select is select]
        name = self.names.column(node.this)
        if len(here) != len(self.aliases(select)) or any(
            use.renames_columns or self.column_of(use, name) for use in here
        ):
            return None
        return self.owner(node, around)

    def aliases(self, select: exp.Select) -> list[str]:
        """Return what the items of FROM of `select` are called; "" for no name."""
        known = self._aliases.get(id(select))
        if known is None:
            known = [self.names.table(each) for each in _aliases(select)]
            self._aliases[id(select)] = known
        return known

    def _uses(self) -> Iterator[Use]:
        for node in self.text.tree.find_all(exp.Table):
            if not isinstance(node.this, exp.Identifier):
                if not self._makes_rows(node):
                    refuse("table function", f"{node.sql()}: a function in FROM")
                continue
            table = self.names.full(node)
            if table.schema is None and is_cte(self.names, node, table.name):
                continue
            yield self._use(node, table)

    def _makes_rows(self, node: exp.Table) -> bool:
        """Tell whether this is a function in FROM that needs nothing but its
        arguments."""
        function = node.this
        if node.args.get("db") is not None:
            return False
        if isinstance(function, exp.Anonymous):
            return function.name.lower() in _SET_NAMES[self.text.dialect]
        return isinstance(function, _SETS)

    def _use(self, node: exp.Table, table: Table) -> Use:
        odd = [name for name, value in node.args.items() if value]
        if not TABLE_ARGS.issuperset(odd):
            refuse("table modifier", f"table {table}: what is written after its name")
        placement = self._cluster.find(table)
        if placement is None:
            refuse("unknown table", f"table {table}: nothing says where it is")
        info = self._catalog.find(placement.database, table)
        if info is None:
            refuse(
                "unknown table",
                f"table {table}: database {placement.database} does not show it in its "
                "catalog (no such table, or a view whose columns it does not tell)",
            )
        if info.is_view and isinstance(placement, Sharded):
            refuse(
                "view over shards",
                f"{table} is a view, which each shard shows of its own rows: that need "
                "not be its part of the whole. Write its query in its place",
            )
        alias = node.args.get("alias")
        is_list = isinstance(node.parent, exp.In)  # of no FROM, and takes no alias
        name = self.names.table(alias.this) if alias is not None else ""
        renames = alias is not None and bool(alias.args.get("columns"))
        return Use(
            node,
            table,
            info,
            placement,
            None if is_list else node.find_ancestor(exp.Select),
            name or table.name,
            bool(name) or is_list,
            renames,
            {self.fold(column): column for column in info.columns},
        )

    def takes_all(self, use: Use) -> bool:
        """Tell whether something in the text may stand for any column of `use`."""
        if use.renames_columns or use.select is None:
            return True
        if use.alias in {
            self.names.table(column.this) for column in bare_columns(use.select)
        }:
            return True  # the whole row as one value
        if any(join.method for join in use.select.find_all(exp.Join)):
            return True  # NATURAL: equal names are compared
        return any(self._takes(star, use) for star in self.text.tree.find_all(exp.Star))

    def _takes(self, star: exp.Expr, use: Use) -> bool:
        """Tell whether a star may stand for columns of `use`."""
        if isinstance(star.parent, exp.Column):  # alias.*
            return self.names.table(star.parent.args.get("table")) == use.alias
        if not isinstance(star.parent, exp.Select):
            # count(*), or something that sqlglot has for it
            return not isinstance(star.parent, exp.Count)
        if isinstance(star.parent.parent, exp.Exists):
            return False
        return star.parent is use.select

    def _check_hidden(self) -> None:
        for name in self.mentioned & _HIDDEN[self.text.dialect]:
            if not all(self.column_of(use, name) for use in self.uses):
                refuse("hidden column", f"{name}: a row's place on its own server")


def is_cte(names: NameFolding, node: exp.Expr, name: str) -> bool:
    """Tell whether `name`, as `names` folds it, means a query of a WITH around
    `node`."""
    inside: exp.Expr = node
    while inside.parent is not None:
        around = inside.parent
        clause = around.args.get("with_")
        if clause is not None:
            is_recursive = clause.args.get("recursive") or names.dialect == "sqlite"
            is_inside = inside is clause and not is_recursive
            for cte in clause.expressions:
                if is_inside and cte is _child_of(clause, node):
                    break
                if names.table(cte.args["alias"].this) == name:
                    return True
        inside = around
    return False


def check_statement(
    source: str, dialect: str, functions: Mapping[str, str]
) -> tuple[Table, ...]:
    """Return the tables of the text `source` of `dialect`, which is a plain read.

    `functions` is the configuration's word on functions. Raises `Refused` for what
    writes, locks, or may do so, and for what is about one session or server.
    """
    statement = classify(source, dialect, functions=functions)
    if statement.kind.value == "lock":
        refuse("locks", f"it {statement.reason}, and rows of several groups cannot be")
    if not statement.read_only or statement.needs or statement.session:
        why = statement.reason or "it is about the session"
        refuse("not a plain read", f"{statement.verb}: {why}")
    if statement.asks_server or statement.reads_server_views:
        refuse(
            "asks the server", "it asks a server about itself, and there are several"
        )
    return statement.tables


def _child_of(clause: exp.Expr, node: exp.Expr) -> exp.Expr:
    while node.parent is not clause:
        assert node.parent is not None
        node = node.parent
    return node


def from_joins(select: exp.Select) -> list[tuple[exp.Expr, exp.Join | None]]:
    """Return the items of FROM in the order of the text, with the joins that add them;
    None for the first."""
    start = select.args.get("from_")
    if start is None:
        return []
    joins = select.args.get("joins") or []
    return [(start.this, None), *((join.this, join) for join in joins)]


def from_items(select: exp.Select) -> list[exp.Expr]:
    """Return the items of FROM, joined ones too, in the order of the text."""
    return [item for item, _ in from_joins(select)]


def query_in_from(select: exp.Select) -> exp.Select | None:
    """Return the query that is all of FROM of `select`, where its rows are those of its
    own FROM, one for one, and its columns have the names that it gives."""
    items = from_joins(select)
    if len(items) != 1 or select.args.get("laterals"):
        return None
    item = items[0][0]
    alias = item.args.get("alias")
    if not isinstance(item, exp.Subquery) or alias is None or alias.args.get("columns"):
        return None
    said = {name for name, value in item.args.items() if value}
    inner = item.this
    if not isinstance(inner, exp.Select) or not said <= {"this", "alias"}:
        return None
    odd = {name for name, value in inner.args.items() if value}
    return inner if odd <= {"expressions", "from_", "joins", "where"} else None


def _aliases(select: exp.Select) -> Iterator[exp.Expr | None]:
    """Yield the name of each item of FROM, None for what has none."""
    for item in from_items(select):
        alias = item.args.get("alias")
        if alias is not None:
            yield alias.this
        else:
            yield item.this if isinstance(item, exp.Table) else None
        # Not looked into: no name is certain.
        yield from item.args.get("joins") or []


def _has_using(select: exp.Select) -> bool:
    return any(
        join.args.get("using") or join.method for join in select.args.get("joins") or []
    )


def bare_columns(select: exp.Expr) -> Iterator[exp.Column]:
    """Yield the columns in `select` that are written without a table."""
    for column in select.find_all(exp.Column):
        if column.args.get("table") is None and not isinstance(column.this, exp.Star):
            yield column
