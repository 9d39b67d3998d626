"""How much is applied before writers have to wait."""

from __future__ import annotations

from typing import Any

import pytest

from routedb import errors
from routedb.mover import cutover
from routedb.mover.cutover import Cutover
from routedb.mover.drain import BATCH
from routedb.mover.ends import Stream


class Drained:
    """Applies so many entries each time."""

    counts: list[int]

    def __init__(self, *_: Any) -> None:
        """One of them is as good as another."""

    def once(self, _: Any) -> int:
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]


def rounds(monkeypatch: pytest.MonkeyPatch, *counts: int) -> int:
    """How often it was applied, where that had so many entries each time; from the
    last on always as many."""
    told: list[Any] = []
    nothing: Any = None
    monkeypatch.setattr(cutover, "Drain", Drained)
    monkeypatch.setattr(Drained, "counts", list(counts), raising=False)
    stream = Stream(nothing, nothing, nothing, "t")
    ends = nothing, nothing
    cut = Cutover([stream], (), ends, nothing, {}, nothing, nothing, told.append)
    cut._catch_up()
    return len(told)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0,), 1),
        ((50,), 1),
        ((BATCH, BATCH, 900, 30), 4),
        ((400, 200, 100, 110), 4),  # it gets no less
        ((60,), 2),
        ((1500, 1200, 1400, 40), 4),  # too much to stop there
    ],
)
def test_it_is_applied_for_as_long_as_that_leaves_less(monkeypatch, counts, expected):
    assert rounds(monkeypatch, *counts) == expected


@pytest.mark.parametrize("count", [BATCH, 1001])
def test_what_never_gets_less_is_an_error(monkeypatch, count):
    with pytest.raises(errors.OperationalError, match="more is written than is appli"):
        rounds(monkeypatch, count)
