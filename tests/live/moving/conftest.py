"""A world for each direction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.live.moving.world import DIRECTIONS, File, World, config_of

_CLUSTERS = {"pg": "postgresql", "my": "mariadb"}
_SQLITE = "lite"
_TRUST = "SET GLOBAL log_bin_trust_function_creators = "


@pytest.fixture(params=DIRECTIONS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Two fresh databases, of each pair of engines."""
    with open_world(request, request.param) as world:
        yield world


@contextmanager
def open_world(request: pytest.FixtureRequest, direction: str) -> Iterator[World]:
    """Two fresh databases; users of MariaDB may make triggers."""
    with ExitStack() as stack:
        ends = []
        for each in direction.split("-"):
            if each == _SQLITE:
                folder = request.getfixturevalue("tmp_path_factory").mktemp("sqlite")
                ends.append(File(folder / "file.db"))
                continue
            cluster = request.getfixturevalue(_CLUSTERS[each])
            if each == "my":
                cluster.writer.execute(_TRUST + "1")
                stack.callback(cluster.writer.execute, _TRUST + "0")
            ends.append(stack.enter_context(cluster.database()))
        yield World(config_of(*ends), *ends)
