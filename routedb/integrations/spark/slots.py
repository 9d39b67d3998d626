"""At most so many connections to a node at once, whatever processes want one.

Spark runs partitions in processes that know nothing of one another. Three things keep
them within the bound, from the first to the last resort:

- A scan has at most as many partitions for a group as a node of it may have
  connections, so more would only hold a core and wait (`lanes`).
- Processes of one machine take a *slot* before they connect: a lock on one of so many
  files. Several scans at once, of one query or of several, share them.
- Processes of several machines take a lock on the server once they are connected
  (`routedb.integrations.spark.sessions`); who gets none closes and comes again.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from math import ceil
from pathlib import Path

from routedb.config.label import label_of
from routedb.config.model import NodeConfig

WAIT_S = 0.02


def lanes(rows: int, partition_rows: int, bound: int) -> tuple[int, int]:
    """Return how many partitions a group's `rows` make, and how many ranges of keys of
    at most `partition_rows` each of them reads; `bound` is that of connections."""
    count = max(1, min(bound, ceil(rows / partition_rows)))
    return count, max(1, ceil(rows / (count * partition_rows)))


@contextmanager
def slot(node: NodeConfig, bound: int, use: str = "reading") -> Iterator[int]:
    """Hold one of `bound` slots of `node`, for this `use`, for the length of a block;
    its number.

    Waits while all are taken, however long: others read meanwhile. Who writes has other
    slots than who reads: what one program writes may have to be read first.
    """
    folder = _folder()
    name = _name(node)
    first = os.getpid()
    while True:
        for turn in range(bound):
            number = (first + turn) % bound
            file = os.open(
                folder / f"{name}.{use}.{number}", os.O_RDWR | os.O_CREAT, 0o600
            )
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue
            try:
                yield number
                return
            finally:
                os.close(file)
        time.sleep(WAIT_S)


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"routedb-spark-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _name(node: NodeConfig) -> str:
    """Return a name for the server's database behind `node`, the same in every
    configuration."""
    label = label_of(node)
    # Without a host its address is in the environment, or it is a file's.
    where = node.name if label.host is None else f"{label.host}:{label.port}"
    said = (label.system, where, label.namespace)
    return sha256(repr(said).encode()).hexdigest()[:24]
