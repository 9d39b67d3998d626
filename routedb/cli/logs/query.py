"""One entry of a query log."""

from __future__ import annotations

from typing import NamedTuple


class Query(NamedTuple):
    """A statement that a session ran; `sql` None: the session began or ended.

    `values` are the parameters in the log, by the number after the $, written as in
    SQL.
    """

    session: str
    sql: str | None
    values: tuple[tuple[int, str], ...] = ()
