"""From a text to what is known of it: two bounded caches, by text and by shape.

Most texts that are not known as they are have a shape that is, and a plain one: then
`quick_shape` tells it, and that is all (measured: 15 us became 5 for 150 characters).
"""

from __future__ import annotations

import threading
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from routedb import errors
from routedb.config.model import ClusterConfig
from routedb.engine.plans.shape_cache import PlanKey, ShapeCache
from routedb.engine.plans.tally import TALLY, Count, RoleOf
from routedb.routing import Route, Rules, dialect_for
from routedb.routing.plan import ParsedText, Plan
from routedb.sql import Classifier, Kind, LexicalMode, Reading, Scan, Statement
from routedb.sql.lexical_mode import read_in
from routedb.sql.scanner.patterns import MYSQL_ANSI
from routedb.sql.scanner.quick_shape import masked, shape_of
from routedb.sql.scanner.shape import FAULT, may_depend

# A longer text is hardly ever sent twice, and keeping it would cost what it weighs;
# it is found by its shape instead.
LONGEST_KEPT = 4096
MOST_TEXTS = 4096
MOST_MASKS = 8192


# Some drivers call it a ValueError, and one keeps what is before it.
_HOLDS_NUL = type(
    "ProgrammingError",
    (errors.ProgrammingError, ValueError),
    {"__module__": errors.__name__},
)


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
        # How many texts that were not known had a shape that was, and how many had not.
        self.found = self.missed = 0
        # Hashes of texts that came once, each at the place that it says. An array: of a
        # set the processor has not the part at hand that the next text needs.
        self._once = array("q", bytes(8 * MOST_TEXTS))
        # By the mask of a text, the same as by its shape, without working that out.
        self._by_mask: dict[str | None, Plan] = {}
        self._shapes = ShapeCache(config.max_shapes)
        self._plans = self._shapes.plans
        # By why, and whether it is hinted: the plans of texts that are not read.
        self._unreadable: dict[tuple[str, bool], Plan] = {}
        # By the dialect, and how it is read where that depends on the session.
        self._classifiers: dict[tuple[str, str | None], Classifier] = {}
        self._lock = threading.Lock()

    @property
    def shapes(self) -> int:
        """How many shapes are known."""
        return len(self._plans)

    def find(self, sql: str) -> ParsedText | None:
        """Return what is known of `sql` if that is plain to see: a text like those that
        had the same mask, and which every session reads alike.

        Ever new texts come here, one for each statement, so it is kept short.
        """
        if not self._by_mask or not sql.isascii() or "\\" in sql or "\0" in sql:
            return None
        if '"' in sql and self.dialect == "mysql":
            return None
        mask = masked(sql, self.dialect)
        plan = self._by_mask.get(mask)
        if plan is None:
            return None
        self.found += 1
        text = self._text(sql, plan)
        if self._is_again(sql) or mask == sql:
            self._keep(sql, text)
        return text

    def learn(self, sql: str, depends: bool | None = None) -> ParsedText:
        """Classify and place `sql`; keep the answer. Never raises for bad SQL: what
        must not run carries its refusal. `depends` is what `may_depend` says of it."""
        if "\0" in sql:
            raise _HOLDS_NUL(
                f"the statement holds a NUL character at position {sql.index(chr(0))}: "
                "no server takes one"
            )
        reading = None
        if may_depend(sql, self.dialect) if depends is None else depends:
            reading = read_in(self.mode, sql, self.dialect)
            if reading is None:
                return self._unread(sql, self.mode.why)
        if self._plans and (
            reading is None or ("\\" not in sql and reading.is_as_plain(self.dialect))
        ):
            mask = masked(sql, self.dialect)
            shape = None if mask is None else shape_of(mask, self.dialect)
            plan = self._plans.get((self.dialect, shape, reading)) if shape else None
            if shape and plan is not None and plan.dialect == self.dialect:
                self.found += 1
                if reading is None:
                    self._keep_mask(mask, shape, plan)
                text = self._text(sql, plan)
                if shape == sql or self._is_again(sql):
                    self._keep(sql, text)
                return text
        return self._learn(sql, reading)

    def _learn(self, sql: str, reading: Reading | None) -> ParsedText:
        """Return what is known of a text that takes a scan."""
        scan, plan = self._plan(sql, self.dialect, reading)
        is_program = self.dialect == "mysql" and plan.statement.parts > 1
        if reading is not None and plan.changes_mode and is_program:
            # The server reads each statement when it comes to it.
            return self._unread(sql, "a statement in it may change how the next is")
        text = self._text(sql, plan, scan)
        if scan.counted == sql or self._is_again(sql):
            self._keep(sql, text)
        return text

    def _unread(self, sql: str, why: str) -> ParsedText:
        """Return a text of which nothing is known, a hint least of all."""
        reason = f"its quotes cannot be told from code: {why}"
        scan = Scan(FAULT + reason, (), [sql], self.dialect, reason)
        is_hinted = self.config.hints and "routedb:" in sql
        plan = self._unreadable.get((scan.shape, is_hinted))
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
            plan.shape = scan.shape
            self._unreadable[scan.shape, is_hinted] = plan
        return self._text(sql, plan, scan)

    def _is_again(self, sql: str) -> bool:
        """Tell whether a text that others share their shape with was here before, and
        is not kept now.

        Its literals, or its comment with the ids of a trace, may never come again: such
        texts must not drive out those that do. Two of one hash are kept too early.
        """
        key = hash(sql)
        place = key % MOST_TEXTS
        if self._once[place] == key:
            return True
        self._once[place] = key
        return False

    def supersede(self) -> None:
        """Know no text any more, and keep none: the rules have changed."""
        with self._lock:
            self.is_superseded = True
            self.by_text.clear()
            self._by_mask.clear()
        self.hand_over_counts()

    def counts(self) -> list[Count]:
        """Return how many statements of each shape went which way, by the plans that
        are known now; those of others have gone to `TALLY`."""
        with self._lock:
            return list(_counts(self._counted()))

    def hand_over_counts(self) -> None:
        """Give the counts to `TALLY`: these plans serve no more."""
        with self._lock:
            for shape, route, count in _counts(self._counted()):
                self._hand_over(shape, route, count)
                route.hits[0] -= count

    def roles(self) -> Counter[RoleOf]:
        """Return how many statements went to each database in each role."""
        with self._lock:
            roles = Counter(self._handed_over)
            for _, route, count in _counts(self._counted()):
                roles[route.database, route.role] += count
            return roles

    def _hand_over(self, shape: str, route: Route, count: int) -> None:
        TALLY.add(shape, route, count)
        self._handed_over[route.database, route.role] += count

    def forget_counts(self) -> None:
        """Begin to count anew: in a forked child, where no thread holds the lock."""
        self._lock = threading.Lock()
        self._handed_over.clear()
        for _, plan in self._counted():
            for route, _ in plan.counts:
                route.hits[0] = 0

    def _counted(self) -> Iterable[tuple[PlanKey, Plan]]:
        """Return all plans, each once or with another dialect in its key."""
        unread = [((p.dialect, p.shape, None), p) for p in self._unreadable.values()]
        return [*self._plans.copy().items(), *unread]

    def _text(self, sql: str, plan: Plan, scan: Scan | None = None) -> ParsedText:
        return ParsedText(sql, plan, scan)

    def _plan(
        self, sql: str, dialect: str, reading: Reading | None
    ) -> tuple[Scan, Plan]:
        lexis = None if reading is None else reading.lexis
        classifier = self._classifiers.get((dialect, lexis))
        if classifier is None:
            classifier = self._new_classifier(dialect, lexis)
        scan = classifier.scan(sql)
        key = (dialect, scan.shape, reading)
        plan = self._plans.get(key)
        if plan is not None and plan.dialect == dialect:
            self.found += 1
            return scan, plan
        if plan is not None:  # a hint names a database of that dialect
            return self._plan(sql, plan.dialect, self._elsewhere(sql, plan.dialect))
        self.missed += 1
        statement = classifier.statement(scan)
        if not self.config.hints and statement.hints is not None:
            statement = replace(statement, hints=None)
        if statement.hints is not None:
            hinted = self._hinted_dialect(statement.hints.database)
            if hinted is not None and hinted != dialect:
                there = self._elsewhere(sql, hinted)
                hinted_scan, plan = self._plan(sql, hinted, there)
                self._keep_plan(key, plan)
                return hinted_scan, plan
        plan = Plan(statement, dialect, self.rules, self.using, reading)
        plan.shape, plan.take_apart = scan.shape, classifier.scan
        self._keep_plan(key, plan)
        return scan, plan

    def _new_classifier(self, dialect: str, lexis: str | None) -> Classifier:
        """Keep a classifier that reads as `lexis` says, None: as sessions usually do.
        It remembers nothing: plans are kept by shape here."""
        usual = lexis or self._usual(dialect)
        made = Classifier(dialect, self.config.functions, 0, usual)
        self._classifiers[dialect, lexis] = made
        return made

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

    def _keep(self, sql: str, text: ParsedText) -> None:
        """Know `sql` as it is from now on, and drop the oldest quarter when full: those
        that come again are kept at once.

        Other threads only read the dict meanwhile; listing its keys is one call.
        """
        reading = text.plan.reading
        if len(sql) > LONGEST_KEPT or reading and self._is_fleeting(text.plan, reading):
            return
        with self._lock:
            if self.is_superseded:
                return
            known = self.by_text
            if len(known) >= MOST_TEXTS:
                for old in list(islice(known, MOST_TEXTS // 4)):
                    del known[old]
                    self._once[hash(old) % MOST_TEXTS] = hash(old)
            known[sql] = text

    def _is_fleeting(self, plan: Plan, reading: Reading) -> bool:
        """Tell whether a text of this plan is to be read anew each time: what a
        function of PostgreSQL's sets behind our back is noticed with an unknown one."""
        if reading.is_fragile or (reading.width and self.mode.encoding):
            return True
        return plan.dialect != "mysql" and plan.is_sharded

    def _keep_mask(self, mask: str | None, shape: str, plan: Plan) -> None:
        with self._lock:
            if self._plans.get((self.dialect, shape, None)) is not plan:
                return
            if self.is_superseded:
                return
            if len(self._by_mask) >= MOST_MASKS:
                for old in list(islice(self._by_mask, MOST_MASKS // 4)):
                    del self._by_mask[old]
            self._by_mask[mask] = plan

    def _keep_plan(self, key: PlanKey, plan: Plan) -> None:
        with self._lock:
            if not self.is_superseded:
                gone = self._shapes.add(key, plan)
                if gone:
                    self._let_go(gone)

    def _let_go(self, plans: Mapping[PlanKey, Plan]) -> None:
        """Take over the counts of plans, and let no text count on them any more."""
        for shape, route, count in _counts(plans.items()):
            self._hand_over(shape, route, count)
        gone = {plan for key, plan in plans.items() if plan.dialect == key[0]}
        for sql, text in list(self.by_text.items()):
            if text.plan in gone:
                self.by_text.pop(sql, None)
        for mask, plan in list(self._by_mask.items()):
            if plan in gone:
                self._by_mask.pop(mask, None)


def _counts(plans: Iterable[tuple[PlanKey, Plan]]) -> Iterator[Count]:
    for (dialect, shape, _), plan in plans:
        if plan.dialect == dialect:  # else it is there twice
            for route, count in plan.counts:
                yield shape, route, count
