"""Rows that tell torn snapshots: in every order of commits, and at every pair of
moments at which two groups may be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import pytest

from routedb.session.joint_counts import (
    SEEN_TWICE_S,
    Coordinator,
    Coordinators,
    OldRows,
    Row,
    Rows,
    row_of,
    text_of,
    torn,
)

GROUPS = "abc"
# What one coordinator does: the groups of its transactions, "-" before one that is
# rolled back.
PROGRAMS = [
    ("ab", "ab"),
    ("ab", "bc", "ab"),
    ("abc", "ac"),
    ("ab", "-ab", "ab"),
    ("ab", "-bc", "abc"),
    ("bc", "ac", "ab"),
]

# At one moment, by group: the transactions that are visible, and the rows.
Moment = dict[str, tuple[frozenset[object], dict[str, str]]]


class World:
    """What is committed in each group, moment after moment."""

    def __init__(self) -> None:
        self.now: Moment = {group: (frozenset(), {}) for group in GROUPS}
        self.moments = [self.now]

    def commit(self, group: str, transaction: object, name: str, text: str) -> None:
        shown, rows = self.now[group]
        after = (shown | {transaction}, {**rows, name: text})
        self.now = {**self.now, group: after}
        self.moments.append(self.now)


class Running:
    """A coordinator at some place of its program: the commits that are still to come,
    those of a transaction in any order, its decider's first."""

    def __init__(self, name: str, program: tuple[str, ...]) -> None:
        self.name = name
        coordinator = Coordinator(name)
        self.steps: list[tuple[object, dict[str, str]]] = []
        for number, groups in enumerate(program):
            texts = coordinator.count(groups.lstrip("-"))
            if not groups.startswith("-"):
                coordinator.keep(texts)
                self.steps.append(((name, number, groups), texts))


def histories(*running: Running) -> Iterator[World]:
    """Yield every order in which the branches of all become visible."""
    # Of each coordinator: the transaction, and the branches of it that are committed.
    places = [(0, frozenset[str]())] * len(running)
    yield from _go_on(World(), running, places)


def _go_on(
    world: World, running: tuple[Running, ...], places: list[tuple[int, frozenset[str]]]
) -> Iterator[World]:
    is_over = True
    for index, each in enumerate(running):
        number, done = places[index]
        if number == len(each.steps):
            continue
        is_over = False
        transaction, texts = each.steps[number]
        for group in sorted(texts.keys() - done):
            after = World()
            after.now, after.moments = world.now, list(world.moments)
            after.commit(group, transaction, each.name, texts[group])
            now_done = done | {group}
            place = (number, now_done)
            if now_done == texts.keys():
                place = (number + 1, frozenset[str]())
            yield from _go_on(
                after, running, [*places[:index], place, *places[index + 1 :]]
            )
    if is_over:
        yield world


def is_torn(looked: Moment) -> bool:
    """Tell whether a transaction is shown by one of its groups and not by another."""
    for one, other in combinations(looked, 2):
        for transaction in looked[one][0] ^ looked[other][0]:
            groups = transaction[2]  # type: ignore[index]
            if one in groups and other in groups:
                return True
    return False


def rows_of(looked: Moment) -> dict[str, Rows]:
    return {
        group: {name: row_of(text) for name, text in rows.items()}
        for group, (_, rows) in looked.items()
    }


def check(world: World, groups: str) -> int:
    """Look at each group at every moment; return how many were torn."""
    found = 0
    # Of each group what it showed, once.
    showed = [
        {at[group][0]: at[group] for at in world.moments}.values() for group in groups
    ]
    for seen in product(*showed):
        looked = dict(zip(groups, seen, strict=True))
        assert bool(torn(rows_of(looked))) is is_torn(looked)
        found += is_torn(looked)
    return found


@pytest.mark.parametrize("groups", ["ab", "bc", "ac", "abc"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_one_coordinators_transactions_are_torn_or_not_as_the_rows_say(program, groups):
    seen = sum(check(world, groups) for world in histories(Running("x", program)))
    shared = [each for each in program if len(set(groups) & set(each.lstrip("-"))) > 1]
    assert (seen > 0) is any(not each.startswith("-") for each in shared)


@pytest.mark.parametrize(
    "programs", [(("ab", "ab"), ("ab",)), (("ab", "bc"), ("abc",)), (("ab",), ("bc",))]
)
def test_so_are_those_of_two(programs):
    running = [Running(name, each) for name, each in zip("xy", programs, strict=True)]
    assert sum(check(world, "ab") for world in histories(*running)) > 0


def test_a_branch_that_stays_prepared_is_told_for_as_long_as_it_does():
    """Whoever left it goes on under another name."""
    left, other = Coordinator("left"), Coordinator("other")
    texts = left.count("ab")
    rows: dict[str, Rows] = {"a": {"left": row_of(texts["a"])}, "b": {}}
    for _ in range(3):
        more = other.count("ab")
        other.keep(more)
        rows = {g: {**rows[g], "other": row_of(more[g])} for g in "ab"}
        assert [(each.ahead, each.behind) for each in torn(rows)] == [("a", "b")]
    rows["b"] = {**rows["b"], "left": row_of(texts["b"])}
    assert torn(rows) == []


def test_a_text_is_read_back():
    counts = {"0123456789ab": 3, "ba9876543210": 12}
    assert row_of(text_of(counts)) == Row(counts)
    assert row_of("") == Row({})


# -- names -----------------------------------------------------------------------------


def test_a_transaction_with_one_snapshot_gets_a_name_that_has_rested():
    free = Coordinators()
    one, other = Coordinator("one"), Coordinator("other")
    free.give(one, 0.0)
    free.give(other, 50.0)
    assert free.borrow(51.0, has_snapshot=False) is other
    free.give(other, 52.0)
    assert free.borrow(53.0, has_snapshot=True) is None
    assert free.borrow(61.0, has_snapshot=True) is one


def test_a_name_that_was_not_used_for_long_is_never_used_again():
    free = Coordinators()
    free.give(Coordinator("one"), 0.0)
    assert free.borrow(601.0, has_snapshot=False) is None
    assert free.borrow(602.0, has_snapshot=True) is None


# -- old rows --------------------------------------------------------------------------

AGREEING: dict[str, Rows] = {
    "a": {"x": Row({"b": 4})},
    "b": {"x": Row({"a": 4})},
    "c": {},
}


def twice(seen: dict[str, Rows], then: dict[str, Rows] | None = None) -> list[str]:
    old = OldRows()
    assert old.look(seen, 0.0) == {}
    return list(old.look(seen if then is None else then, SEEN_TWICE_S))


def test_rows_that_agree_for_long_are_old():
    assert twice(AGREEING) == ["x"]
    old = OldRows()
    for moment in (0.0, 1.0, SEEN_TWICE_S - 1.0):
        assert old.look(AGREEING, moment) == {}


@pytest.mark.parametrize(
    "seen",
    [
        {**AGREEING, "b": {}},  # prepared there
        {**AGREEING, "b": {"x": Row({"a": 3})}},
        {"a": AGREEING["a"], "c": {}},  # b could not be asked
    ],
)
def test_rows_that_do_not_agree_are_kept(seen):
    assert twice(seen) == []


def test_rows_that_change_are_kept():
    then: dict[str, Rows] = {"a": {"x": Row({"b": 5})}, "b": {"x": Row({"a": 5})}}
    assert twice(AGREEING, {**then, "c": {}}) == []


@pytest.mark.parametrize("marked", ["", "a", "b", "ab"])
@pytest.mark.parametrize("deleted", ["", "a", "b"])
def test_whoever_stops_while_deleting_leaves_what_nobody_takes_for_torn(
    marked, deleted
):
    """All are marked before one is deleted."""
    if deleted and marked != "ab":
        return
    seen: dict[str, Rows] = {"c": {}}
    for group in "ab":
        row = AGREEING[group]["x"]._replace(is_old=group in marked)
        seen[group] = {} if group in deleted else {"x": row}
    assert torn(seen) == []
    assert twice(seen) == ["x"]  # and somebody else goes on
