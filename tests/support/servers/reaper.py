"""A process of its own that cleans up after the tests, however they end.

It holds the reading end of a pipe whose writing end only the test process has. A line
names something to watch (`folder PATH`, `container ID`); at the end of the pipe, even
one that SIGKILL brought about, everything watched is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


class Reaper:
    """The test process's side."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the terminal is for the tests only
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def watch(self, kind: str, name: str) -> None:
        """Have it removed when this process is gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kind} {name}\n")
        self._process.stdin.flush()

    def reap(self, kind: str, name: str) -> None:
        """Remove it now; to remove it once more at the end does no harm."""
        REMOVERS[kind](name)

    def close(self) -> None:
        """Have everything removed and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def remove_folder(folder: str) -> None:
    """End every process that works in the folder, then delete it.

    Both kinds of server change into their data folder, so that is how to find them.
    SIGQUIT comes first, for PostgreSQL then gives its shared memory segment back.
    """
    _signal_all(folder, signal.SIGQUIT, within_s=2)
    _signal_all(folder, signal.SIGKILL, within_s=20)
    shutil.rmtree(folder, ignore_errors=True)


def _signal_all(folder: str, number: int, within_s: float) -> None:
    """Signal every process, also ones that appear meanwhile, until there are none."""
    deadline = time.monotonic() + within_s
    told: set[int] = set()
    while (found := _working_in(folder)) and time.monotonic() < deadline:
        for pid in set(found) - told:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)
        told.update(found)
        time.sleep(0.05)


def remove_container(name: str) -> None:
    """Remove a container with what runs in it."""
    import docker  # noqa: PLC0415  # only tests in containers need it

    client = docker.from_env()
    with contextlib.suppress(docker.errors.NotFound):
        client.containers.get(name).remove(force=True, v=True)
    client.close()


REMOVERS: dict[str, Callable[[str], None]] = {
    "folder": remove_folder,
    "container": remove_container,
}


def _working_in(folder: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
    return found


def main() -> None:
    watched = [line.split() for line in sys.stdin]
    for kind, name in reversed(watched):
        with contextlib.suppress(Exception):
            REMOVERS[kind](name)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    main()
