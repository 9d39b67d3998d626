"""The table rules in force, with the plans made by them: one object, replaced whole.

Like the topology's snapshot it is taken once and used to the end. Where a table lives
may change while connections are open: the caches of the old ruleset are emptied, so the
next statement of every connection misses there, and takes the new ruleset. Statements
whose plan is known are not asked anything for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from routedb.config.model import ClusterConfig, TableRule
from routedb.config.placements import Placements
from routedb.engine.plans.placed_rules import placed_rules
from routedb.engine.plans.plan_cache import PlanCache
from routedb.engine.plans.shadow_plans import ShadowPlanCache
from routedb.routing import Rules
from routedb.sql import UNSETTLED, LexicalMode

NOT_PLACED = Placements()
_MOST_CACHES = 256


class Ruleset:
    """One version of the rules: those that were written, below the placements.

    `written` is the configuration with the rules that were written last, `config` the
    same with the rules of `placements` above them: `placed`, which are made of them.
    """

    def __init__(
        self,
        written: ClusterConfig,
        version: int = 0,
        placements: Placements = NOT_PLACED,
        placed: tuple[TableRule, ...] = (),
    ) -> None:
        self.written = written
        self.placements = placements
        self.config = config = written
        if placed:
            self.config = config = replace(written, tables=(*placed, *written.tables))
        self._placed = placed
        self.version = version
        self.rules = Rules(config)
        self.plan_caches: dict[tuple[str | None, LexicalMode], PlanCache] = {}
        self._make_cache = ShadowPlanCache if config.shadow else PlanCache

    def plan_cache(self, using: str | None, mode: LexicalMode) -> PlanCache:
        """Return the known texts for `conn.using(using)`, None for plain ones, of
        sessions that read quotes in this `mode`."""
        cache = self.plan_caches.get((using, mode))
        if cache is None:
            if len(self.plan_caches) >= _MOST_CACHES:
                mode = UNSETTLED  # a mode's name is of the user's making
            made = self._make_cache(self.config, self.rules, using, mode)
            cache = self.plan_caches.setdefault((using, mode), made)
        return cache

    def count_shapes(self) -> tuple[int, int, int]:
        """Return how many shapes are known, how many new texts had one that was, and
        how many had none."""
        caches = list(self.plan_caches.values())
        return (
            sum(cache.shapes for cache in caches),
            sum(cache.found for cache in caches),
            sum(cache.missed for cache in caches),
        )

    def with_tables(self, tables: Iterable[TableRule]) -> Ruleset:
        """Return the next version, with other rules that were written."""
        written = replace(self.written, tables=tuple(tables))
        return Ruleset(written, self.version + 1, self.placements, self._placed)

    def with_placements(self, placements: Placements) -> Ruleset:
        """Return the next version, with other placements."""
        placed = placed_rules(placements, self.written)
        return Ruleset(self.written, self.version + 1, placements, placed)

    def supersede(self) -> None:
        """Let nothing more be found by these rules, once others are in force."""
        for cache in list(self.plan_caches.values()):
            cache.supersede()
