"""An exception at any line of ours, on real servers: our state is the server's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.conftest import FIXTURES
from tests.support.inject import KINDS
from tests.support.line_acts import ACTS, Lines, on_servers, on_sqlite

pytestmark = [
    pytest.mark.live,
    # What is raised inside a finalizer is dropped by the interpreter.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

IN_C = ("postgresql", "with-statement", "mariadb")  # their drivers fetch alone
STEP = 101  # of the lines, where not all are tried


@pytest.fixture(params=["postgresql", "with-statement", "mariadb", "sqlite"])
def lines(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Lines]:
    if request.param == "sqlite":
        with on_sqlite(str(tmp_path / "lines.db")) as made:
            yield made
        return
    engine, options = request.param, {}
    if request.param == "with-statement":
        engine, options = "postgresql", {"begin": request.param}
    database = request.getfixturevalue(FIXTURES[engine])
    with on_servers(database, **options) as made:
        yield made


def test_our_state_is_the_servers(lines):
    """Some lines of each act."""
    for turn, name in enumerate(ACTS):
        at = 1 + turn % STEP
        while lines.interrupt(name, at, KINDS[at % 2]):
            at += STEP
    assert lines.injected > 2 * len(ACTS)


@pytest.mark.long
@pytest.mark.parametrize("name", ACTS)
def test_at_each_line(lines, name, request):
    at = 1
    while lines.interrupt(name, at, KINDS[at % 2]):
        at += 1
    if name == "fetch" and request.node.callspec.params["lines"] in IN_C:
        assert at == 1
    else:
        assert at > 5
