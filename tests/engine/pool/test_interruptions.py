"""An exception at any line while links are borrowed and given back: no place is lost.

On the fake driver and on SQLite; on servers in `tests/live/pool/test_interruptions.py`.
"""

from __future__ import annotations

import pytest

from tests.support.inject import KINDS
from tests.support.pool_acts import ACTS, interrupt, on_fake, on_sqlite

# What is raised inside a finalizer is dropped by the interpreter.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(params=["fake", "sqlite"])
def pooled(request, tmp_path):
    made = on_fake() if request.param == "fake" else on_sqlite(str(tmp_path))
    with made as pooled:
        yield pooled


@pytest.mark.parametrize("name", ACTS)
def test_no_place_is_lost(pooled, name):
    """Some lines; others the next time."""
    for at in range(1 + list(ACTS).index(name) % 7, 100_000, 7):
        if not interrupt(pooled, name, at, KINDS[at % 2]):
            break
    assert at > 7


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ACTS)
def test_at_each_line(pooled, name, kind):
    at = 1
    while interrupt(pooled, name, at, kind):
        at += 1
    assert at > 10
