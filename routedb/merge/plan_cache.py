"""The plans of statements over several groups, made once for each version of what they
are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from routedb.engine.session import Session
from routedb.merge.catalogs import Catalogs, Known
from routedb.merge.functions import known_functions
from routedb.merge.moving_rows import only_counting
from routedb.merge.refused import NotMerged
from routedb.merge.views import placed
from routedb.planner import Cluster, GroupsPlan, Refusal, plan
from routedb.routing.plan import ParsedText

_MOST_PLANS = 1024

Made = TypeVar("Made")


class PlanCache(Generic[Made]):
    """What was made of texts, as long as what it is made of stays."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Made] = {}

    def find(
        self,
        session: Session,
        text: ParsedText,
        known: Known,
        way: bool,
        make: Callable[[], Made],
    ) -> Made:
        """Return what `make` returns for `text` in `session` with what is `known` of
        its tables, kept from before if it can be. `way`: which of two ways is meant."""
        versions = (session.core.ruleset.version, known.catalog.version)
        key = (text.source, text.plan.dialect, session.database, versions, way)
        if key not in self._made:
            made = make()
            if len(self._made) >= _MOST_PLANS:
                self._made.clear()
            self._made[key] = made
        return self._made[key]


class GroupsPlans:
    """What a runtime has planned; its `catalogs` know the tables."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs
        self._made: PlanCache[GroupsPlan | Refusal] = PlanCache()

    def planned(
        self, session: Session, text: ParsedText, params: Any, by_rows: bool = False
    ) -> tuple[GroupsPlan, Known]:
        """Return the plan of `text` for `params` in `session`, and what is known of its
        tables. `by_rows`: of a rest that is worked out over the rows of the tables.
        Raises NotMerged with the planner's reason."""
        text, cluster, known = placed(session, self._catalogs, text, params)
        made = self._plan(session, text, cluster, known, by_rows)
        if not made.fits(params):
            if made.otherwise is None:
                raise NotMerged("its LIMIT or OFFSET is no plain number")
            made = made.otherwise
        return made, known

    def _plan(
        self,
        session: Session,
        text: ParsedText,
        cluster: Cluster,
        known: Known,
        by_rows: bool,
    ) -> GroupsPlan:
        def make() -> GroupsPlan | Refusal:
            functions = known_functions(session, text, cluster)
            made = plan(
                text.source, text.plan.dialect, known.catalog, cluster, functions,
                by_rows,
            )  # fmt: skip
            return only_counting(session, text.plan, made)

        made = self._made.find(session, text, known, by_rows, make)
        if isinstance(made, Refusal):
            raise NotMerged(made.reason)
        return made
