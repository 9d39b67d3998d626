"""The protocol of commits over several groups, in every order of its steps."""

from __future__ import annotations

from copy import deepcopy
from itertools import product

import pytest

from routedb.session.branch_ids import (
    BranchId,
    decider_name,
    parse,
    transaction_id,
)
from routedb.session.two_phase import (
    FINISH,
    NEWS,
    TABLE,
    Coordinator,
    Decision,
    News,
    Request,
    Stage,
    Step,
)
from tests.support.later import later

TOKEN = "0123456789ab"
BRANCH = BranchId("shop", transaction_id(1.7e9, 5), decider_name("main", 3, TOKEN), 7)


# -- names -----------------------------------------------------------------------------


def test_a_name_is_read_back():
    assert str(BRANCH) == f"routedb-shop-6553f1000000000000000005-main.3~{TOKEN}-7"
    assert parse(str(BRANCH)) == BRANCH
    assert (BRANCH.token, BRANCH.named_at) == (TOKEN, 1_700_000_000)


@pytest.mark.parametrize("database", ["main", "x" * 300, "a b", "größe", ""])
def test_the_longest_names_fit(database):
    decider = decider_name(database, 123_456, TOKEN)
    name = BranchId("c" * 16, transaction_id(2**40, 2**80), decider, 999_999)
    assert parse(str(name)) == name
    assert len(str(name)) < 200
    assert max(map(len, name.xa)) <= 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "routedb",
        "other-shop-6553f1000000000000000005-main~0123456789ab-7",
        "routedb-shop-6553F1000000000000000005-main~0123456789ab-7",
        "routedb-shop-6553f1000000000000000005-main-7",
        "routedb-shop-6553f1000000000000000005-main~0123456789ab-7-",
        "routedb-a-b-c-6553f1000000000000000005-main~0123456789ab-7",
        "routedb-shop-6553f1000000000000000005-main~0123456789ab-7\n",
    ],
)
def test_a_name_of_another_form_is_nobodys_of_ours(text):
    assert parse(text) is None


# -- the table -------------------------------------------------------------------------


def test_nothing_leads_out_of_a_decision():
    ends = (Stage.COMMITTED, Stage.ABORTED, Stage.IN_DOUBT)
    for (before, _), after in TABLE.items():
        assert before not in ends or before is after


def test_nothing_is_committed_but_by_the_deciders_commit():
    ways = {news for (_, news), after in TABLE.items() if after is Stage.COMMITTED}
    assert ways == {News.DECIDED, News.FOUND_COMMITTED, News.INTERRUPTED}
    assert TABLE[Stage.COMMITTED, News.INTERRUPTED] is Stage.COMMITTED


def test_before_the_deciders_commit_is_sent_an_interruption_is_an_abort():
    interrupted = {at: TABLE[at, News.INTERRUPTED] for at in Stage}
    assert interrupted[Stage.PREPARING] is interrupted[Stage.PREPARED] is Stage.ABORTED
    assert interrupted[Stage.DECIDING] is interrupted[Stage.ASKING] is Stage.IN_DOUBT


# -- every order of the steps ----------------------------------------------------------

OPEN, PREPARED, COMMITTED, ROLLED_BACK = "open", "prepared", "committed", "rolled back"
DECIDER = 0


class World:
    """Groups as servers keep them, a coordinator, and recoverers at some step each."""

    def __init__(self, others: int, recoverers: int) -> None:
        self.groups = dict.fromkeys(range(others + 1), OPEN)
        self.row: str | None = None  # committed
        self.has_pending_row = False  # written, waits for its commit
        self.steps = Coordinator(list(range(1, others + 1)), DECIDER)
        self.is_alive = True
        self.sent: list[Request] = []  # at once, and not done
        self.told: list[tuple[Request, str]] = []  # what came of the others
        # What each recoverer has listed and heard.
        self.recoverers: list[tuple[int | None, Decision | None]]
        self.recoverers = [(None, None)] * recoverers

    def key(self) -> tuple[object, ...]:
        state = (tuple(self.groups.items()), self.row, self.has_pending_row)
        memory: tuple[object, ...] = ()
        if self.is_alive:
            memory = (*map(str, vars(self.steps).values()), *self.sent, *self.told)
        return (*state, memory, tuple(self.recoverers))

    def crash(self) -> None:
        """The coordinator's process ends: servers undo what is not prepared."""
        self.is_alive = self.has_pending_row = False
        for group, state in self.groups.items():
            if state is OPEN:
                self.groups[group] = ROLLED_BACK

    # -- the coordinator: each step done, refused, or done or not with a lost answer ---

    def moves(self) -> list[tuple[Request, str]]:
        if self.is_alive and not self.sent:
            self.sent, self.told = self.steps.requests(), []
        sent = self.sent if self.is_alive else []
        return [(request, how) for request in sent for how in self.ways(request)]

    def ways(self, request: Request) -> list[str]:
        if request.step is Step.ASK:
            return [] if self.has_pending_row else ["do"]
        if request.step in (Step.PREPARE, Step.COMMIT):
            return ["do", "refuse", "lose before", "lose after"]
        if request.step is Step.WRITE_ROW:
            return ["do", "refuse"]
        return ["do", "lose before", "lose after"]

    def coordinate(self, request: Request, how: str) -> None:
        self.sent = [other for other in self.sent if other != request]
        self.told.append((request, self.answer(request, how)))
        if self.sent:
            return
        for each, said in sorted(self.told, key=lambda pair: pair[0].group):
            if each.step is Step.ASK:
                self.steps.tell(NEWS[Decision(self.row)])
            elif said == "done":
                self.steps.done(each)
            else:
                self.steps.failed(each, is_certain=said == "refused")

    def answer(self, request: Request, how: str) -> str:
        step, group = request
        is_taken = how not in ("refuse", "lose before") and self.take(step, group)
        if how == "refuse" or not (is_taken or how == "lose before"):
            self.end_open(group)
            return "refused"
        if how == "do":
            return "done"
        self.end_open(group)  # its link is gone
        return "lost"

    def end_open(self, group: int) -> None:
        if self.groups[group] is OPEN:
            self.groups[group] = ROLLED_BACK
            self.has_pending_row &= group != DECIDER

    def take(self, step: Step, group: int) -> bool:
        """Have the server do a step; False: it refuses."""
        if step is Step.PREPARE:
            self.groups[group] = PREPARED
        elif step is Step.WRITE_ROW:
            if self.row is not None:
                return False
            self.has_pending_row = True
        elif step is Step.COMMIT:
            self.groups[group], self.has_pending_row = COMMITTED, False
            assert self.row is None
            self.row = "committed"
        elif step is Step.ASK:
            self.row = self.row or "aborted"
        elif step is Step.ROLL_BACK:
            self.end_open(group)
        else:
            self.finish(step, group)
        return True

    def finish(self, step: Step, group: int) -> None:
        after = COMMITTED if step is Step.COMMIT_PREPARED else ROLLED_BACK
        if self.groups[group] is PREPARED:  # else somebody was faster
            self.groups[group] = after
        assert self.groups[group] is after

    # -- recoverers --------------------------------------------------------------------

    def recover(self, number: int) -> bool:
        """Take the next step of a recoverer; False: it has none now."""
        branch, heard = self.recoverers[number]
        listed = [g for g, state in self.groups.items() if state is PREPARED]
        if branch is None:
            if not listed:
                return False
            self.recoverers[number] = (listed[0], None)
        elif heard is None:
            if self.has_pending_row:
                return False  # it waits
            self.row = self.row or "aborted"
            self.recoverers[number] = (branch, Decision(self.row))
        else:
            step = FINISH[heard]
            assert step is not None
            self.finish(step, branch)
            self.recoverers[number] = (None, None)
        return True


def every_world(others: int, recoverers: int) -> list[World]:
    """Return the worlds that any order of steps, losses and a crash leads to."""
    seen: set[object] = set()
    ends: list[World] = []
    todo = [World(others, recoverers)]
    while todo:
        world = todo.pop()
        if world.key() in seen:
            continue
        seen.add(world.key())
        after = []
        for request, how in world.moves():
            after.append(deepcopy(world))
            after[-1].coordinate(request, how)
        if world.is_alive and world.steps.stage is not Stage.COMMITTED:
            after.append(deepcopy(world))
            after[-1].crash()
        for number in range(recoverers):
            other = deepcopy(world)
            if other.recover(number):
                after.append(other)
        if not world.moves():
            ends.append(world)
        todo += after
    return ends


@pytest.mark.parametrize(
    ("others", "recoverers"),
    [(1, 0), (1, 1), (1, 2), (2, 1), *later([(2, 2)])],
)
def test_no_order_of_steps_commits_here_and_aborts_there(others, recoverers):
    ends = every_world(others, recoverers)
    assert len(ends) > 5
    for world in ends:
        assert world.has_pending_row is False or world.is_alive is False
        told = world.steps.stage if world.is_alive else None
        while PREPARED in world.groups.values():  # one more comes, later
            world.recoverers.append((None, None))
            while world.recover(len(world.recoverers) - 1):
                pass
        outcomes = set(world.groups.values())
        assert outcomes in ({COMMITTED}, {ROLLED_BACK}), (world.groups, told)
        if told in (Stage.COMMITTED, Stage.ABORTED):
            assert (told is Stage.COMMITTED) is (outcomes == {COMMITTED})


def test_every_way_is_gone():
    """The enumeration meets each outcome, told and not told."""
    ends = every_world(1, 1)
    told = {(w.is_alive, w.steps.stage) for w in ends}
    expected = set(product([True], [Stage.COMMITTED, Stage.ABORTED]))
    assert expected <= told
    assert any(not alive for alive, _ in told)
