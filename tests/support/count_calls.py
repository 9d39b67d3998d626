"""Count the Python calls that a statement takes, and the files they are in.

    python -m tests.support.count_calls [-v]

On the fake adapter, with a writer and two replicas, after one statement of another
shape: what is imported or compiled once does not count, nor does this test support, nor
what stands for the driver and its server (`adapters.fake.server`), which are no Python.
Generators count each time they are resumed, as `sys.setprofile` tells them.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from routedb.adapters.fake import server
from routedb.frontends.cursor import Cursor
from tests.support.fake_rig import Rig, farm

_NOT_OURS = (str(Path(__file__).parents[1]), server.__file__)

FIRST = "SELECT x, y FROM t WHERE z = %s"
WRITE = "UPDATE t SET a = 1"


class Calls(NamedTuple):
    """What one statement took; `by_place` counts by file and function."""

    by_place: Counter[tuple[str, str]]

    @property
    def total(self) -> int:
        """How many calls."""
        return sum(self.by_place.values())

    @property
    def files(self) -> int:
        """In how many files: what dataclasses and named tuples generate is in none."""
        return len({file for file, _ in self.by_place if file != "<string>"})


def counted(call: Callable[[], Any]) -> Calls:
    """Make `call`; return the Python calls that it made."""
    found: Counter[tuple[str, str]] = Counter()

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        code = frame.f_code
        if event == "call" and not code.co_filename.startswith(_NOT_OURS):
            found[code.co_filename, code.co_name] += 1

    gc.collect()  # what it calls is of other tests
    gc.disable()
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
        gc.enable()
    return Calls(found)


def first_read(rig: Rig) -> Calls:
    """A new text on a new connection: nothing is cached, and no link is open."""
    rig.connect().cursor().execute("SELECT a FROM t WHERE id = %s", (1,))
    cursor = rig.connect().cursor()
    return counted(lambda: cursor.execute(FIRST, (1,)))


def _again(rig: Rig) -> Cursor:
    cursor = rig.connect().cursor()
    cursor.execute(FIRST, (1,))
    return cursor


def cached_read(rig: Rig) -> Calls:
    """The same text again."""
    cursor = _again(rig)
    cursor.execute(FIRST, (1,))
    return counted(lambda: cursor.execute(FIRST, (1,)))


def read_after_write(rig: Rig) -> Calls:
    """The first read after the connection's own write: no replica is known to hold
    that yet."""
    cursor = _again(rig)
    cursor.execute(WRITE)
    return counted(lambda: cursor.execute(FIRST, (1,)))


def read_that_asks(rig: Rig) -> Calls:
    """A read after a write that a replica holds, but no sample tells: both are asked
    where they are."""
    rig.at(w=100, r1=100, r2=100)
    rig.look()
    cursor = _again(rig)
    cursor.execute(WRITE)
    return counted(lambda: cursor.execute(FIRST, (1,)))


def _transaction(rig: Rig, text: str, count: int = 1) -> Calls:
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()

    def transaction() -> None:
        for _ in range(count):
            cursor.execute(text, (1,))
        connection.commit()

    transaction()
    transaction()
    return counted(transaction)


def read_and_commit(rig: Rig) -> Calls:
    """A transaction of one read, as psycopg2 runs them by default."""
    return _transaction(rig, FIRST)


def write_and_commit(rig: Rig) -> Calls:
    """A transaction of one write."""
    return _transaction(rig, WRITE)


def six_writes_and_commit(rig: Rig) -> Calls:
    """A transaction of six writes."""
    return _transaction(rig, WRITE, 6)


MEASURED: dict[str, Callable[[Rig], Calls]] = {
    "a first read": first_read,
    "a cached read": cached_read,
    "a read after one's own write": read_after_write,
    "the same, asking two servers": read_that_asks,
    "SELECT; commit": read_and_commit,
    "UPDATE; commit": write_and_commit,
    "6 UPDATEs; commit": six_writes_and_commit,
}


def measure() -> Iterator[tuple[str, Calls]]:
    """Yield each case by name with what it took."""
    for name, case in MEASURED.items():
        with farm() as rig:
            yield name, case(rig)


def main() -> None:
    """Print the counts; with -v by file."""
    for name, calls in measure():
        print(f"{name:32} {calls.total:4} calls in {calls.files:2} files")
        if "-v" in sys.argv:
            by_file: Counter[str] = Counter()
            for (file, _), n in calls.by_place.items():
                by_file[file] += n
            for file, n in by_file.most_common():
                print(f"  {n:4} {file}")


if __name__ == "__main__":
    main()
