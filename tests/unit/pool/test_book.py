"""Who gets which place: decisions alone, without links, locks or clocks."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from routedb.config import PoolConfig
from routedb.engine.pool.slots import Slot, Slots, Waiter
from routedb.engine.pool.states import SlotState

ME, OTHER = 1, 2


def free(_):
    return True


def book(**limits):
    return Slots(PoolConfig(**limits))


def ask(book, kind, thread, is_free):
    """Ask, and do not wait when there is nothing to have."""
    made = Waiter(kind, thread, lambda: None)
    place = book.ask(made, is_free)
    if place is None:
        book.leave(made)
    return place


def lent(book, kind=None, thread=ME, is_free=free):
    """Borrow a link that is there or can be opened at once."""
    place = ask(book, kind, thread, is_free)
    if place.state is SlotState.OPENING:
        book.opened(place)
    return place


def give(book, place, now=0.0):
    book.give(place)
    book.clean(place, now)


def waiter(book, kind=None, thread=ME):
    made = Waiter(kind, thread, lambda: None)
    assert book.ask(made, free) is None
    return made


def test_links_are_opened_up_to_max_and_then_one_waits():
    b = book(max=2)
    places = [ask(b, None, ME, free) for _ in range(2)]
    assert [place.state for place in places] == [SlotState.OPENING] * 2
    assert ask(b, None, ME, free) is None
    assert b.open == 2


def test_the_link_a_thread_used_last_comes_first():
    b = book(max=3)
    mine, others = lent(b, thread=ME), lent(b, thread=OTHER)
    give(b, mine)
    give(b, others)
    assert lent(b, thread=ME) is mine


def test_else_the_one_that_was_used_last_by_anybody():
    b = book(max=3)
    places = [lent(b, thread=thread) for thread in (5, 6, 7)]
    for place in places:
        give(b, place)
    assert lent(b, thread=ME) is places[-1]


def test_a_link_that_is_still_held_is_passed_over_while_there_is_room():
    b = book(max=2)
    held = lent(b)
    give(b, held)
    place = ask(b, None, ME, lambda place: place is not held)
    assert place is not held
    assert place.state is SlotState.OPENING


def test_and_is_given_to_be_replaced_when_there_is_none():
    b = book(max=1)
    held = lent(b)
    give(b, held)
    assert ask(b, None, ME, lambda _: False) is held
    b.replace(held, None)
    assert (held.state, b.open) == (SlotState.OPENING, 1)


def test_a_link_of_another_kind_makes_room():
    b = book(max=1)
    place = lent(b, kind="plain")
    give(b, place)
    assert ask(b, "identity", ME, free) is place
    b.replace(place, "identity")
    b.opened(place)
    give(b, place)
    assert lent(b, kind="identity") is place


def test_those_who_wait_are_served_in_their_order():
    b = book(max=1)
    place = lent(b)
    first, second = waiter(b), waiter(b)
    give(b, place)
    assert (first.place, second.place) == (place, None)
    give(b, place)
    assert second.place is place


def test_nobody_overtakes_those_who_wait():
    b = book(max=1)
    place = lent(b)
    first = waiter(b)
    assert ask(b, None, OTHER, free) is None
    b.end(place)
    assert first.place.state is SlotState.OPENING
    assert ask(b, None, OTHER, free) is None


def test_a_place_that_cannot_be_opened_goes_to_the_next():
    b = book(max=1)
    place = ask(b, None, ME, free)
    first = waiter(b)
    b.end(place)
    assert first.place.state is SlotState.OPENING
    assert b.open == 1


def test_a_place_comes_to_the_next_when_the_first_has_left():
    b = book(max=1)
    place = lent(b)
    first, second = waiter(b), waiter(b)
    assert b.leave(first) is None
    give(b, place)
    assert (first.place, second.place) == (None, place)


def test_a_place_that_came_while_leaving_is_not_lost():
    b = book(max=1)
    place = lent(b)
    first = waiter(b)
    give(b, place)
    assert b.leave(first) is place
    b.withdraw(first, 0.0)
    assert lent(b) is place


def test_what_was_idle_for_too_long_is_taken_out_but_for_min():
    b = book(min=1, max=5, max_idle_s=10.0)
    places = [lent(b, thread=n) for n in range(3)]
    for now, place in enumerate(places):
        give(b, place, float(now))
    assert b.expire(11.0, free) == places[:2]
    assert b.expire(99.0, free) == []


def test_what_is_too_old_or_of_a_failed_node_is_taken_out_in_any_case():
    b = book(min=3, max=5)
    old, failed, good = places = [lent(b, thread=n) for n in range(3)]
    for place in places:
        give(b, place)
    old.expires_at = 5.0
    assert b.expire(5.0, lambda place: place is not failed) == [old, failed]
    assert list(b.idle) == [good]


def test_a_place_that_was_dropped_on_the_way_is_free():
    b = book(max=1)
    place = lent(b)
    first = waiter(b)
    del place
    assert b.open == 0
    b.serve()
    assert first.place.state is SlotState.OPENING


def test_links_are_opened_for_nobody_up_to_min():
    b = book(min=2, max=5)
    taken = lent(b)
    spare = b.spare(None)
    b.warmed(spare, 0.0)
    assert b.spare(None) is None
    assert lent(b) is spare is not taken


KINDS = st.sampled_from(["plain", "identity"])
THREADS = st.integers(1, 3)


class Books(RuleBasedStateMachine):
    """Borrowers, waiters and upkeep in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Slots(PoolConfig(min=1, max=3, max_idle_s=5.0))
        self.now = 0.0
        self.opening: list[Slot] = []
        self.lent: list[Slot] = []
        self.resetting: list[Slot] = []
        self.closing: list[Slot] = []
        self.waiters: list[Waiter] = []
        self.held: set[Slot] = set()

    def take(self, place, kind):
        """Do what a borrower does with the place it was given."""
        if place.state is SlotState.LENT and (place.kind != kind or place in self.held):
            self.held.discard(place)
            self.book.replace(place, kind)
        if place.state is SlotState.OPENING:
            place.kind = kind
            self.opening.append(place)
        else:
            self.lent.append(place)

    @rule(kind=KINDS, thread=THREADS)
    def ask(self, kind, thread):
        made = Waiter(kind, thread, lambda: None)
        place = self.book.ask(made, lambda place: place not in self.held)
        if place is not None:
            self.take(place, kind)
        else:
            self.waiters.append(made)

    @precondition(lambda self: any(waiter.place for waiter in self.waiters))
    @rule()
    def wake(self):
        waiter = next(waiter for waiter in self.waiters if waiter.place)
        self.waiters.remove(waiter)
        self.take(self.book.leave(waiter), waiter.kind)

    @precondition(lambda self: self.waiters)
    @rule(number=st.integers(0, 9))
    def give_up(self, number):
        waiter = self.waiters.pop(number % len(self.waiters))
        self.book.withdraw(waiter, self.now)

    @precondition(lambda self: self.opening)
    @rule(is_open=st.booleans())
    def opened(self, is_open):
        place = self.opening.pop()
        if is_open:
            self.book.opened(place)
            self.lent.append(place)
        else:
            self.book.end(place)

    @precondition(lambda self: self.lent)
    @rule(number=st.integers(0, 9), is_lost=st.booleans())
    def end(self, number, is_lost):
        place = self.lent.pop(number % len(self.lent))
        if is_lost:
            self.book.end(place)
        else:
            self.book.give(place)
            self.resetting.append(place)

    @precondition(lambda self: self.resetting)
    @rule(is_clean=st.booleans(), is_held=st.booleans())
    def reset(self, is_clean, is_held):
        place = self.resetting.pop()
        if is_clean:
            if is_held:
                self.held.add(place)
            self.book.clean(place, self.now)
        else:
            self.book.unfit(place)
            self.closing.append(place)

    @rule(after=st.floats(0, 10))
    def expire(self, after):
        self.now += after
        self.closing += self.book.expire(self.now, lambda _: True)

    @rule(kind=KINDS)
    def warm(self, kind):
        place = self.book.spare(kind)
        if place is not None:
            self.book.warmed(place, self.now)

    @precondition(lambda self: self.closing)
    @rule()
    def closed(self):
        self.book.end(self.closing.pop())

    @invariant()
    def nothing_is_lost_and_nothing_is_in_two_hands(self):
        granted = [waiter.place for waiter in self.waiters if waiter.place]
        places = [
            *self.opening,
            *self.lent,
            *self.resetting,
            *self.closing,
            *self.book.idle,
            *granted,
        ]
        assert len(set(places)) == len(places) == self.book.open <= 3

    @invariant()
    def nobody_waits_while_there_is_something_to_have(self):
        if any(waiter.place is None for waiter in self.waiters):
            assert not list(self.book.idle)
            assert self.book.open == 3

    def teardown(self):
        """When all is given back, everybody has been served."""
        while self.waiters or self.opening or self.lent or self.resetting:
            for place in self.opening:
                self.book.end(place)
            for place in self.lent:
                self.book.end(place)
            for place in self.resetting:
                self.book.clean(place, self.now)
            self.opening, self.lent, self.resetting = [], [], []
            for place in self.closing:
                self.book.end(place)
            self.closing = []
            served = [waiter for waiter in self.waiters if waiter.place]
            assert bool(served) == bool(self.waiters)
            for waiter in served:
                self.waiters.remove(waiter)
                self.take(self.book.leave(waiter), waiter.kind)


Books.TestCase.settings = settings(
    max_examples=200, stateful_step_count=60, deadline=None
)
test_any_order_of_borrowing_and_giving_back = Books.TestCase
