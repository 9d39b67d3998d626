"""`routedb demo --transfers`: a program is killed in the middle of its transfers."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

import routedb
from tests.support.two_banks import PAIRS

pytestmark = [pytest.mark.live]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", sorted(PAIRS))
def test_nothing_is_lost_and_nothing_is_left(request, tmp_path, name):
    wanted = {"pg": "postgresql", "my": "mariadb"}
    kinds = PAIRS[name]
    with ExitStack() as stack:
        dsns = []
        for number, kind in enumerate(kinds):
            if kind == "sqlite":
                dsns.append(f"sqlite:///{tmp_path}/{number}.db")
                continue
            cluster = request.getfixturevalue(wanted[kind])
            dsns.append(stack.enter_context(cluster.database()).writer_dsn)
        done = subprocess.run(
            [sys.executable, "-m", "routedb", "demo", "--transfers", *dsns],
            check=False,
            capture_output=True,
            text=True,
            cwd=Path(routedb.__file__).parents[1],
        )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].endswith("together 2000000.")
