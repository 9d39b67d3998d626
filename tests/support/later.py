"""Which cases of a test run in `make test`, and which in `make test-long` alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def later(cases: Iterable[Any]) -> list[ParameterSet]:
    """Return these cases for `parametrize`, marked `long`; a tuple is several
    arguments."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long
        )
        for case in cases
    ]


def in_turn(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    """Return all pairs: of those with the same of `first` each other one is for later,
    and of the next the ones between. So each of both is there in `make test`."""
    found: list[Any] = []
    pairs = product(enumerate(first), enumerate(second))
    for (row, one), (column, other) in pairs:
        pair = (one, other)
        found += later([pair]) if (row + column) % 2 else [pair]
    return found
