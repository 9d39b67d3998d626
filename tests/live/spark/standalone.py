"""A cluster of Spark's own kind on loopback: a master, a worker, executors of each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.servers.server import wait_until

BIN = Path(sys.executable).parent  # pyspark has its programs there
PATIENCE_S = 300.0


@contextmanager
def standalone(folder: Path, **environ: str) -> Iterator[str]:
    """Run a master, and a worker with two cores whose executors have `environ`, too;
    the master's URL. What both and their executors log is in `folder`."""
    with ExitStack() as stack:
        _start(stack, folder / "master.log", "master.Master", ["--port", "0"], environ)
        url = _logged(folder / "master.log", r"Starting Spark master at (spark://\S+)")
        given = ["--cores", "2", "--memory", "2g", "--work-dir", str(folder / "work")]
        _start(stack, folder / "worker.log", "worker.Worker", [*given, url], environ)
        _logged(folder / "worker.log", r"Successfully (registered) with master")
        yield url


def logs(folder: Path) -> str:
    """Return what a master, workers and executors with that `folder` have logged."""
    files = [*folder.glob("*.log"), *folder.glob("work/*/*/std*")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def _start(
    stack: ExitStack, log: Path, name: str, given: list[str], environ: dict[str, str]
) -> None:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [
                *(str(BIN / "spark-class"), f"org.apache.spark.deploy.{name}"),
                *("--host", "127.0.0.1", "--webui-port", "0", *given),
            ],
            env=os.environ
            | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
            | environ,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    stack.callback(process.wait)
    stack.callback(process.terminate)


def _logged(log: Path, pattern: str) -> str:
    found: list[str] = []

    def is_there() -> bool:
        found.extend(re.findall(pattern, log.read_text(encoding="utf-8")))
        return bool(found)

    wait_until(is_there, f"{log.name} has {pattern}", PATIENCE_S)
    return found[0]
