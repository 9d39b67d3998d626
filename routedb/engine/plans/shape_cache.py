"""Plans by shape, bounded: those that are used stay, whatever else comes by.

A program that has more shapes than are kept, or one whose texts are of a new shape each
(a table made for each job, names made up), must not drive out the plans that serve all
the time. So a new shape is let in for good only where it was asked for more often than
the one it would drive out: TinyLFU, of G. Einziger, R. Friedman and B. Manes, "TinyLFU:
A Highly Efficient Cache Admission Policy" (ACM Transactions on Storage 13, 2017), in
their form with a window. Two things are simpler here. Nothing is counted when a plan is
found: its routes count the statements that took them. And what was asked for before is
a dict of hashes where they have a sketch, which is as small, as it is halved so often.

A new shape comes into the window, the latest of all. What falls out of it meets, one by
one, what has been longest in the main part. Who loses goes; a main one that wins is not
asked again before all others were. Now and then all counts are halved: what was much
used once must not stay for ever.
"""

from __future__ import annotations

from itertools import islice

from routedb.routing.plan import Plan
from routedb.sql import Reading

# The dialect, the shape, and how it was read where that depends on the session.
PlanKey = tuple[str, str, Reading | None]
Plans = dict[PlanKey, Plan]

MOST_BYTES = 64 * 1024 * 1024
# What a plan weighs without its shape, and how often it has characters of that: in the
# key, in names of tables, in reasons. Measured with the texts of `benchmarks classify`.
PLAN_BYTES = 2_200
_TIMES_SHAPE = 3
_WINDOW = 16  # a part of so many
# Counts are halved once so many times as many as are kept have come, and once so many
# times as many are remembered.
_TURN = 8
_MET = 2
_WARMEST = 15  # more than that is not told apart


class ShapeCache:
    """The plans of at most `most` shapes, and of at most `most_bytes`, by estimate.

    Readers need no lock: they look in `plans`. Who adds holds one.
    """

    def __init__(self, most: int, most_bytes: int = MOST_BYTES) -> None:
        self.plans: Plans = {}
        self.weight = 0
        self._most = most
        self._most_bytes = most_bytes
        self._kept_new = max(1, most // _WINDOW // 2)  # of the window, at each settling
        self._window: dict[PlanKey, None] = {}
        # By key: how many statements a plan had when its heat was 0, in which turn that
        # was worked out, how many it had then, and how often it was met since it last
        # served. In the order in which they are met.
        self._main: dict[PlanKey, tuple[int, int, int, int]] = {}
        self._met: dict[int, int] = {}  # by the hash of the key: heat of what is gone
        self._turn = 0
        self._until_turn = _TURN * most

    def add(self, key: PlanKey, plan: Plan) -> Plans:
        """Keep `plan` by `key` for a while at least; return those that go for it."""
        if key in self.plans:  # another thread was faster
            self.plans[key] = plan
            return {}
        self.plans[key] = plan
        self._window[key] = None
        self.weight += PLAN_BYTES + _TIMES_SHAPE * len(key[1])  # as `_weight` has it
        if len(self.plans) <= self._most and self.weight <= self._most_bytes:
            return {}
        return self._settle()

    def _settle(self) -> Plans:
        """Let the older half of the window, and more, in or out."""
        leaving = list(islice(self._window, max(0, len(self._window) - self._kept_new)))
        main_size = self._most - 2 * self._kept_new
        oldest = iter(list(islice(self._main, len(leaving))))
        gone: Plans = {}
        for key in leaving:
            del self._window[key]
            plan = self.plans[key]
            heat = min(self._met.pop(hash(key), 0) + plan.uses, _WARMEST)
            if len(self._main) < main_size and self.weight <= self._most_bytes:
                self._enter(key, plan, heat)
                continue
            rival = next(oldest, None)
            if rival is not None and self._cool(rival) < heat:
                self._leave(rival, gone)
                self._enter(key, plan, heat)
            else:
                self._leave(key, gone, heat)
        self._shed(gone)
        self._age(len(leaving))
        return gone

    def _enter(self, key: PlanKey, plan: Plan, heat: int) -> None:
        self._main[key] = (plan.uses - heat, self._turn, plan.uses, 0)

    def _leave(self, key: PlanKey, gone: Plans, heat: int | None = None) -> None:
        plan = gone[key] = self.plans.pop(key)
        if heat is None:
            heat = min(plan.uses - self._main.pop(key)[0], _WARMEST)
        self.weight -= _weight(key)
        if heat > 0:
            self._met[hash(key)] = heat

    def _cool(self, key: PlanKey) -> int:
        """Return the heat of a plan of the main part, which is the last in it now."""
        base, turn, seen, idle = self._main.pop(key)
        uses = self.plans[key].uses
        heat = min(max(0, uses - base), _WARMEST) >> min(self._turn - turn, 60)
        idle = idle + 1 if uses == seen else 0
        if idle > 1 and heat > 1:  # in a cycle of shapes each serves in between
            heat >>= 1
        self._main[key] = (uses - heat, self._turn, uses, idle)
        return heat

    def _shed(self, gone: Plans) -> None:
        """Let the oldest go while it is all too heavy: one that comes is heavier than
        the one that went."""
        if self.weight > self._most_bytes:
            for key in [*self._main, *list(self._window)[:-1]]:
                if self.weight <= self._most_bytes:
                    break
                if key in self._main:
                    self._leave(key, gone)
                else:
                    del self._window[key]
                    self._leave(key, gone, self.plans[key].uses)

    def _age(self, settled: int) -> None:
        self._until_turn -= settled
        if self._until_turn <= 0 or len(self._met) > _MET * self._most:
            self._until_turn = _TURN * self._most
            self._turn += 1
            self._met = {
                each: heat >> 1 for each, heat in self._met.items() if heat > 1
            }


def _weight(key: PlanKey) -> int:
    return PLAN_BYTES + _TIMES_SHAPE * len(key[1])
