"""From a statement on sharded tables to the shards it is for.

In comes a text with the rules of its tables, out goes a `ShardPlan`, once per shape;
with the literals and parameters of one text, the plan gives the `Target`: its shards,
and the text that each gets of an INSERT. `keys` finds the shard of a value, `analysis`
the conditions on keys, `rewrite` takes texts apart and puts them together. What is not
certain is refused by name with ShardError.

sqlglot is imported at the first statement analysed: `import routedb` must be quick.
"""

from __future__ import annotations

from collections.abc import Mapping

from routedb.config.model import TableRule
from routedb.sharding.columns import ColumnsWanted, TableColumns
from routedb.sharding.keys.shard_functions import (
    check_rules,
    shard_for_key_hint,
    shard_of,
)
from routedb.sharding.rewrite.split_insert import InsertPart
from routedb.sharding.shard_plan import ShardPlan, Target, is_apart_from_transactions
from routedb.sql import Scan, Table

__all__ = [
    "ColumnsWanted",
    "InsertPart",
    "ShardPlan",
    "TableColumns",
    "Target",
    "analyse",
    "check_rules",
    "indexes_of",
    "is_apart_from_transactions",
    "shard_for_key_hint",
    "shard_of",
]


def indexes_of(scan: Scan) -> list[Table]:
    """Return the indexes that a DROP INDEX or ALTER INDEX, the text of `scan`, names;
    none where that is not understood."""
    from routedb.sharding.analysis import definitions  # noqa: PLC0415

    return definitions.indexes_of(scan)


def analyse(
    source: str,
    scan: Scan,
    dialect: str,
    rules: Mapping[Table, TableRule],
    columns: Mapping[Table, TableColumns] | None = None,
) -> ShardPlan:
    """Work out once per shape how to find the shards of a text.

    `source` is the text in `dialect`, `scan` what `routedb.sql.scan` says of it, and
    `rules` has the rule of each of its tables, `columns` the columns of those that the
    catalog was asked for. Returns the plan for all texts of its shape. Raises
    ShardError, which names what is missing, for a statement whose shard is not certain;
    ColumnsWanted where the columns of a table may tell it.
    """
    from routedb.sharding.analysis.plan_builder import build_plan  # noqa: PLC0415

    return build_plan(source, scan, dialect, rules, columns or {})
