"""Which database a table lives in: the rules of `[tables]`, first match wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate

from routedb.config.model import ClusterConfig, TableRule
from routedb.sql.scanner.identifiers import cut_name
from routedb.sql.statement import Table

_WILDCARD = re.compile(r"[*?\[]").search


class Rules:
    """The table rules of a cluster, compiled. Answers are kept: tables are few."""

    _LIMIT = 10_000  # temporary and generated names must not grow this for ever

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self.tables = config.tables  # the rules, in their order
        self.known: dict[Table, TableRule | None] = {}  # answers so far
        # Of the default database: catalogs are told from tables by it.
        self.dialect = config.dialect or config.default_database.dialect
        # Whether rows of any move between shards: most have none to ask for.
        self.has_moving = any(rule.moving is not None for rule in config.tables)
        self._compiled = [
            (
                self._pattern(rule.schema) if rule.schema is not None else None,
                self._pattern(rule.name),
                rule,
            )
            for rule in config.tables
        ]

    def _pattern(self, name: str) -> re.Pattern[str]:
        """Compile a pattern; a name is cut as the server cuts those of a text."""
        is_name = self.dialect == "postgresql" and not _WILDCARD(name)
        return re.compile(translate(cut_name(name) if is_name else name))

    def moving(self, tables: Iterable[Table]) -> list[tuple[Table, TableRule]]:
        """Return those of `tables` whose rows move between shards, with their rules."""
        if not self.has_moving:
            return []
        found = ((table, self.rule_for(table)) for table in tables)
        return [(t, rule) for t, rule in found if rule is not None and rule.moving]

    def guard(self, tables: Iterable[Table]) -> int:
        """Return the version that sessions show before they write to `tables`."""
        found = (rule.moving for _, rule in self.moving(tables))
        return max((moving.guard for moving in found if moving), default=0)

    def rule_for(self, table: Table) -> TableRule | None:
        """Return the rule that gives `table` its home, or None when none does."""
        try:
            return self.known[table]
        except KeyError:
            rule = self._find(table)
            if len(self.known) < self._LIMIT:
                self.known[table] = rule
            return rule

    def _find(self, table: Table) -> TableRule | None:
        for schema, name, rule in self._compiled:
            if schema is not None and not schema.match(table.schema or ""):
                continue
            if name.match(table.name):
                return rule
        return None
