"""A database of its own and a sharded one, and who looks where rows are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import pytest

from routedb import move
from routedb.config.model import TableRule
from routedb.config.placements import Placement, rule_of
from routedb.mover import placements
from routedb.mover.sessions import Session, home_of
from routedb.runtime import read_config
from routedb.sharding.keys.shard_functions import shard_of
from tests.support.servers import Database

_CLUSTERS = {"pg": "postgresql", "my": "mariadb"}
_TRUST = "SET GLOBAL log_bin_trust_function_creators = "
COLUMNS = "customer int NOT NULL, id int NOT NULL, v int, PRIMARY KEY (customer, id)"


class ShardedWorld(NamedTuple):
    """`whole` is the default database; `shards` are those of `orders`."""

    config: dict[str, Any]
    whole: Database
    shards: list[Database]

    def rule(self, place: Any) -> TableRule:
        """The rule that a place stands for."""
        return rule_of(Placement("t", place, 0), read_config(self.config, {}))

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows of all shards, as their servers have them."""
        found = [self.at(shard) for shard in range(len(self.shards))]
        return sorted(row for rows in found for row in rows)

    def rows_of(self, shards: Iterable[int]) -> list[tuple[Any, ...]]:
        """All rows of some shards."""
        return sorted(row for shard in shards for row in self.at(shard))

    def placements(self) -> Sequence[Placement]:
        """What the table of placements has."""
        session = Session(home_of(read_config(self.config, {})))
        try:
            return list(placements.read(session).values())
        finally:
            session.close()

    def leftovers(self) -> list[str]:
        """Tables of a mover that are still at a shard."""
        is_postgresql = "PostgreSQL" in type(self.shards[0].cluster).__name__
        schema = "current_schema()" if is_postgresql else "DATABASE()"
        text = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = "
            f"{schema} AND table_name LIKE 'routedb%%'"
        )
        return [row[0] for shard in self.shards for row in shard.execute(text, ())]

    def at(self, shard: int, table: str = "t") -> list[tuple[Any, ...]]:
        rows = self.shards[shard].execute(f"SELECT * FROM {table}")
        return sorted(tuple(row) for row in rows)

    def strangers(self, rule: TableRule) -> list[tuple[int, Any]]:
        """Rows that are on another shard than the rule says, with that shard."""
        assert rule.function is not None
        count = len(self.shards)
        return [
            (shard, row)
            for shard in range(count)
            for row in self.at(shard)
            if shard_of(rule.function, row[0], count) != shard
        ]

    def shard_of(self, rule: Any, value: object) -> int:
        """The shard of a key by what `[tables]` says beside the database."""
        function = self.rule({"database": "orders", **rule}).function
        assert function is not None
        return shard_of(function, value, len(self.shards))

    def phase(self) -> str:
        return move.status(self.config, "m")[0].phase


@contextmanager
def open_shards(
    request: pytest.FixtureRequest, whole: str, sharded: str, count: int
) -> Iterator[ShardedWorld]:
    """Fresh databases: one of the engine `whole`, and as many shards of `sharded`."""
    with ExitStack() as stack:
        ends = []
        for each in [whole] + [sharded] * count:
            cluster = request.getfixturevalue(_CLUSTERS[each])
            if each == "my":
                cluster.writer.execute(_TRUST + "1")
                stack.callback(cluster.writer.execute, _TRUST + "0")
            ends.append(stack.enter_context(cluster.database()))
        config = {
            "default": "main",
            "databases": {
                "main": {"nodes": [ends[0].writer_dsn]},
                "orders": {"shards": [[each.writer_dsn] for each in ends[1:]]},
            },
        }
        yield ShardedWorld(config, ends[0], ends[1:])
