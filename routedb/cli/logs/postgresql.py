"""PostgreSQL's logs, CSV and plain, with `log_statement` or a duration threshold.

Both hold the same messages: `statement: …`, `execute NAME: …` with the parameters in
the entry's detail, either also behind `duration: … ms`. Parse and bind steps and the
later fetches of a portal repeat a statement and are left out.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator

from routedb.cli.logs.query import Query

_SEVERITIES = "LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?"
_MORE = "DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT"

# A line that begins an entry; of more lines each begins with a tab.
_ENTRY = re.compile(
    rf"(?P<prefix>(?!\t).*?)\b(?P<kind>{_SEVERITIES}|{_MORE}):  (?P<text>.*)", re.DOTALL
).match
_ADDED = frozenset(_MORE.split("|"))
_CSV_SEVERITY = re.compile(_SEVERITIES).fullmatch

# %p in brackets, also with %l behind it; %c. Other prefixes make one session of all.
_SESSION = re.compile(r"\[(\d+)(?:-\d+)?\]|\b([0-9a-f]{8}\.[0-9a-f]+)\b").search

_RUN = re.compile(
    r"(?:duration: [\d.]+ ms  )?"
    r"(?:statement|execute (?!fetch from )[^:]*): (?P<sql>.*)",
    re.DOTALL,
).match
_EDGE = re.compile(r"connection (?:received|authorized): |disconnection: ").match
_PARAMETERS = re.compile(r"parameters: ", re.IGNORECASE).match
_VALUE = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')").findall

# Columns of the CSV log (manual, 20.8.4); newer versions add some at the end.
_SESSION_ID, _SEVERITY, _TEXT, _DETAIL, _FEWEST = 5, 11, 13, 14, 22


def is_csv(sample: list[str]) -> bool:
    """Tell whether these lines begin a CSV log."""
    row = next(csv.reader(sample), [])
    return len(row) >= _FEWEST and _CSV_SEVERITY(row[_SEVERITY]) is not None


def is_plain(sample: list[str]) -> bool:
    """Tell whether there are entries of a plain log."""
    return any(_ENTRY(line) for line in sample)


def read_csv(log: Iterable[str]) -> Iterator[Query]:
    """Yield what the sessions ran."""
    csv.field_size_limit(sys.maxsize)  # a statement may have megabytes
    for row in csv.reader(log):
        if len(row) >= _FEWEST:
            yield from _queries(row[_SESSION_ID], row[_TEXT], row[_DETAIL])


def read_plain(log: Iterable[str]) -> Iterator[Query]:
    """Yield what the sessions ran."""
    session = text = detail = ""
    for kind, prefix, message in _entries(log):
        if kind == "DETAIL":
            detail = message
        elif kind not in _ADDED:
            yield from _queries(session, text, detail)
            found = _SESSION(prefix)
            session = found[0] if found else ""
            text, detail = message, ""
    yield from _queries(session, text, detail)


def _entries(log: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield kind, prefix and text of the entries, each of one or several lines."""
    kind, prefix, lines = "", "", [""]
    for line in log:
        stripped = line.rstrip("\r\n")
        entry = _ENTRY(stripped)
        if entry is None:
            lines.append(stripped.removeprefix("\t"))
            continue
        yield kind, prefix, "\n".join(lines)
        kind, prefix, lines = entry["kind"], entry["prefix"], [entry["text"]]
    yield kind, prefix, "\n".join(lines)


def _queries(session: str, text: str, detail: str) -> Iterator[Query]:
    """Yield the query of an entry, if it has one."""
    run = _RUN(text)
    if run is not None:
        values = _VALUE(detail) if _PARAMETERS(detail) else []
        yield Query(session, run["sql"], tuple((int(n), value) for n, value in values))
    elif _EDGE(text):
        yield Query(session, None)
