"""Counts, in the process of a foreign suite, which node each statement ran on.

Statements are counted when a cursor has run them. The counts are written when the
process ends, one line for each process; what a forked child runs, it counts itself.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
from collections import Counter
from importlib import import_module
from typing import Any

_PATH = os.environ.get("SUITES_ROLES", "")
_WRITER = 0  # the id of a cluster's first node, which is the writer in these runs
_METHODS = ("execute", "executemany", "callproc", "copy_expert", "copy_from", "copy_to")
_CURSORS = {
    "psycopg2": ("routedb.frontends.psycopg2.cursor", "PostgreSQLCursor"),
    "MySQLdb": ("routedb.frontends.mysqlclient.cursor", "MySQLCursor"),
}

counts: Counter[str] = Counter()


def count(cursor: type) -> None:
    """Have a class of cursors count what it runs itself."""
    for name in _METHODS:
        if name in vars(cursor):
            setattr(cursor, name, _counting(vars(cursor)[name]))


def _counting(run: Any) -> Any:
    @functools.wraps(run)
    def counting(self: Any, *args: Any, **more: Any) -> Any:
        done = run(self, *args, **more)
        if self.link is not None:
            is_writer = self.link.node.id == _WRITER
            counts["writer" if is_writer else "replica"] += 1
        return done

    return counting


def begin(driver: str) -> None:
    """Count from now on, if a run asks for it, what runs on routedb for a driver."""
    if not _PATH:
        return
    module, name = _CURSORS[driver]
    count(import_module("routedb.frontends.cursor").Cursor)
    count(getattr(import_module(module), name))
    os.register_at_fork(after_in_child=counts.clear)
    atexit.register(_write)


def _write() -> None:
    with open(_PATH, "a", encoding="utf-8") as file:
        file.write(json.dumps(counts) + "\n")
