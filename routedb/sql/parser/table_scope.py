"""Which names are tables: a common table expression hides a table within its scope."""

from __future__ import annotations

from typing import NamedTuple

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.statement import Kind, Table


class Reference(NamedTuple):
    """A table named in a FROM list."""

    table: Table
    at: int
    alias: str


class TableScope:
    """The common table expressions and the tables of one query.

    An expression is known behind its own end: its body, and those before it, mean the
    table of that name. WITH RECURSIVE makes all of them known everywhere.
    """

    __slots__ = ("_ctes", "_references", "_targets", "is_recursive", "outer")

    def __init__(self, outer: TableScope | None) -> None:
        self.outer = outer
        self.is_recursive = False
        self._ctes: dict[str, int | None] = {}
        self._references: list[Reference] = []
        self._targets: list[Table] = []

    def defines(self, name: str) -> None:
        """Note that a common table expression `name` begins."""
        self._ctes[name] = None

    def is_defined(self, name: str, at: int) -> None:
        """Note that the body of `name` ends at `at`."""
        self._ctes[name] = at

    def name(self, table: Table, at: int, alias: str = "") -> None:
        """Note a table in a FROM list."""
        self._references.append(Reference(table, at, alias))

    @property
    def tables(self) -> list[Table]:
        """The tables named so far."""
        return [reference.table for reference in self._references]

    def target(self, table: Table) -> None:
        """Note a table, or the alias of one named here, that is written."""
        self._targets.append(table)

    def settle(self, builder: StatementBuilder) -> None:
        """Tell `builder` the tables, when all of this query has been read.

        The queries around it come first: those that define nothing are passed over.
        """
        if self.outer is not None and not self.outer._ctes:
            self.outer = self.outer.outer
        for reference in self._references:
            if not self._hides(reference.table, reference.at):
                builder.tables[reference.table] = None
                if reference.table.schema == "pg_temp":
                    builder.mark(Kind.READ, "reads a temporary table")
        if self._targets:
            known = self._resolvable()
            for target in self._targets:
                builder.write(known.get(target, target))

    def _hides(self, table: Table, at: int) -> bool:
        if table.schema is not None:
            return False
        scope: TableScope | None = self
        while scope is not None:
            if table.name in scope._ctes:
                end = scope._ctes[table.name]
                if scope.is_recursive or (end is not None and end <= at):
                    return True
            scope = scope.outer
        return False

    def _resolvable(self) -> dict[Table, Table]:
        """Return the tables by what a target may call them: an alias counts first."""
        known: dict[Table, Table] = {}
        for table, _, _ in reversed(self._references):
            known[table] = known[Table(None, table.name)] = table
        for table, _, alias in reversed(self._references):
            if alias:
                known[Table(None, alias)] = table
        return known
