"""The general log of MySQL and MariaDB.

    2026-11-24T10:00:00.123456Z     8 Query     SELECT 1
    261124 10:00:00      8 Query    SELECT 1
                         8 Execute  SELECT name FROM t WHERE id = 5

The time stands before the number of the session, in MariaDB only where it has changed;
a statement of several lines goes on without either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from routedb.cli.logs.query import Query

_TIME = (
    r"(?:\d{6}\s+\d{1,2}:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"
    r"|\d{4}-\d\d-\d\d\s+\d{1,2}:\d\d:\d\d)?"
)
_ENTRY = re.compile(
    rf"{_TIME}\s+(?P<session>\d+)\s(?P<command>[A-Z][a-z]+(?: [A-Za-z]+)*)"
    r"(?:\t(?P<text>.*))?$",
    re.DOTALL,
).match
_HEADER = re.compile(r"Time\s+Id\s+Command\s+Argument").match
_STARTED = re.compile(r".*, Version: .* started with:|Tcp port: ").match

_RUN = ("Query", "Execute")  # Prepare comes before an Execute, with placeholders
_EDGES = ("Connect", "Quit", "Change user", "Reset Connection", "Reset connection")


def is_log(sample: list[str]) -> bool:
    """Tell whether these are lines of a general log."""
    return any(_HEADER(line) or _ENTRY(line.rstrip("\n")) for line in sample)


def read(log: Iterable[str]) -> Iterator[Query]:
    """Yield what the sessions ran."""
    session, text, is_run = "", "", False
    for line in log:
        stripped = line.rstrip("\r\n")
        entry = _ENTRY(stripped)
        if entry is None and not (_HEADER(line) or _STARTED(line)):
            text = f"{text}\n{stripped}"
            continue
        if is_run:
            yield Query(session, text)
        is_run = False
        if entry is None:
            continue
        session, text = entry["session"], entry["text"] or ""
        is_run = entry["command"] in _RUN
        if entry["command"] in _EDGES:
            yield Query(session, None)
    if is_run:
        yield Query(session, text)
