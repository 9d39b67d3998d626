"""From a text to what is known of it: two bounded caches, by text and by shape."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from routedb import errors
from routedb.config.model import ClusterConfig
from routedb.engine.plans.tally import TALLY, Count, RoleOf
from routedb.routing import Route, Rules, dialect_for
from routedb.routing.plan import ParsedText, Plan
from routedb.sql import Classifier, Kind, LexicalMode, Reading, Scan, Statement
from routedb.sql.lexical_mode import read_in
from routedb.sql.scanner.patterns import MYSQL_ANSI
from routedb.sql.scanner.shape import FAULT, may_depend

K = TypeVar("K")
V = TypeVar("V")
# The dialect, the shape, and how it was read where that depends on the session.
PlanKey = tuple[str, str, Reading | bool | None]

# A longer text is hardly ever sent twice, and keeping it would cost what it weighs;
# it is found by its shape instead.
LONGEST_KEPT = 4096
MOST_TEXTS = 4096
MOST_SHAPES = 10_000


class PlanCache:
    """Known texts under one choice of `using`, one version of the rules, and one `mode`
    of reading quotes: None for that which the configuration asks for.

    Reading needs no lock: `by_text` is a dict that `learn` adds to, so the hot path is
    `by_text.get(sql)`. When the rules change it is emptied for good, so that the next
    look-up misses, and whoever misses takes the cache of the new rules.
    """

    def __init__(
        self,
        config: ClusterConfig,
        rules: Rules,
        using: str | None,
        mode: LexicalMode | None = None,
    ) -> None:
        self.config = config
        self.rules = rules
        self.using = using
        self.dialect = dialect_for(config, using)
        self.mode = LexicalMode(self._usual(self.dialect)) if mode is None else mode
        self.by_text: dict[str | bytes, ParsedText] = {}
        self.is_superseded = False
        self._handed_over: Counter[RoleOf] = Counter()  # of plans that are gone
        self._once: set[int] = set()  # hashes of texts that came once
        self._plans: dict[PlanKey, Plan] = {}
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
        reading = None
        if may_depend(sql, self.dialect):
            reading = read_in(self.mode, sql, self.dialect)
            if reading is None:
                return self._unread(sql, self.mode.why)
        scan, plan = self._plan(sql, self.dialect, reading)
        is_program = self.dialect == "mysql" and plan.statement.parts > 1
        if reading is not None and plan.changes_mode and is_program:
            # The server reads each statement when it comes to it.
            return self._unread(sql, "a statement in it may change how the next is")
        text = self._text(sql, plan, scan)
        may_last = reading is None or self._lasts(reading, plan)
        may_last = may_last and len(sql) <= LONGEST_KEPT
        if may_last and (scan.counted == sql or self._is_again(sql)):
            self._keep(self.by_text, sql, text, MOST_TEXTS)
        return text

    def _unread(self, sql: str, why: str) -> ParsedText:
        """Return a text of which nothing is known, a hint least of all."""
        reason = f"its quotes cannot be told from code: {why}"
        scan = Scan(FAULT + reason, (), [sql], self.dialect, reason)
        is_hinted = self.config.hints and "routedb:" in sql
        key = (self.dialect, scan.shape, is_hinted)
        plan = self._plans.get(key)
        if plan is None:
            statement = Statement(Kind.UNKNOWN, "", reason=reason)
            plan = Plan(statement, self.dialect, self.rules, self.using)
            if is_hinted:
                plan.refuse(
                    errors.HintError(
                        f"a hint is not followed where {reason}; choose the database "
                        "by conn.using()"
                    )
                )
            self._keep(self._plans, key, plan, MOST_SHAPES)
        return self._text(sql, plan, scan)

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
                self._hand_over(shape, route, count)
                route.hits[0] -= count

    def roles(self) -> Counter[RoleOf]:
        """Return how many statements went to each database in each role."""
        with self._lock:
            roles = Counter(self._handed_over)
            for _, route, count in _counts(self._plans):
                roles[route.database, route.role] += count
            return roles

    def _hand_over(self, shape: str, route: Route, count: int) -> None:
        TALLY.add(shape, route, count)
        self._handed_over[route.database, route.role] += count

    def forget_counts(self) -> None:
        """Begin to count anew: in a forked child, where no thread holds the lock."""
        self._lock = threading.Lock()
        self._handed_over.clear()
        for plan in self._plans.values():
            for route, _ in plan.counts:
                route.hits[0] = 0

    def _text(self, sql: str, plan: Plan, scan: Scan) -> ParsedText:
        return ParsedText(sql, plan, scan)

    def _plan(
        self, sql: str, dialect: str, reading: Reading | None
    ) -> tuple[Scan, Plan]:
        classifier = self._classifier(dialect, reading)
        scan = classifier.scan(sql)
        key = (dialect, scan.shape, reading)
        plan = self._plans.get(key)
        if plan is not None and plan.dialect == dialect:
            return scan, plan
        if plan is not None:  # a hint names a database of that dialect
            return self._plan(sql, plan.dialect, self._elsewhere(sql, plan.dialect))
        statement = classifier.statement(scan)
        if not self.config.hints and statement.hints is not None:
            statement = replace(statement, hints=None)
        if statement.hints is not None:
            hinted = self._hinted_dialect(statement.hints.database)
            if hinted is not None and hinted != dialect:
                there = self._elsewhere(sql, hinted)
                hinted_scan, plan = self._plan(sql, hinted, there)
                self._keep(self._plans, key, plan, MOST_SHAPES)
                return hinted_scan, plan
        plan = Plan(statement, dialect, self.rules, self.using, reading)
        plan.shape = scan.shape
        self._keep(self._plans, key, plan, MOST_SHAPES)
        return scan, plan

    def _lasts(self, reading: Reading, plan: Plan) -> bool:
        """Tell whether a text may be kept. What a function of PostgreSQL's has set
        behind our back is noticed with a text that is not known."""
        if reading.is_fragile or (reading.width and self.mode.encoding):
            return False
        return plan.dialect == "mysql" or not plan.is_sharded

    def _classifier(self, dialect: str, reading: Reading | None) -> Classifier:
        lexis = self._usual(dialect) if reading is None else reading.lexis
        classifier = self._classifiers.get(lexis)
        if classifier is None:
            # It remembers nothing: plans are kept by shape here.
            classifier = Classifier(dialect, self.config.functions, 0, lexis)
            self._classifiers[lexis] = classifier
        return classifier

    def _elsewhere(self, sql: str, dialect: str) -> Reading | None:
        """Return how a text is read for a database that a hint names, whose sessions
        have not been asked: they are before it is sent (`Attempt`)."""
        if not may_depend(sql, dialect):
            return None
        return read_in(LexicalMode(self._usual(dialect)), sql, dialect)

    def _usual(self, dialect: str) -> str:
        """Return the way of writing that the configuration asks sessions for."""
        names = self.config.databases if self.using is None else (self.using,)
        nodes = (
            node
            for name in names
            for group in self.config.databases[name].groups
            for node in group.nodes
        )
        has_ansi = dialect == "mysql" and any(node.is_standard_sql for node in nodes)
        return MYSQL_ANSI if has_ansi else dialect

    def _hinted_dialect(self, database: str | None) -> str | None:
        """Return the dialect of a database that a hint names: it reads the text."""
        if database not in self.config.databases:
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
            self._hand_over(shape, route, count)
        gone = {plan for key, plan in plans.items() if plan.dialect == key[0]}
        for sql, text in list(self.by_text.items()):
            if text.plan in gone:
                self.by_text.pop(sql, None)


def _counts(plans: Mapping[PlanKey, Plan]) -> Iterator[Count]:
    for (dialect, shape, _), plan in plans.items():
        if plan.dialect == dialect:  # else it is there twice
            for route, count in plan.counts:
                yield shape, route, count
