"""The reads of `benchmarks.concurrent` from greenlets of gevent, with psycogreen.

`python -m benchmarks.greenlets COUNT DSN …` prints the rates as JSON. The environment
must have gevent: `python -m benchmarks concurrent` makes one.
"""

# ruff: noqa: E402, I001  (gevent must come before everything it changes)
from gevent import monkey

monkey.patch_all()

from psycogreen.gevent import patch_psycopg

patch_psycopg()

import json
import sys
from collections.abc import Callable

import gevent

from benchmarks.at_once import measure


def in_greenlets(calls: list[Callable[[], None]]) -> None:
    """Run the `calls` at once, each in a greenlet."""
    gevent.joinall([gevent.spawn(call) for call in calls], raise_error=True)


if __name__ == "__main__":
    told = {
        what: measure(sys.argv[2:], int(sys.argv[1]), in_greenlets, what == "reads")
        for what in ("reads", "transactions")
    }
    print(json.dumps(told))
