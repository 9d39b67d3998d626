"""A walk over queries: each use of a sharded table must be pinned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp

from routedb.config.model import TableRule
from routedb.sharding.analysis.column_scope import (
    ColumnScope,
    NameFolding,
    Source,
    find_rule,
)
from routedb.sharding.analysis.joins import (
    Leaf,
    cross_join,
    implied,
    join_nodes,
    join_tree,
    leaves,
    push_down,
    read_conditions,
    read_from_item,
)
from routedb.sharding.analysis.predicates import (
    KeyPredicate,
    Predicate,
    PredicateReader,
    condition_for,
)
from routedb.sharding.keys.value_terms import HERE, ShardKey, key_of
from routedb.sharding.refusals import refuse, refuse_unpinned
from routedb.sharding.shard_plan import KeyUse
from routedb.sql.catalog.system_tables import is_catalog
from routedb.sql.statement import Table

# One item of FROM, and the joins that follow it.
FromItem = tuple[exp.Expr, list[exp.Join]]

_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, *_CHANGES)
_OF_EACH_ROW = frozenset({"expressions", "from_", "joins", "where", "locks"})
_TABLE_ARGS = frozenset(
    {"this", "alias", "db", "catalog", "joins", "only", "sample", "hints", "partition"}
)


class QueryContext(NamedTuple):
    """Where a query stands: the sources it sees, and what is known of them.

    `predicates` hold for every row of the queries around it that matters in the end.
    """

    scope: ColumnScope | None = None
    predicates: tuple[Predicate, ...] = ()
    ctes: frozenset[str] = frozenset()


class SelectBranch(NamedTuple):
    """One SELECT of a query, for what is made of its columns."""

    node: exp.Select
    inside: QueryContext


class SelectAnalysis:
    """Collects what a statement needs.

    Its methods walk nodes of sqlglot's tree in the `QueryContext` where they stand, and
    raise ShardError for what is not understood or has no certain shard.
    """

    def __init__(
        self,
        names: NameFolding,
        rules: Mapping[Table, TableRule],
        reader: PredicateReader,
    ) -> None:
        """`names` folds names, `rules` has the rule of each table of the statement,
        `reader` reads its conditions."""
        self.names = names
        self.reader = reader
        self.key_uses: list[KeyUse] = []
        self.found: set[Table] = set()
        self.each: exp.Expr | None = None  # the statement that may run on each shard
        self._rules = rules

    def query(self, node: exp.Expr, context: QueryContext) -> list[SelectBranch]:
        """Walk the query `node`, which stands in `context`, and return its SELECTs."""
        context = self.with_ctes(node, context)
        if isinstance(node, exp.Select):
            return [self._select(node, context)]
        if isinstance(node, exp.SetOperation):
            branches = self.query(node.this, context) + self.query(
                node.expression, context
            )
            self.others(node, context, "this", "expression", "with_")
            return branches
        if isinstance(node, (exp.Subquery, exp.Paren)) and not node.args.get("joins"):
            branches = self.query(node.this, context)
            self.others(node, context, "this", "with_", "alias")
            return branches
        if isinstance(node, exp.Values):
            self.others(node, context, "alias")
        elif isinstance(node, _CHANGES):
            self.change(node, context)
        else:
            refuse(f"{node.key.upper()} where a query is expected is not understood")
        return []

    def change(self, node: exp.Expr, context: QueryContext) -> None:
        """Walk `node`, which writes and stands in `context`: see `DmlAnalysis`."""
        raise NotImplementedError

    def with_ctes(self, node: exp.Expr, context: QueryContext) -> QueryContext:
        """Walk the queries of WITH of `node`, which stands in `context`.

        Returns the context that sees their names as well.
        """
        clause = node.args.get("with_")
        if clause is None:
            return context
        named = [
            (self.names.table(cte.args["alias"].this), cte)
            for cte in clause.expressions
        ]
        # Whether a query of WITH can name itself and those behind it.
        is_recursive = clause.args.get("recursive") or self.names.dialect == "sqlite"
        if is_recursive and self.names.dialect != "mysql":
            context = context._replace(
                ctes=context.ctes.union(name for name, _ in named)
            )
        for name, cte in named:
            after = context._replace(ctes=context.ctes | {name})
            self.query(cte.this, after if is_recursive else context)
            context = after
        return context

    def rows(
        self,
        items: Sequence[FromItem],
        where: exp.Expr | None,
        context: QueryContext,
        is_each: bool = False,
    ) -> QueryContext:
        """Walk the `items` of FROM with their joins, and `where`, in `context`.

        `is_each`: the rows of the first one may be on any shard, for each shard is
        asked about. Notes the use of each sharded table. Returns the context inside of
        them.
        """
        scope = ColumnScope(self.names, context.scope)
        besides: list[exp.Expr] = []  # see the sources that stand beside them
        apart: list[exp.Expr] = []

        def make(node: exp.Expr) -> Leaf:
            source = self._source(node, context)
            scope.sources.append(source)
            if isinstance(node, exp.Subquery):
                apart.append(node)
            elif source.table is None:
                besides.append(node)
            return Leaf(source)

        predicates = list(context.predicates)
        joins: list[tuple[exp.Expr | None, list[Predicate]]] = []
        if items:
            tree = cross_join(
                [join_tree(read_from_item(node, make), j, make) for node, j in items]
            )
            read_conditions(tree, self.reader, scope)
            predicates += self.reader.predicates(where.this if where else None, scope)
            if is_each and scope.sources[0].is_sharded:
                predicates.append(KeyPredicate(scope.sources[0], HERE))
            push_down(tree, predicates)
            for leaf in leaves(tree):
                self._note_key_use(leaf)
            predicates += implied(tree, predicates)
            joins = [(j.node.args.get("on"), j.on) for j in join_nodes(tree) if j.node]
        inside = QueryContext(scope, tuple(predicates), context.ctes)
        for node in apart:
            self.query(node.this, context)
            self.others(node, context, "this", "alias", "joins")
        for node in besides:
            self.nested(node, inside)
        for on, more in joins:
            self.nested(on, inside._replace(predicates=(*predicates, *more)))
        self.nested(where, inside)
        return inside

    def others(self, node: exp.Expr, context: QueryContext, *but: str) -> None:
        """Walk the queries, in `context`, of all arguments of `node` except `but`."""
        for name, value in node.args.items():
            if name in but:
                continue
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, exp.Expr):
                    self.nested(child, context)

    def nested(self, node: exp.Expr | None, context: QueryContext) -> None:
        """Walk the queries inside the expression `node`, which stands in `context`."""
        for query in _queries(node):
            self.query(query, context)

    def _select(self, node: exp.Select, context: QueryContext) -> SelectBranch:
        if node.args.get("into") is not None:
            refuse("SELECT INTO makes a table on one shard only")
        if node.args.get("laterals"):
            refuse("LATERAL VIEW is not understood")
        start = node.args.get("from_")
        items = [(start.this, node.args.get("joins") or [])] if start else []
        is_each = node is self.each and _locks_rows_as_they_are(node)
        inside = self.rows(items, node.args.get("where"), context, is_each)
        # Locks name sources of this query, not tables.
        self.others(node, inside, "with_", "from_", "joins", "where", "locks")
        return SelectBranch(node, inside)

    def _source(self, node: exp.Expr, context: QueryContext) -> Source:
        alias = node.args.get("alias")
        name = self.names.table(alias.this) if alias is not None else ""
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            return Source(name)
        table = self.names.full(node)
        if table.schema is None and table.name in context.ctes:
            return Source(name or table.name, table, has_alias=True)
        return self.source_of(node, table)

    def source_of(self, node: exp.Table, table: Table) -> Source:
        """Return the table that `node` names, `table`, as a source.

        Raises ShardError when no rule is for it.
        """
        odd = [arg for arg, value in node.args.items() if value]
        if not _TABLE_ARGS.issuperset(odd):
            refuse(f"table {table}: what is written after it is not understood")
        rule, key = find_rule(table, self._rules, self.names)
        if rule is None and not _is_everywhere(table, self.names.dialect):
            refuse(f"table {table}: it is not certain which rule is for it")
        self.found.add(table)
        alias = node.args.get("alias")
        name = self.names.table(alias.this) if alias is not None else ""
        if alias is not None and alias.args.get("columns"):
            key = ""  # its columns have other names here
        return Source(name or table.name, table, rule, key, bool(name))

    def _note_key_use(self, leaf: Leaf) -> None:
        source = leaf.source
        if not source.is_sharded:
            return
        key = self.key(source)
        condition = condition_for(source, leaf.known)
        if condition is None:
            refuse_unpinned(key.table, key.column)
        self.key_uses.append(KeyUse(key, condition))

    @staticmethod
    def key(source: Source) -> ShardKey:
        """Return the key of a sharded source."""
        assert source.rule is not None
        return key_of(str(source.table), source.rule)


def _locks_rows_as_they_are(node: exp.Select) -> bool:
    """Tell whether this is a SELECT … FOR UPDATE or its like that shows a row for each
    row of its first source: then each shard shows its own."""
    odd = [arg for arg, value in node.args.items() if value and arg not in _OF_EACH_ROW]
    is_outer = any(join.side in ("RIGHT", "FULL") for join in node.find_all(exp.Join))
    is_whole = node.find(exp.AggFunc, exp.Window) is not None
    return bool(node.args.get("locks")) and not (odd or is_outer or is_whole)


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


def _is_everywhere(table: Table, dialect: str) -> bool:
    """Tell whether every shard has this table, for which no rule is."""
    if table.schema == "pg_temp":  # it is on the server where it was made
        return False
    return is_catalog(table, dialect) or table.name.lower() == "dual"
