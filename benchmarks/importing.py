"""How long `import routedb` takes, and what it brings in.

Whole processes are timed, each against one that imports nothing, in turn; compiled
files are warm, as they are for every start but the first.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.timing import Row

RUNS = 25
HEAVY = ("psycopg2", "MySQLdb", "sqlite3", "sqlglot", "rich", "click", "duckdb")


def run() -> list[Row]:
    """Time the import, and the import with what the first connect brings."""
    with tempfile.TemporaryDirectory() as cache:
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        texts = {
            "nothing": "pass",
            "import": "import routedb",
            "connect": "import routedb; routedb.connect('sqlite://')",
        }
        seconds = {name: [] for name in texts}
        for text in texts.values():
            _start(text, environ)
        for _ in range(RUNS):
            for name, text in texts.items():
                seconds[name].append(_start(text, environ))
        heavy = subprocess.run(
            [
                sys.executable,
                "-c",
                f"import routedb, sys; print([m for m in {HEAVY} if m in sys.modules])",
            ],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    base = statistics.median(seconds["nothing"])
    imported = (statistics.median(seconds["import"]) - base) * 1e3
    connected = (statistics.median(seconds["connect"]) - base) * 1e3
    return [
        Row("import routedb", imported, "ms", 60, f"heavy modules loaded: {heavy}"),
        Row("import and first connect (SQLite)", connected, "ms"),
    ]


def _start(text: str, environ: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", text], env=environ, check=True)
    return time.perf_counter() - start
