"""The plans of statements over several groups, made once for each version of what they
are made of."""

from __future__ import annotations

from typing import Any

from routedb.engine.session import Session
from routedb.engine.shared.core import Core
from routedb.merge.catalogs import Catalogs, Known
from routedb.merge.functions import known_functions
from routedb.merge.moving_rows import only_counting
from routedb.merge.refused import NotMerged
from routedb.merge.views import placed
from routedb.planner import Cluster, GroupsPlan, Refusal, plan
from routedb.routing.plan import ParsedText

_MOST_PLANS = 1024


class GroupsPlans:
    """What a runtime, whose `core` it is, has planned; its `catalogs` know the
    tables."""

    def __init__(self, core: Core, catalogs: Catalogs) -> None:
        self._core = core
        self._catalogs = catalogs
        self._made: dict[tuple[object, ...], GroupsPlan | Refusal] = {}

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
        source, dialect, catalog = text.source, text.plan.dialect, known.catalog
        versions = (self._core.ruleset.version, catalog.version)
        key = (source, dialect, session.database, versions, by_rows)
        made = self._made.get(key)
        if made is None:
            functions = known_functions(session, text, cluster)
            made = plan(source, dialect, catalog, cluster, functions, by_rows)
            made = only_counting(session, text.plan, made)
            if len(self._made) >= _MOST_PLANS:
                self._made.clear()
            self._made[key] = made
        if isinstance(made, Refusal):
            raise NotMerged(made.reason)
        return made
