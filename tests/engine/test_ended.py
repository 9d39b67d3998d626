"""Who waits for several threads is woken once, and misses nothing."""

from __future__ import annotations

import queue
import threading

import pytest

from routedb.merge.ended import Ended

_PATIENCE_S = 30.0
_NOT_WOKEN_S = 0.01


def test_items_come_in_the_order_they_have_ended_in() -> None:
    ended: Ended[str] = Ended()
    for item in "abc":
        ended.put(item, False)
    assert [ended.get(_PATIENCE_S) for _ in range(3)] == ["a", "b", "c"]


def test_what_is_there_is_got_without_a_wake() -> None:
    ended: Ended[str] = Ended()
    ended.expect(2)
    ended.put("a", False)
    assert ended.get(_PATIENCE_S) == "a"
    with pytest.raises(queue.Empty):
        ended.get(_NOT_WOKEN_S)


@pytest.mark.parametrize(
    ("together", "put", "wakes"),
    [
        (0, [False], 1),
        (3, [False, False], 0),
        (3, [False, False, False], 1),
        (3, [False, True], 1),
        (3, [False, True, False, False], 3),
    ],
)
def test_the_last_of_those_expected_or_an_urgent_one_wakes(
    together: int, put: list[bool], wakes: int
) -> None:
    ended: Ended[int] = Ended()
    ended.expect(together)
    for number, is_urgent in enumerate(put):
        ended.put(number, is_urgent)
    assert ended._wakes.qsize() == wakes


def test_nothing_is_expected_any_more_where_some_never_began() -> None:
    ended: Ended[str] = Ended()
    ended.expect(4)
    thread = threading.Thread(target=ended.put, args=("a", False))
    ended.expect(0)
    thread.start()
    assert ended.get(_PATIENCE_S) == "a"
    thread.join()


def test_all_that_threads_put_is_got() -> None:
    for _ in range(50):
        ended: Ended[int] = Ended()
        ended.expect(4)
        threads = [
            threading.Thread(target=ended.put, args=(number, False))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        assert {ended.get(_PATIENCE_S) for _ in range(4)} == {0, 1, 2, 3}
        for thread in threads:
            thread.join()
