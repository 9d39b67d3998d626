"""Placements: where tables live by the state tables, whatever the file says.

A placement is a row of `routedb_placements` in the home database, `ClusterConfig.home`:
the name of a table, written as in `[tables]`; its place, which is what may stand there,
the name of a database or a whole rule; the version that has last changed it, and the
name of the move that did. The version of all is that of the row without a name: it goes
up with each change, so whoever knows it knows whether anything has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from routedb.config.document import Document
from routedb.config.model import ClusterConfig, TableRule
from routedb.config.table_rules import read_rule, split_name, tables_document
from routedb.errors import ConfigError

# As in `[tables]`: "main", or {"database": "orders", "shard_key": "customer_id"}.
Place: TypeAlias = str | Mapping[str, Any]


class Placement(NamedTuple):
    """One row: `table` is at `place` since `version`, by the move called `move`."""

    table: str
    place: Place
    version: int
    move: str = ""

    @property
    def name(self) -> str:
        """What reasons call it."""
        return f"placement {self.version}{f' of move {self.move!r}' * bool(self.move)}"

    @property
    def database(self) -> str:
        """The name of the database of its place."""
        return database_of(self.place)


class Placements(NamedTuple):
    """All rows at one version; -1: there is no table of them."""

    version: int = -1
    rows: tuple[Placement, ...] = ()


def database_of(place: Place) -> str:
    """Return the name of the database of a `place`."""
    return place if isinstance(place, str) else str(place.get("database"))


def written(place: Place) -> str:
    """Return a place as the text that is stored: a name as it is, a rule as JSON."""
    return place if isinstance(place, str) else json.dumps(place, sort_keys=True)


def read(text: str) -> Place:
    """Return the place that was stored as `text`. What is no JSON is a name."""
    if not text.startswith("{"):
        return text
    try:
        place: dict[str, Any] = json.loads(text)
    except ValueError:
        return text
    return place


def rule_of(row: Placement, config: ClusterConfig) -> TableRule:
    """Return the rule that a placement, `row`, stands for in the cluster of `config`.
    Raises ConfigError where it can be none there."""
    document = tables_document(row.name, {row.table: row.place}, config)
    rule = read_rule(document, row.table, config.databases, config.text_dialect)
    return replace(rule, placed_by=row.name)


def refused(row: Placement, config: ClusterConfig, why: ConfigError) -> TableRule:
    """Return a rule that refuses the table of a placement, `row`, which `config` cannot
    follow, and `why`: it is at no place that this program knows, and not where the file
    says either."""
    said = (
        f"table {row.table} is in {row.database} by {row.name}, and {config.source} "
        f"cannot follow that: {why}"
    )
    document = Document(row.name, {}, {}, {})
    path = ("tables", row.table)
    schema, name = split_name(document, path, row.table, config.text_dialect)
    return TableRule(row.table, schema, name, "", placed_by=row.name, refusal=said)
