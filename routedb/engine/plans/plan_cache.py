"""From a text to what is known of it: two bounded caches, by text and by shape."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from routedb import errors
from routedb.config.model import ClusterConfig
from routedb.engine.plans.tally import TALLY, Count
from routedb.routing import Rules, dialect_for
from routedb.routing.plan import ParsedText, Plan
from routedb.sql import Classifier, Scan

K = TypeVar("K")
V = TypeVar("V")

# A longer text is hardly ever sent twice, and keeping it would cost what it weighs;
# it is found by its shape instead.
LONGEST_KEPT = 4096
MOST_TEXTS = 4096
MOST_SHAPES = 10_000


class PlanCache:
    """Known texts under one choice of `using` and one version of the rules.

    Reading needs no lock: `by_text` is a dict that `learn` adds to, so the hot path is
    `by_text.get(sql)`. When the rules change it is emptied for good, so that the next
    look-up misses, and whoever misses takes the cache of the new rules.
    """

    def __init__(self, config: ClusterConfig, rules: Rules, using: str | None) -> None:
        self.config = config
        self.rules = rules
        self.using = using
        self.dialect = dialect_for(config, using)
        self.by_text: dict[str | bytes, ParsedText] = {}
        self.is_superseded = False
        self._once: set[int] = set()  # hashes of texts that came once
        self._plans: dict[tuple[str, str], Plan] = {}
        self._classifiers: dict[str, Classifier] = {}
        self._lock = threading.Lock()

    def learn(self, sql: str) -> ParsedText:
        """Classify and place `sql`; keep the answer. Never raises for bad SQL: what
        must not run carries its refusal."""
        if "\0" in sql:
            raise errors.ProgrammingError(
                f"the statement holds a NUL character at position {sql.index(chr(0))}: "
                "no server takes one"
            )
        scan, plan = self._plan(sql, self.dialect)
        text = self._text(sql, plan, scan)
        if len(sql) <= LONGEST_KEPT and (scan.counted == sql or self._is_again(sql)):
            self._keep(self.by_text, sql, text, MOST_TEXTS)
        return text

    def _is_again(self, sql: str) -> bool:
        """Tell whether a text that others share their shape with was here before.

        Its literals, or its comment with the ids of a trace, may never come again: such
        texts must not drive out those that do. Two of one hash are kept too early.
        """
        once, key = self._once, hash(sql)
        if key in once:
            once.discard(key)
            return True
        if len(once) >= MOST_TEXTS:
            once.clear()
        once.add(key)
        return False

    def supersede(self) -> None:
        """Know no text any more, and keep none: the rules have changed."""
        with self._lock:
            self.is_superseded = True
            self.by_text.clear()
        self.hand_over_counts()

    def counts(self) -> list[Count]:
        """Return how many statements of each shape went which way, by the plans that
        are known now; those of others have gone to `TALLY`."""
        with self._lock:
            return list(_counts(self._plans))

    def hand_over_counts(self) -> None:
        """Give the counts to `TALLY`: these plans serve no more."""
        with self._lock:
            for shape, route, count in _counts(self._plans):
                TALLY.add(shape, route, count)
                route.hits[0] -= count

    def forget_counts(self) -> None:
        """Begin to count anew: in a forked child, where no thread holds the lock."""
        self._lock = threading.Lock()
        for plan in self._plans.values():
            for route, _ in plan.counts:
                route.hits[0] = 0

    def _text(self, sql: str, plan: Plan, scan: Scan) -> ParsedText:
        return ParsedText(sql, plan, scan)

    def _plan(self, sql: str, dialect: str) -> tuple[Scan, Plan]:
        classifier = self._classifiers.get(dialect)
        if classifier is None:
            # It remembers nothing: plans are kept by shape here.
            functions, is_ansi = self.config.functions, self._has_ansi_quotes(dialect)
            classifier = Classifier(dialect, functions, 0, is_ansi)
            self._classifiers[dialect] = classifier
        scan = classifier.scan(sql)
        plan = self._plans.get((dialect, scan.shape))
        if plan is not None and plan.dialect == dialect:
            return scan, plan
        if plan is not None:  # a hint names a database of that dialect
            return self._plan(sql, plan.dialect)
        statement = classifier.statement(scan)
        if statement.hints is not None:
            hinted = self._hinted_dialect(statement.hints.database)
            if hinted is not None and hinted != dialect:
                hinted_scan, plan = self._plan(sql, hinted)
                self._keep(self._plans, (dialect, scan.shape), plan, MOST_SHAPES)
                return hinted_scan, plan
        plan = Plan(statement, dialect, self.rules, self.using)
        plan.shape = scan.shape
        self._keep(self._plans, (dialect, scan.shape), plan, MOST_SHAPES)
        return scan, plan

    def _has_ansi_quotes(self, dialect: str) -> bool:
        """Tell whether texts of `dialect` go to sessions that run with ANSI_QUOTES."""
        names = self.config.databases if self.using is None else (self.using,)
        nodes = (
            node
            for name in names
            for group in self.config.databases[name].groups
            for node in group.nodes
        )
        return dialect == "mysql" and any(node.is_standard_sql for node in nodes)

    def _hinted_dialect(self, database: str | None) -> str | None:
        """Return the dialect of a database that a hint names: it reads the text."""
        if not self.config.hints or database not in self.config.databases:
            return None
        return dialect_for(self.config, database)

    def _keep(self, cache: dict[K, V], key: K, value: V, most: int) -> None:
        """Store, and drop the oldest quarter when full.

        Other threads only read the dict meanwhile; listing its keys is one call.
        """
        with self._lock:
            if self.is_superseded:
                return
            if len(cache) >= most:
                old = {each: cache[each] for each in islice(cache, most // 4)}
                for each in old:
                    del cache[each]
                if cache is self._plans:
                    self._let_go(old)
            cache[key] = value

    def _let_go(self, plans: Mapping[Any, Any]) -> None:
        """Take over the counts of plans, and let no text count on them any more."""
        for shape, route, count in _counts(plans):
            TALLY.add(shape, route, count)
        gone = {plan for (dialect, _), plan in plans.items() if plan.dialect == dialect}
        for sql, text in list(self.by_text.items()):
            if text.plan in gone:
                self.by_text.pop(sql, None)


def _counts(plans: Mapping[tuple[str, str], Plan]) -> Iterator[Count]:
    for (dialect, shape), plan in plans.items():
        if plan.dialect == dialect:  # else it is there twice
            for route, count in plan.counts:
                yield shape, route, count
