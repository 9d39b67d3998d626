"""A writer and two replicas in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fake_rig import Rig, farm


@pytest.fixture
def rig() -> Iterator[Rig]:
    """The engine over a fake writer `w` and fake replicas `r1`, `r2`."""
    with farm() as rig:
        yield rig


@pytest.fixture
def placed() -> Iterator[Rig]:
    """A rig whose servers are all at one position."""
    with farm() as rig:
        rig.at(w=100, r1=100, r2=100)
        rig.look()
        yield rig


@pytest.fixture
def eventual() -> Iterator[Rig]:
    """The same with consistency = "eventual": nothing is remembered."""
    with farm(consistency="eventual") as rig:
        yield rig
