"""What is known of texts in a shadow: the plan that runs, and the one that would.

The hot path finds no plan here that is simple, so every statement goes the long way,
where it is counted; without a shadow nothing is different from before.
"""

from __future__ import annotations

from dataclasses import replace

from routedb.config.model import ClusterConfig
from routedb.engine.plans.plan_cache import PlanCache
from routedb.engine.plans.shape_cache import ShapeCache
from routedb.routing import Rules
from routedb.routing.plan import ParsedText, Plan
from routedb.sql import LexicalMode, Scan, Statement


class ShadowPlan(Plan):
    """The plan of what runs: never simple, never on a replica."""

    __slots__ = ()

    def _settle_role(self) -> None:
        super()._settle_role()
        self.is_simple = False
        self.sticky_group = -1
        self.may_replica = self.begins_on_writer = False


class ShadowText(ParsedText):
    """A text with the plan that runs; `would` has the plan as configured, and `scan`
    what it is, if that is known already."""

    __slots__ = ("would",)

    def __init__(self, plan: Plan, would: ParsedText, scan: Scan | None) -> None:
        super().__init__(would.source, plan, scan)
        self.would = would


def unshadowed(text: ParsedText) -> ParsedText:
    """Return the text as it would be without a shadow."""
    return text.would if isinstance(text, ShadowText) else text


class ShadowPlanCache(PlanCache):
    """Known texts of a core with `shadow = true`."""

    def __init__(
        self,
        config: ClusterConfig,
        rules: Rules,
        using: str | None,
        mode: LexicalMode | None = None,
    ) -> None:
        super().__init__(config, rules, using, mode)
        databases = config.databases.items()
        open_ = {name: replace(found, read_only=False) for name, found in databases}
        self._open_rules = Rules(replace(config, databases=open_))
        self._running = ShapeCache(config.max_shapes)

    def _text(self, sql: str, plan: Plan, scan: Scan | None = None) -> ParsedText:
        key = (plan.dialect, plan.shape, plan.reading)
        running = self._running.plans.get(key)
        if running is None:
            running = self._plan_to_run(plan)
            running.shape, running.take_apart = plan.shape, plan.take_apart
            with self._lock:
                self._running.add(key, running)
        return ShadowText(running, ParsedText(sql, plan, scan), scan)

    def _plan_to_run(self, plan: Plan) -> Plan:
        """Return a plan for its own database; where that would be refused, one for the
        default database, where the program ran it before there was routedb."""
        own = self._make(plan, plan.statement, self.using)
        home = self.using or self.config.default
        if own.refusal is None or home is None:
            return own
        return self._make(plan, replace(plan.statement, hints=None), home)

    def _make(self, plan: Plan, statement: Statement, using: str | None) -> Plan:
        rules = self._open_rules
        return ShadowPlan(statement, plan.dialect, rules, using, plan.reading)
