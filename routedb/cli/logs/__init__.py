"""Query logs of servers: the statements that ran, by session, in their order.

A reader is a function from the lines of a log to its queries; each lives in a file of
its own and keeps no more than one entry in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice

from routedb.cli.logs import lines, mysql, postgresql
from routedb.cli.logs.query import Query

__all__ = ["FORMATS", "Query", "detect", "read"]

Reader = Callable[[Iterable[str]], Iterator[Query]]

FORMATS: Mapping[str, Reader] = {
    "postgresql-csv": postgresql.read_csv,
    "postgresql": postgresql.read_plain,
    "mysql": mysql.read,
    "lines": lines.read,
}
_SAMPLE = 1000  # lines: a log may begin with a server's messages at its start

# Tests of the first lines for a format, the surest first; "lines" is all else.
_SIGNS: Mapping[str, Callable[[list[str]], bool]] = {
    "postgresql-csv": postgresql.is_csv,
    "mysql": mysql.is_log,
    "postgresql": postgresql.is_plain,
}


def read(log: Iterable[str], form: str | None = None) -> Iterator[Query]:
    """Yield the queries of `log`, its lines, in the format `form`; None: detect it."""
    source = iter(log)
    sample = list(islice(source, _SAMPLE))
    return FORMATS[form or detect(sample)](chain(sample, source))


def detect(sample: list[str]) -> str:
    """Return the name of the format that the first lines of a log are in."""
    return next((name for name, fits in _SIGNS.items() if fits(sample)), "lines")
