"""What of the rows of a table a remainder needs: the fewer come, the better.

=========================== ========================================================
does not come               because
=========================== ========================================================
a column of conditions that every row that comes meets them: in the remainder TRUE
went down, and nothing else stands in their place
the same row twice          in a query of EXISTS or IN that has no groups: one row
                            says what two do
=========================== ========================================================

The same row is told by types whose values are one where they are equal: of numeric, 1.0
and 1.00 are equal and two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from routedb.planner.catalog import Cluster, Column, Sharded
from routedb.planner.filters import find_filter
from routedb.planner.references import References, Use
from routedb.planner.results import type_of
from routedb.planner.source_text import Edit
from routedb.planner.spans import condition_span

# Of PostgreSQL; what is equal under a collation that is none of the usual is not one.
SINGLE = frozenset(
    {"smallint", "integer", "bigint", "boolean", "date", "uuid", "text"}
    | {"character varying", "character", "timestamp without time zone"}
)
_USUAL = frozenset({None, "C", "POSIX", '"C"', '"POSIX"'})
# What a query of EXISTS or IN may have, for its rows to count once.
_PLAIN_ARGS = frozenset({"expressions", "from_", "joins", "where"})


class Needed:
    """What is needed of the uses of tables in a text, of which `references` knows;
    `cluster` says where they are. `edits` are those of the text."""

    def __init__(
        self, references: References, cluster: Cluster, uses: Sequence[Use]
    ) -> None:
        """`uses` are those that come."""
        self._references = references
        self._uses = uses
        # By the ids of nodes, which the tree keeps, and of the second by an alias too.
        self._in: dict[int, list[tuple[str, str | None]]] = {}
        self._found: dict[tuple[int, str], Counter[str]] = {}
        self._cluster = cluster
        self.edits: list[Edit] = []
        # By the id of a use: how often names are there that may be its columns', in its
        # own query and those in it, without the conditions that are taken out.
        self._counts: dict[int, Counter[str]] = {
            id(use): self.names_in(use.select, use).copy()
            for use in uses
            if use.select is not None
        }
        self._take_out()

    def names_in(self, node: exp.Expr, use: Use) -> Counter[str]:
        """Return how often each name is in `node`, folded, that may be of a column of
        `use`: not behind another table's name."""
        found = self._found.get((id(node), use.alias))
        if found is None:
            found = Counter(
                name
                for name, table in self._names(node)
                if table is None or table == use.alias
            )
            self._found[id(node), use.alias] = found
        return found

    def _names(self, node: exp.Expr) -> list[tuple[str, str | None]]:
        """Return the names in `node`, folded, each with the table's before it."""
        known = self._in.get(id(node))
        if known is None:
            names = self._references.names
            known = self._in[id(node)] = []
            for each in node.find_all(exp.Identifier):
                column, table = each.parent, None
                if isinstance(column, exp.Column) and each.arg_key == "this":
                    table = column.args.get("table")
                before = None if table is None else names.table(table)
                known.append((names.column(each), before))
        return known

    def columns(self, use: Use) -> tuple[Column, ...]:
        """Return the columns of `use` that come."""
        if use.wants_all or use.select is None:
            return self._references.columns(use)
        counts = self._counts[id(use)]
        found = tuple(each for name, each in use.by_name.items() if counts[name] > 0)
        return found or use.info.columns[:1]

    def counts(self, use: Use) -> Counter[str]:
        """Return how often each name of `names_in` is in what is left of the query of
        `use`."""
        return self._counts[id(use)]

    def is_set(self, use: Use, columns: Sequence[Column]) -> bool:
        """Tell whether rows of `use` that are the same in `columns` need come once."""
        select = use.select
        if select is None or not isinstance(use.placement, Sharded):
            return False
        if self._references.text.dialect != "postgresql" or not _counts_once(select):
            return False
        named = {column.name for column in columns}
        has_key = bool(use.info.primary_key) and named.issuperset(use.info.primary_key)
        return not has_key and all(map(is_single, columns))

    def _take_out(self) -> None:
        """Take conditions out of the text that hold for all rows that come."""
        found = list(self._pushed())
        left = {key: counts.copy() for key, counts in self._counts.items()}
        for node, use in found:
            self._subtract(left, node, use)
        for node, use in found:
            names = self.names_in(node, use)
            if all(left[id(use)][name] > 0 for name in names):
                continue  # its columns come anyway
            span = condition_span(self._references.text, node)
            if span is not None:
                self.edits.append(Edit(*span, " TRUE "))
                self._subtract(self._counts, node, use)

    def _subtract(
        self, counts: Mapping[int, Counter[str]], node: exp.Expr, use: Use
    ) -> None:
        """Count the names in `node`, a condition on `use`, less: in its query, and in
        those around that."""
        around: exp.Expr | None = use.select
        while around is not None:
            for each in self._uses:
                if each.select is around:
                    counts[id(each)].subtract(self.names_in(node, each))
            around = around.parent_select

    def _pushed(self) -> Iterator[tuple[exp.Expr, Use]]:
        """Yield conditions that go down to databases of the text's own dialect, and
        what they are on. The others call columns after their texts."""
        text = self._references.text
        if text.dialect != "postgresql":
            return
        for use in self._uses:
            place = self._cluster.databases[use.placement.database]
            if place.dialect != text.dialect or use.select is None or use.wants_all:
                continue
            for node in find_filter(self._references, use).conjuncts:
                yield node, use


def is_single(column: Column) -> bool:
    """Tell whether equal values of `column`, of PostgreSQL's, are one."""
    return type_of(column) in SINGLE and column.collation in _USUAL


def _counts_once(select: exp.Select) -> bool:
    """Tell whether the rows of `select` are asked for as a set: whether there is one,
    or whether a value is among them."""
    around = select.parent
    if isinstance(around, exp.Subquery) and isinstance(around.parent, exp.In):
        is_asked = around.parent.args.get("query") is around
    else:
        is_asked = isinstance(around, exp.Exists)
    said = {name for name, value in select.args.items() if value}
    if not is_asked or not said <= _PLAIN_ARGS:
        return False
    return select.find(*_SETS) is None


_SETS = (exp.AggFunc, exp.Window)
