"""Tracing tools as they are published, on a small program.

`python -m tests.suites.tools` makes an environment with them, runs
tests/suites/traced_program.py on PostgreSQL under each tool and in each way, and prints
which statements the tool noted too often or not at all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.suites.source import ROOT, environment, extra
from tests.suites.traced_program import STATEMENTS, TOOLS, WAYS
from tests.support.servers import Local, Reaper, start_postgresql

PACKAGES = (
    "opentelemetry-sdk>=1.31,<2",
    "opentelemetry-instrumentation-psycopg2",
    "opentelemetry-instrumentation-dbapi",
    "ddtrace>=4,<5",
    "elastic-apm>=6,<7",
)
_LONGEST_S = 120


def tools_environment() -> Path:
    """Return the Python of an environment with the tools. Raises Unobtainable."""
    return environment("tools", [*extra("postgresql"), *PACKAGES])


def noted(python: Path, tool: str, way: str, dsns: Sequence[str]) -> list[str]:
    """Return the texts that a tool notes of the program, run by `python` in a `way`."""
    done = subprocess.run(
        [str(python), "-m", "tests.suites.traced_program", tool, way, *dsns],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=_LONGEST_S,
        check=False,
    )
    if done.returncode:
        return [done.stderr.splitlines()[-1]]
    texts: list[str] = json.loads(done.stdout.splitlines()[-1])
    return texts


def main() -> int:
    """Run all; return 1 when a tool has noted anything else than the statements."""
    python, reaper, wrong = tools_environment(), Reaper(), 0
    cluster = start_postgresql(Local("postgres", reaper))
    with cluster.database() as database:
        for tool in TOOLS:
            for way in WAYS:
                texts = noted(python, tool, way, database.dsns)
                is_right = texts == STATEMENTS
                wrong += not is_right
                print(f"{tool}, {way}: {'as it is' if is_right else texts}", flush=True)
    cluster.close()
    reaper.close()
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
