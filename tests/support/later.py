"""Which cases of a test run in `make test`, and which in `make test-long` alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, product
from typing import Any
from zlib import crc32

import pytest
from _pytest.mark import ParameterSet

_NAMES = {"postgresql", "pg", "mariadb", "my", "mysql", "sqlite", "sqlite3"}
_NAMES |= {"PostgreSQL", "MariaDB", "SQLite"}
# One engine, or a pair of them.
ENGINES = _NAMES.union(
    between.join(pair) for pair in product(_NAMES, repeat=2) for between in ("-", ", ")
)


def later(cases: Iterable[Any]) -> list[ParameterSet]:
    """Return these cases for `parametrize`, marked `long`; a tuple is several
    arguments."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long
        )
        for case in cases
    ]


def one_of(number: int, cases: Iterable[Any]) -> list[ParameterSet]:
    """Return all cases: each of that `number` in turn is for now, the others later."""
    found: list[ParameterSet] = []
    for at, case in enumerate(cases):
        found += later([case]) if at % number else [pytest.param(case)]
    return found


def in_turn(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    """Return all pairs: of those with the same of `first` each other one is for later,
    and of the next the ones between. So each of both is there in `make test`."""
    found: list[Any] = []
    pairs = product(enumerate(first), enumerate(second))
    for (row, one), (column, other) in pairs:
        pair = (one, other)
        found += later([pair]) if (row + column) % 2 else [pair]
    return found


def engines_for_later(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return those cases of `engine_in_turn` tests that are for later: all but one
    engine's, or pair of engines. Which one stays is told by the function's name, so
    each engine keeps its share, and a case is the same in every run."""
    marked = [i for i in items if i.get_closest_marker("engine_in_turn")]
    found: list[pytest.Item] = []
    for function, cases in groupby(marked, lambda i: i.nodeid.partition("[")[0]):
        of = {item: _engines(item.callspec.params.values()) for item in _cases(cases)}
        engines = sorted(set().union(*of.values()))
        if engines:
            stays = engines[crc32(function.encode()) % len(engines)]
            found += [item for item, names in of.items() if stays not in names]
    return found


def _cases(items: Iterable[pytest.Item]) -> list[Any]:
    """Those of parametrized tests; what is for later anyway does not count."""
    return [
        i for i in items if hasattr(i, "callspec") and not i.get_closest_marker("long")
    ]


def _engines(params: Iterable[Any]) -> set[str]:
    """The engines named by parameters, also by the first of several in a tuple."""
    firsts = (p[0] if isinstance(p, tuple) and p else p for p in params)
    return ENGINES.intersection(p for p in firsts if isinstance(p, str))
