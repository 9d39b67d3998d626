"""MERGE: its rows are on one shard, or each shard has both sides of its own.

It joins a source to the target, and inserts the rows of the source that have found
none. So the target is where the condition says, and what is inserted has to be there:
a value, a value that the text gives for the source, or the key of a source that is on
the same shard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from routedb.sharding.analysis.assignments import assignments
from routedb.sharding.analysis.column_scope import NameFolding, Source
from routedb.sharding.analysis.dml_analysis import DmlAnalysis
from routedb.sharding.analysis.select_analysis import QueryContext
from routedb.sharding.refusals import refuse

# Of a source without tables: the values of each of its columns.
Given = Mapping[str, Sequence[exp.Expr]]


class MergeAnalysis(DmlAnalysis):
    """Collects what a statement needs and does, MERGE among them."""

    def change(self, node: exp.Expr, context: QueryContext) -> None:
        """Walk `node`, which writes and stands in `context`.

        Raises ShardError for what is not understood or has no certain shard.
        """
        if isinstance(node, exp.Merge):
            self._merge(node, context)
        else:
            super().change(node, context)

    def _merge(self, node: exp.Merge, context: QueryContext) -> None:
        whens = node.args["whens"].expressions
        if node.args.get("with_"):
            refuse("MERGE that begins with WITH is not understood: write USING (SELECT")
        if any(when.args.get("source") for when in whens):
            refuse("MERGE … WHEN NOT MATCHED BY SOURCE is for rows of every shard", "")
        self.check_target(node.this, context)
        using, on = node.args["using"], node.args["on"]
        alias = using.args.get("alias")
        name = self.names.table(alias.this) if alias is not None else ""
        given = {} if not name else _given(using, self.names)
        target = self.source_of(node.this, self.names.full(node.this))
        on = exp.and_(on, *self._values_of_key(on, target, name, given))
        joined = exp.Join(this=node.this, side="LEFT", on=on)
        inside = self.rows([(using, [joined])], None, context, node is self.each)
        assert inside.scope is not None
        target = inside.scope.sources[-1]
        self.written([target], node)
        said = self.reader.predicates(on, inside.scope)
        matched = inside._replace(predicates=(*inside.predicates, *said))
        for when in whens:
            self.nested(when.args.get("condition"), matched)
            then = when.args["then"]
            self.others(then, matched)
            if isinstance(then, exp.Update):
                for column, value in assignments(then.expressions):
                    self.assign(column, value, [target], matched)
            elif isinstance(then, exp.Insert) and target.is_sharded:
                self._merged_in(then, target, inside, name, given)
        self.nested(node.args.get("returning"), matched)

    def _values_of_key(
        self, on: exp.Expr, target: Source, name: str, given: Given
    ) -> Iterator[exp.Expr]:
        """Yield what `on` says of the key of `target` by values that are `given` for
        the source that is called `name`."""
        for each in on.flatten() if isinstance(on, exp.And) else [on]:
            equal = each.unnest()
            if not isinstance(equal, exp.EQ):
                continue
            left, right = equal.unnest_operands()
            for key, value in ((left, right), (right, left)):
                column = self._column_of(value, name)
                is_key = isinstance(key, exp.Column) and target.is_sharded
                if column in given and is_key and not self._column_of(key, name):
                    values = [each.copy() for each in given[column]]
                    yield exp.In(this=key.copy(), expressions=values)

    def _column_of(self, node: exp.Expr, name: str) -> str:
        """Return the column of the source called `name` that this is; "" of others."""
        table = node.args.get("table") if isinstance(node, exp.Column) else None
        is_its = table is not None and self.names.table(table) == name
        return self.names.column(node.this) if is_its else ""

    def _merged_in(
        self,
        then: exp.Insert,
        target: Source,
        inside: QueryContext,
        name: str,
        given: Given,
    ) -> None:
        """Take in the key of the rows that are inserted."""
        key, values = self.key(target), then.expression
        columns = [
            self.names.column(each.this if isinstance(each, exp.Column) else each)
            for each in (then.this.expressions if then.this is not None else [])
        ]
        cells = values.expressions if isinstance(values, exp.Tuple) else []
        if columns.count(target.key) != 1 or len(cells) != len(columns):
            refuse(
                f"MERGE into {key.table} inserts rows without naming their shard key "
                f"{key.column}: write INSERT ({key.column}, …) VALUES (…)",
                "",
            )
        value = cells[columns.index(target.key)]
        source = inside.scope.key_of(value) if inside.scope is not None else None
        column = self._column_of(value, name)
        if column in given:
            for each in given[column]:
                self.stored(each, key)
        elif source is None or source.rule is None:
            self.stored(value, key)
        elif source is target or source.rule.function != key.function:
            refuse(
                f"MERGE into {key.table}: {key} is taken from a key that may be on "
                "another shard"
            )


def _given(using: exp.Expr, names: NameFolding) -> dict[str, list[exp.Expr]]:
    """Return the values of each column of a source that is VALUES, or a SELECT of
    values."""
    named = [
        names.column(each) for each in using.args["alias"].args.get("columns") or []
    ]
    if isinstance(using, exp.Values):
        rows = [list(row.expressions) for row in using.expressions]
        width = min(map(len, rows), default=0)
        columns = named or [f"column{number + 1}" for number in range(width)]
    else:
        query = using.this if isinstance(using, exp.Subquery) else None
        if not isinstance(query, exp.Select) or query.args.get("from_"):
            return {}
        rows = [[each.unalias() for each in query.expressions]]
        aliases = [each.args.get("alias") for each in query.expressions]
        columns = named or [names.column(alias) for alias in aliases]
    return {
        column: [row[number] for row in rows]
        for number, column in enumerate(columns)
        if column and all(number < len(row) for row in rows)
    }
