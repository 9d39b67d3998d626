"""What is configured for the nodes of a group, as far as news are judged by it."""

from __future__ import annotations

from dataclasses import dataclass

from routedb.config.model import ClusterConfig, DatabaseConfig
from routedb.topology.history_order import HISTORY_ORDERS, HistoryOrder


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """What is configured for the nodes of one group."""

    max_lag_s: float | None
    must_know_lag: bool  # max_lag is set: a replica of unknown lag is behind
    retry_after_s: float
    dialect: str

    @property
    def history_order(self) -> HistoryOrder:
        """How the histories of these nodes compare."""
        return HISTORY_ORDERS[self.dialect]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is configured for each group."""

    groups: tuple[GroupLimits, ...]  # by group id

    @classmethod
    def of(cls, config: ClusterConfig) -> Limits:
        """Gather the limits of a configuration."""
        return cls(
            groups=tuple(
                _group_limits(database)
                for database in config.databases.values()
                for _ in database.groups
            )
        )


def _group_limits(database: DatabaseConfig) -> GroupLimits:
    return GroupLimits(
        max_lag_s=database.max_lag_s,
        must_know_lag=database.must_know_lag,
        retry_after_s=database.retry_after_s,
        dialect=database.dialect,
    )
