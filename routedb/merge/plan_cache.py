"""The plans of statements over several groups, made once for each version of what they
are made of, and once for texts that differ in literals alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from routedb.engine.session import Session
from routedb.merge.catalogs import Catalogs, Known
from routedb.merge.functions import known_functions
from routedb.merge.measures import Pace
from routedb.merge.moving_rows import hidden, only_counting
from routedb.merge.refused import NotMerged
from routedb.merge.views import placed
from routedb.planner import Cluster, GroupsPlan, Refusal, Taken, plan, put_in, take_out
from routedb.routing.plan import ParsedText, Plan
from routedb.session import TxState

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
        source: str | None = None,
    ) -> Made:
        """Return what `make` returns for `text` in `session` with what is `known` of
        its tables, kept from before if it can be. `way`: which of two ways is meant;
        `source`: what it is kept by, instead of the text's own."""
        versions = (session.core.ruleset.version, known.catalog.version)
        named = text.source if source is None else source
        key = (named, text.plan.dialect, session.database, versions, way)
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
        # With what is known of the tables: it costs as much to find again.
        self._ready: dict[tuple[object, ...], tuple[GroupsPlan, Known]] = {}
        self._made: PlanCache[GroupsPlan | Refusal] = PlanCache()
        self._paces: dict[Plan, Pace] = {}
        # By texts with marks for literals.
        self._shared: PlanCache[GroupsPlan | Refusal] = PlanCache()

    def pace_of(self, text: ParsedText) -> Pace:
        """Return how fast `text`, or one of its shape, ran last."""
        pace = self._paces.get(text.plan)
        if pace is None:
            if len(self._paces) >= _MOST_PLANS:
                self._paces.clear()
            pace = self._paces[text.plan] = Pace()
        return pace

    def planned(
        self, session: Session, text: ParsedText, params: Any, by_rows: bool = False
    ) -> tuple[GroupsPlan, Known]:
        """Return the plan of `text` for `params` in `session`, and what is known of its
        tables. `by_rows`: of a rest that is worked out over the rows of the tables.
        Raises NotMerged with the planner's reason."""
        core, plan = session.core, text.plan
        versions = (core.ruleset.version, core.catalog.version)
        key = (text.source, plan.dialect, session.database, versions, by_rows)
        ready = self._ready.get(key)
        if ready is None or text.scan.dialect != plan.dialect:
            inner, cluster, known = placed(session, self._catalogs, text, params)
            ready = self._plan(session, inner, cluster, known, by_rows), known
            # A view's place is looked at each time, for what hides its tables.
            if inner is text and known.catalog.version == versions[1]:
                if len(self._ready) >= _MOST_PLANS:
                    self._ready.clear()
                self._ready[key] = ready
        made, known = ready
        if not made.fits(params):
            if made.otherwise is None:
                raise NotMerged("its LIMIT or OFFSET is no plain number")
            made = made.otherwise
        if made.near is not None and _reads_copies(session, made):
            made = made.near
        return made, known

    def _plan(
        self,
        session: Session,
        text: ParsedText,
        cluster: Cluster,
        known: Known,
        by_rows: bool,
    ) -> GroupsPlan:
        def make_of(source: str) -> GroupsPlan | Refusal:
            functions = known_functions(session, text, cluster)
            made = plan(
                source, text.plan.dialect, known.catalog, cluster, functions, by_rows
            )
            return only_counting(session, text.plan, made)

        def make() -> GroupsPlan | Refusal:
            taken = _taken_out(text)
            if taken is None:
                return make_of(text.source)
            shared = self._shared.find(
                session, text, known, by_rows, partial(make_of, taken.source),
                taken.source,
            )  # fmt: skip
            return put_in(shared, taken.values)

        made = self._made.find(session, text, known, by_rows, make)
        if isinstance(made, Refusal):
            raise NotMerged(made.reason)
        return made


def _reads_copies(session: Session, made: GroupsPlan) -> bool:
    """Tell whether the remainder of `made` may read copies where it runs, in `session`:
    not in a transaction, whose branch may show them otherwise than a link of ours, nor
    where all is to be of one moment, nor on a node of other groups."""
    config, chosen = session.core.config, session.merge_limits.get("work_node")
    names = {fragment.database for fragment in made.fragments}
    nodes = [config.databases[name].merge.work_node for name in names]
    is_alone = session.transaction.state is TxState.AUTOCOMMIT
    return is_alone and not session.is_atomic and not (chosen or any(nodes))


def _taken_out(text: ParsedText) -> Taken | None:
    """Return `text` with marks for its literals. None where all are to stay: there are
    too many, its session reads it in a way of its own, or rows of its tables move."""
    scan = text.scan
    is_plain = scan.is_whole and not scan.fault and scan.dialect == text.plan.dialect
    if not is_plain or hidden(text.plan):
        return None
    return take_out(scan.parts, scan.dialect)
