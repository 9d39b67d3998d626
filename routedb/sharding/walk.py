"""A walk over queries: each place where a sharded table is read must be pinned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp

from routedb.config.model import TableRule
from routedb.sharding.facts import Fact, Reader, condition_for
from routedb.sharding.joins import (
    Leaf,
    build,
    cross,
    holding,
    item,
    joined,
    leaves,
    read_conditions,
    settle,
)
from routedb.sharding.plan import Need
from routedb.sharding.refusals import refuse, refuse_unpinned
from routedb.sharding.scope import Names, Scope, Source, find_rule
from routedb.sharding.terms import Key, key_of
from routedb.sql.statement import Table

# One item of FROM, and the joins that follow it.
Item = tuple[exp.Expr, list[exp.Join]]

_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, *_CHANGES)
_TABLE_ARGS = frozenset(
    {"this", "alias", "db", "catalog", "joins", "only", "sample", "hints", "partition"}
)
# Catalogs are on every shard, and no rule is for them.
_CATALOGS = frozenset(
    {"pg_catalog", "information_schema", "performance_schema", "mysql", "sys", "temp"}
)
_CATALOG_PREFIXES = ("pg_", "sqlite_")


class Place(NamedTuple):
    """Where a query stands: the sources it sees, and what is known of them.

    `facts` hold for every row of the queries around it that matters in the end.
    """

    scope: Scope | None = None
    facts: tuple[Fact, ...] = ()
    ctes: frozenset[str] = frozenset()


class Branch(NamedTuple):
    """One SELECT of a query, for what is made of its columns."""

    node: exp.Select
    inside: Place


class Walk:
    """Collects what a statement needs."""

    def __init__(
        self, names: Names, rules: Mapping[Table, TableRule], reader: Reader
    ) -> None:
        self.names = names
        self.reader = reader
        self.needs: list[Need] = []
        self.found: set[Table] = set()
        self._rules = rules

    def query(self, node: exp.Expr, place: Place) -> list[Branch]:
        """Walk a query, and return its SELECTs. Raises ShardError."""
        place = self.with_ctes(node, place)
        if isinstance(node, exp.Select):
            return [self._select(node, place)]
        if isinstance(node, exp.SetOperation):
            branches = self.query(node.this, place) + self.query(node.expression, place)
            self.others(node, place, "this", "expression", "with_")
            return branches
        if isinstance(node, (exp.Subquery, exp.Paren)) and not node.args.get("joins"):
            branches = self.query(node.this, place)
            self.others(node, place, "this", "with_", "alias")
            return branches
        if isinstance(node, exp.Values):
            self.others(node, place, "alias")
        elif isinstance(node, _CHANGES):
            self.change(node, place)
        else:
            refuse(f"{node.key.upper()} where a query is expected is not understood")
        return []

    def change(self, node: exp.Expr, place: Place) -> None:
        """Walk a statement that writes: `Changes` knows how."""
        raise NotImplementedError

    def with_ctes(self, node: exp.Expr, place: Place) -> Place:
        """Walk the queries of WITH. Returns the place that sees their names."""
        clause = node.args.get("with_")
        if clause is None:
            return place
        named = [
            (self.names.table(cte.args["alias"].this), cte)
            for cte in clause.expressions
        ]
        # May a query of WITH name itself, and those after it?
        is_recursive = clause.args.get("recursive") or self.names.dialect == "sqlite"
        if is_recursive and self.names.dialect != "mysql":
            place = place._replace(ctes=place.ctes.union(name for name, _ in named))
        for name, cte in named:
            after = place._replace(ctes=place.ctes | {name})
            self.query(cte.this, after if is_recursive else place)
            place = after
        return place

    def rows(
        self, items: Sequence[Item], where: exp.Expr | None, place: Place
    ) -> Place:
        """Walk FROM with its joins, and WHERE. Returns the place inside of them."""
        scope = Scope(self.names, place.scope)
        besides: list[exp.Expr] = []  # see the sources that stand beside them
        apart: list[exp.Expr] = []

        def make(node: exp.Expr) -> Leaf:
            source = self._source(node, place)
            scope.sources.append(source)
            if isinstance(node, exp.Subquery):
                apart.append(node)
            elif source.table is None:
                besides.append(node)
            return Leaf(source)

        facts = list(place.facts)
        joins: list[tuple[exp.Expr | None, list[Fact]]] = []
        if items:
            tree = cross([build(item(node, make), j, make) for node, j in items])
            read_conditions(tree, self.reader, scope)
            facts += self.reader.facts(where.this if where else None, scope)
            settle(tree, facts)
            for leaf in leaves(tree):
                self._need(leaf)
            facts += holding(tree, facts)
            joins = [(j.node.args.get("on"), j.on) for j in joined(tree) if j.node]
        inside = Place(scope, tuple(facts), place.ctes)
        for node in apart:
            self.query(node.this, place)
            self.others(node, place, "this", "alias", "joins")
        for node in besides:
            self.nested(node, inside)
        for on, more in joins:
            self.nested(on, inside._replace(facts=(*facts, *more)))
        self.nested(where, inside)
        return inside

    def others(self, node: exp.Expr, place: Place, *but: str) -> None:
        """Walk the queries in all arguments of a node but these."""
        for name, value in node.args.items():
            if name in but:
                continue
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, exp.Expr):
                    self.nested(child, place)

    def nested(self, node: exp.Expr | None, place: Place) -> None:
        """Walk the queries inside an expression."""
        for query in _queries(node):
            self.query(query, place)

    def _select(self, node: exp.Select, place: Place) -> Branch:
        if node.args.get("into") is not None:
            refuse("SELECT INTO makes a table on one shard only")
        if node.args.get("laterals"):
            refuse("LATERAL VIEW is not understood")
        start = node.args.get("from_")
        items = [(start.this, node.args.get("joins") or [])] if start else []
        inside = self.rows(items, node.args.get("where"), place)
        # Locks name sources of this query, not tables.
        self.others(node, inside, "with_", "from_", "joins", "where", "locks")
        return Branch(node, inside)

    def _source(self, node: exp.Expr, place: Place) -> Source:
        alias = node.args.get("alias")
        name = self.names.table(alias.this) if alias is not None else ""
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            return Source(name)
        table = self.names.full(node)
        if table.schema is None and table.name in place.ctes:
            return Source(name or table.name, table, has_alias=True)
        return self.source_of(node, table)

    def source_of(self, node: exp.Table, table: Table) -> Source:
        """Return a table as a source. Raises ShardError when no rule is for it."""
        odd = [arg for arg, value in node.args.items() if value]
        if not _TABLE_ARGS.issuperset(odd):
            refuse(f"table {table}: what is written after it is not understood")
        rule, key = find_rule(table, self._rules, self.names)
        if rule is None and not _is_catalog(table):
            refuse(f"table {table}: it is not certain which rule is for it")
        self.found.add(table)
        alias = node.args.get("alias")
        name = self.names.table(alias.this) if alias is not None else ""
        if alias is not None and alias.args.get("columns"):
            key = ""  # its columns have other names here
        return Source(name or table.name, table, rule, key, bool(name))

    def _need(self, leaf: Leaf) -> None:
        source = leaf.source
        if not source.is_sharded:
            return
        key = self.key(source)
        condition = condition_for(source, leaf.known)
        if condition is None:
            refuse_unpinned(key.table, key.column)
        self.needs.append(Need(key, condition))

    @staticmethod
    def key(source: Source) -> Key:
        """Return the key of a sharded source."""
        assert source.rule is not None
        return key_of(str(source.table), source.rule)


def _queries(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """Yield the outermost queries. Raises ShardError for a table outside of FROM."""
    if node is None:
        return
    if isinstance(node, _QUERIES):
        yield node
        return
    is_table = isinstance(node, (exp.Table, exp.Lateral))
    if is_table and isinstance(node.this, exp.Identifier):
        refuse(f"table {node.name} stands where no table is expected")
    field = node.args.get("field") if isinstance(node, exp.In) else None
    if isinstance(field, exp.Column):
        refuse(f"IN {field.name}: write IN (SELECT …)")
    for child in node.iter_expressions():
        yield from _queries(child)


def _is_catalog(table: Table) -> bool:
    if table.schema is not None:
        return table.schema.lower() in _CATALOGS
    name = table.name.lower()
    return name == "dual" or name.startswith(_CATALOG_PREFIXES)
