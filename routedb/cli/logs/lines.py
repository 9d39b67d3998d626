"""One statement on each line: what `pg_stat_statements` and most tools can write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from routedb.cli.logs.query import Query


def read(log: Iterable[str]) -> Iterator[Query]:
    """Yield every line that is not blank, all of one session."""
    for line in log:
        if line.strip():
            yield Query("", line.strip())
