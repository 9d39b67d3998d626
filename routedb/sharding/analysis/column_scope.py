"""Sources of rows under their names, and columns that are shard keys of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from routedb.config.model import TableRule
from routedb.sql.scanner.identifiers import fold_column, fold_identifier
from routedb.sql.statement import Table


class NameFolding:
    """How one dialect folds the names in a tree of sqlglot."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    def table(self, node: exp.Expr | None) -> str:
        """Return the name of a table, schema or alias; "" when there is none."""
        return self._fold(node, fold_identifier)

    def column(self, node: exp.Expr | None) -> str:
        """Return the name of a column; "" when it is no plain name."""
        return self._fold(node, fold_column)

    def written(self, name: str) -> str:
        """Return the `name` of a column, as the catalog has it, as `column` would."""
        return fold_column(name, self.dialect, is_quoted=True)

    def key(self, rule: TableRule) -> str:
        """Return the shard key of a rule as `column` would."""
        return self.written(rule.shard_key or "")

    def full(self, table: exp.Table) -> Table:
        """Return the name of a table as a statement's tables are named."""
        schema = self.table(table.args.get("db"))
        return Table(schema or None, self.table(table.this))

    def _fold(self, node: exp.Expr | None, fold: Callable[..., str]) -> str:
        if not isinstance(node, exp.Identifier):
            return ""
        is_quoted = bool(node.args.get("quoted"))
        return fold(str(node.this), self.dialect, is_quoted=is_quoted)


@dataclass(eq=False, slots=True)
class Source:
    """One item of FROM: a table, a query in brackets, the name of a CTE.

    `alias` is what its columns are qualified with. Only a table under a rule with a
    shard key has a `rule` and a `key`.
    """

    alias: str
    table: Table | None = None
    rule: TableRule | None = None
    key: str = ""
    has_alias: bool = False

    @property
    def is_sharded(self) -> bool:
        """Tell whether its rows are spread over the shards."""
        return self.rule is not None and not self.rule.is_reference


@dataclass(slots=True)
class ColumnScope:
    """The sources that columns of one query are looked up in, then in `outer`'s.

    `merged` maps a column named in USING to the source it is taken from, None when
    that is not certain; `is_natural` leaves unqualified names alone altogether.
    """

    names: NameFolding
    outer: ColumnScope | None = None
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Source | None] = field(default_factory=dict)
    is_natural: bool = False

    def key_of(self, node: exp.Expr | None) -> Source | None:
        """Return the source whose shard key this column certainly is, else None."""
        while isinstance(node, exp.Paren):
            node = node.this
        if not isinstance(node, exp.Column):
            return None
        name = self.names.column(node.this)
        if not name:
            return None
        if node.args.get("table") is not None:
            source = self._qualified(node)
            return source if source is not None and source.key == name else None
        return self._unqualified(name)

    def _qualified(self, node: exp.Column) -> Source | None:
        alias = self.names.table(node.args["table"])
        schema = self.names.table(node.args.get("db"))
        scope: ColumnScope | None = self
        while scope is not None:
            found = [source for source in scope.sources if source.alias == alias]
            if found:
                return found[0] if len(found) == 1 and _fits(found[0], schema) else None
            scope = scope.outer
        return None

    def _unqualified(self, name: str) -> Source | None:
        """A name that two sources have is an error of the server, so a sharded table
        that has it is the one meant; an outer query's is not, as an inner source may
        have a column of that name."""
        if self.is_natural or not name:
            return None
        if name in self.merged:
            return self.merged[name]
        found = [source for source in self.sources if source.key == name]
        return found[0] if len(found) == 1 else None


def _fits(source: Source, schema: str) -> bool:
    if not schema:
        return True
    table = source.table
    return table is not None and not source.has_alias and table.schema in (None, schema)


def find_rule(
    table: Table, rules: Mapping[Table, TableRule], names: NameFolding
) -> tuple[TableRule | None, str]:
    """Return the rule that `rules` has for `table`, and its shard key.

    The key is folded by `names`. None and "" when there is none.
    """
    rule = rules.get(table)
    return rule, (names.key(rule) if rule is not None and rule.shard_key else "")
