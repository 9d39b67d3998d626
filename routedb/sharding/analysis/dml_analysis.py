"""A walk over INSERT, UPDATE and DELETE: where their rows are, and where they go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp

from routedb import errors
from routedb.config.model import TableRule
from routedb.sharding.analysis.assignments import assignments
from routedb.sharding.analysis.column_scope import ColumnScope, NameFolding, Source
from routedb.sharding.analysis.predicates import PredicateReader, are_equal, touches
from routedb.sharding.analysis.select_analysis import (
    FromItem,
    QueryContext,
    SelectAnalysis,
    SelectBranch,
)
from routedb.sharding.columns import ColumnsWanted, TableColumns
from routedb.sharding.keys.value_terms import OneOf, ShardKey
from routedb.sharding.refusals import refuse
from routedb.sharding.shard_plan import KeyChange, KeyUse
from routedb.sql.scanner.identifiers import fold_column
from routedb.sql.statement import Table


class InsertedRows(NamedTuple):
    """The rows of INSERT … VALUES, which are found in the text.

    `known` are the table's columns where the text does not name them all; `is_named`:
    it names some, and the key is not among them.
    """

    key: ShardKey
    ordinal: int  # of the key among the columns, -1 when it is not
    width: int
    whole_because: str
    known: TableColumns | None = None
    is_named: bool = True


class DmlAnalysis(SelectAnalysis):
    """Collects what a statement needs and does."""

    def __init__(
        self,
        names: NameFolding,
        rules: Mapping[Table, TableRule],
        reader: PredicateReader,
        known: Mapping[Table, TableColumns],
    ) -> None:
        """`known` are the columns of tables, where the catalog was asked for them."""
        super().__init__(names, rules, reader)
        self._known = known
        self.key_changes: list[KeyChange] = []
        self.written_references: list[str] = []  # reference tables that are written
        self.inserted: InsertedRows | None = None
        self._top: exp.Expr | None = None

    def statement(self, node: exp.Expr, has_rows: bool, is_each: bool) -> None:
        """Walk the whole statement `node`.

        `has_rows`: the rows of its VALUES are found in its text, not in the tree.
        `is_each`: an UPDATE, DELETE or SELECT … FOR UPDATE may run on each shard, for
        the rows there.
        Raises ShardError for what is not understood or has no certain shard.
        """
        self._top = node if has_rows else None
        self.each = node if is_each else None
        self.query(node, QueryContext())

    def change(self, node: exp.Expr, context: QueryContext) -> None:
        """Walk the INSERT, UPDATE or DELETE `node`, which stands in `context`.

        Raises ShardError for what is not understood or has no certain shard.
        """
        handler = _HANDLERS.get(type(node))
        if handler is None:
            refuse(f"{node.key.upper()} inside WITH is not understood")
        handler(self, node, context)

    def _update(self, node: exp.Expr, context: QueryContext) -> None:
        self.check_target(node.this, context)
        start = node.args.get("from_")
        items = [_alone(node.this), *([_alone(start.this)] if start else [])]
        inside = self._rows(node, items, context)
        sources = _sources(inside)
        written = self._updated(node.expressions, sources)
        self.written(written, node)
        for column, value in assignments(node.expressions):
            self.assign(column, value, written, inside)
        self.others(node, inside, "this", "from_", "where", "with_")

    def _updated(
        self, nodes: Sequence[exp.Expr], sources: Sequence[Source]
    ) -> Sequence[Source]:
        """MySQL may write to each table of a join; elsewhere it is the first one."""
        if self.names.dialect != "mysql":
            return sources[:1]
        tables = [column.args.get("table") for column, _ in assignments(nodes)]
        aliases = {self.names.table(table) for table in tables}
        if "" in aliases:
            return sources
        return [source for source in sources if source.alias in aliases]

    def _delete(self, node: exp.Expr, context: QueryContext) -> None:
        using: list[exp.Expr] = node.args.get("using") or []
        targets: list[exp.Expr] = node.args.get("tables") or []
        if not isinstance(node.this, exp.Table):
            refuse("DELETE without FROM is not understood")
        self.check_target(node.this, context)
        items = [_alone(item) for item in (node.this, *using)]
        if using and self.names.dialect == "mysql":
            # DELETE FROM a USING a JOIN b: the names before USING are no new sources.
            targets, items = [node.this], items[1:]
        inside = self._rows(node, items, context)
        sources = _sources(inside)
        self.written(self._named(targets, sources) or sources[:1], node)
        self.others(node, inside, "this", "using", "tables", "where", "with_")

    def _rows(
        self, node: exp.Expr, items: Sequence[FromItem], context: QueryContext
    ) -> QueryContext:
        """Walk what an UPDATE or DELETE reads. That of the whole statement may run on
        each shard: a row that it changes is on one of them, and what it is joined to
        has to be there. Which rows LIMIT leaves is told by all of them. MySQL writes to
        any table of a join, and of an outer one that may be in rows of no shard."""
        is_each = node is self.each and node.args.get("limit") is None
        if self.names.dialect == "mysql":
            is_each = is_each and not any(
                join.side for item, _ in items for join in item.find_all(exp.Join)
            )
        return self.rows(items, node.args.get("where"), context, is_each)

    def check_target(self, table: exp.Expr, context: QueryContext) -> None:
        """See to it that the target `table` is one, even where a query of WITH in
        `context` has its name."""
        if self.names.table(table.this) in context.ctes:
            refuse(f"table {table.name} has the name of a query in WITH: rename that")

    def _named(
        self, targets: Sequence[exp.Expr], sources: Sequence[Source]
    ) -> list[Source]:
        aliases = [self.names.table(target.this) for target in targets]
        found = [source for source in sources if source.alias in aliases]
        if len(found) != len(aliases):
            refuse("it is not certain which tables DELETE is for")
        return found

    def written(self, written: Sequence[Source], node: exp.Expr) -> None:
        """Take in the sources that `node` has `written` to."""
        for source in written:
            if source.rule is not None and source.rule.is_reference:
                self.written_references.append(str(source.table))
        if self.written_references and node.args.get("limit") is not None:
            refuse(
                f"reference table {self.written_references[0]} is written on every "
                "shard, and LIMIT could choose other rows on each",
                "",
            )

    def _insert(self, node: exp.Expr, context: QueryContext) -> None:
        table = node.this.this if isinstance(node.this, exp.Schema) else node.this
        if not isinstance(table, exp.Table):
            refuse("INSERT into what is no table is not understood")
        target = self.source_of(table, self.names.full(table))
        query = node.args.get("expression")
        is_rows = isinstance(query, exp.Values)
        branches = self.query(query, context) if query is not None else []
        if target.is_sharded and is_rows and node is self._top:
            self._insert_top(node, target)
        elif target.is_sharded:
            columns = self._columns(node.this, target)
            if not is_rows or query is None:
                self._insert_query(query, branches, columns, target)
            else:
                self._insert_rows(query, columns, target)
        else:
            self.written([target], node)
        self._on_conflict(node, query, target, context)
        self.others(
            node, context, "this", "expression", "conflict", "returning", "with_"
        )

    def _insert_top(self, node: exp.Expr, target: Source) -> None:
        """INSERT … VALUES, the rows of which are found in the text. Where that does not
        say which value is the key, the catalog may. Raises ColumnsWanted for that."""
        assert target.table is not None
        key = self.key(target)
        because = "it begins with WITH" if node.args.get("with_") else ""
        try:
            columns = self._columns(node.this, target)
            place = columns.index(target.key)
            self.inserted = InsertedRows(key, place, len(columns), because)
        except errors.ShardError as refusal:
            known = self._known.get(target.table)
            if known is None:
                raise ColumnsWanted(str(refusal), target.table) from None
            is_named = isinstance(node.this, exp.Schema)
            columns = [self._column(name) for name in known.names]
            if columns.count(target.key) != 1:
                raise
            if is_named:
                named = [self.names.column(each) for each in node.this.expressions]
                if target.key in named or target.key not in known.constants:
                    raise
                place, width = -1, len(named)
            else:
                place, width = columns.index(target.key), len(columns)
            self.inserted = InsertedRows(
                key, place, width, because, known, is_named=is_named
            )

    def _column(self, name: str) -> str:
        return fold_column(name, self.names.dialect, is_quoted=True)

    def _columns(self, schema: exp.Expr, target: Source) -> list[str]:
        """Return the names of the columns. Raises ShardError without the key."""
        key = self.key(target)
        if not isinstance(schema, exp.Schema):
            refuse(
                f"INSERT into {key.table} without the names of its columns: write "
                f"INSERT INTO {key.table} ({key.column}, …)",
                "",
            )
        columns = [self.names.column(node) for node in schema.expressions]
        if columns.count(target.key) != 1:
            refuse(
                f"INSERT into {key.table} gives no value for its shard key "
                f"{key.column}: nothing says which shard the rows are for",
                "",
            )
        return columns

    def _insert_rows(
        self,
        values: exp.Expr,
        columns: list[str],
        target: Source,
    ) -> None:
        key, ordinal = self.key(target), columns.index(target.key)
        cells = [
            row.expressions[ordinal] if isinstance(row, exp.Tuple) else None
            for row in values.expressions
            if not isinstance(row, exp.Tuple) or len(row.expressions) == len(columns)
        ]
        if len(cells) != len(values.expressions):
            refuse(f"INSERT into {key.table}: a row has not {len(columns)} values", "")
        for cell in cells:
            self.stored(cell, key)

    def stored(self, cell: exp.Expr | None, key: ShardKey) -> None:
        """Take in `cell`, the value that a row is stored under, of `key`."""
        term = self.reader.term(cell)
        if term is None:
            refuse(
                f"{key} is given as an expression or a default, so its shard is not "
                "known before it runs: give a plain value or a parameter"
            )
        self.key_uses.append(KeyUse(key, OneOf((term,), is_stored=True)))

    def _insert_query(
        self,
        query: exp.Expr | None,
        branches: list[SelectBranch],
        columns: list[str],
        target: Source,
    ) -> None:
        """INSERT … SELECT: each SELECT's key is a value, or a key that is pinned."""
        key, ordinal = self.key(target), columns.index(target.key)
        if query is None or not branches:
            refuse(f"INSERT into {key.table} gives no value for {key.column}", "")
        for node, inside in branches:
            chosen = node.expressions
            if len(chosen) != len(columns) or any(e.is_star for e in chosen):
                refuse(
                    f"INSERT into {key.table} … SELECT: name the selected columns one "
                    f"by one, so that the one for {key.column} is found"
                )
            value = chosen[ordinal].unalias()
            source = inside.scope.key_of(value) if inside.scope else None
            if source is None or source.rule is None:
                self.stored(value, key)
            elif source.rule.function != key.function or not touches(
                inside.predicates, [source]
            ):
                refuse(
                    f"INSERT into {key.table} … SELECT: {key} is taken from a key that "
                    "may be on another shard"
                )

    def _on_conflict(
        self,
        node: exp.Expr,
        query: exp.Expr | None,
        target: Source,
        context: QueryContext,
    ) -> None:
        """Walk ON CONFLICT or ON DUPLICATE KEY, and RETURNING."""
        names = [self.names.table(exp.to_identifier("excluded"))]
        alias = query.args.get("alias") if query is not None else None
        if alias is not None:
            names = [self.names.table(alias.this)]
        proposed = [
            Source(name, target.table, target.rule, target.key, has_alias=True)
            for name in names
            if alias is None or not alias.args.get("columns")
        ]
        outer = ColumnScope(self.names, context.scope, proposed)
        inside = context._replace(scope=ColumnScope(self.names, outer, [target]))
        conflict = node.args.get("conflict")
        if conflict is not None:
            for column, value in assignments(conflict.expressions or []):
                self.assign(column, value, [target], inside, proposed)
            self.others(conflict, inside)
        self.nested(node.args.get("returning"), inside)

    def assign(
        self,
        column: exp.Expr,
        value: exp.Expr | None,
        written: Sequence[Source],
        inside: QueryContext,
        proposed: Sequence[Source] = (),
    ) -> None:
        """Take in SET `column` = `value` on the sources that are `written`, as it
        stands `inside`; `proposed` are rows that were to be inserted. Raises ShardError
        for a key that may move."""
        for source in self._keys_set(column, written, inside):
            if not source.is_sharded:
                continue
            assert inside.scope is not None
            found = inside.scope.key_of(value)
            if found is None and self._is_values_of(value, source):
                continue
            if found is not None and (
                found in proposed or are_equal(source, found, inside.predicates)
            ):
                continue
            key, term = self.key(source), self.reader.term(value)
            if term is None:
                refuse(
                    f"{key} is set to an expression: a row whose shard key changes "
                    "would be on the wrong shard; insert it anew and delete the old one"
                )
            self.key_changes.append(KeyChange(key, term))

    def _keys_set(
        self, column: exp.Expr, written: Sequence[Source], inside: QueryContext
    ) -> list[Source]:
        if not isinstance(column, exp.Column):
            if isinstance(column, exp.Identifier):
                column = exp.Column(this=column)
            else:
                refuse("SET of something that is no column is not understood")
        name = self.names.column(column.this)
        table = column.args.get("table")
        alias = self.names.table(table) if table is not None else None
        return [
            source
            for source in written
            if source.key == name and alias in (None, source.alias)
        ]

    def _is_values_of(self, value: exp.Expr | None, source: Source) -> bool:
        """Tell whether this is MySQL's VALUES(key): the row that was to be inserted."""
        return (
            isinstance(value, exp.Anonymous)
            and value.name.upper() == "VALUES"
            and len(value.expressions) == 1
            and self.names.column(_bare(value.expressions[0])) == source.key
        )


def _alone(node: exp.Expr) -> FromItem:
    """Return an item of FROM whose joins, if any, are inside it."""
    return node, []


def _sources(inside: QueryContext) -> list[Source]:
    return inside.scope.sources if inside.scope is not None else []


def _bare(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column) else node


_Change = Callable[[DmlAnalysis, exp.Expr, QueryContext], None]
_HANDLERS: dict[type[exp.Expr], _Change] = {
    exp.Insert: DmlAnalysis._insert,
    exp.Update: DmlAnalysis._update,
    exp.Delete: DmlAnalysis._delete,
}
