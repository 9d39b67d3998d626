"""A statement that is several, in a transaction of its own, is run again as one would.

The program sent one statement in autocommit mode, and knows of no transaction. Where
that was rolled back for a fence, it is done again at the new place; where it was the
victim of a deadlock, at the same one. Both are verdicts that nothing has happened.
"""

from __future__ import annotations

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.run.follow import follow
from routedb.engine.run.outcome import Underway
from routedb.engine.session import Session
from routedb.engine.shared.let_go import lets_go

_MOST_CONFLICTS = 5
_PAUSE_S = 0.02

Fenced = tuple[Underway, Link, Exception]


class Moved(Exception):  # noqa: N818  (no error: the way back to the text)
    """The tables of the statement have been moved: it is to be learnt again."""


class Repeats:
    """How often one statement of `session` was run again, and why."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_own = not session.transaction.is_open
        self._conflicts = 0
        self._fenced_at = 0.0

    @lets_go
    def judge(self, exc: errors.Error, fenced: Fenced | None) -> None:
        """Return when all of the statement may be done again, at the same place, after
        `exc`, for what was `fenced`, if anything. Raises Moved, or `exc`."""
        if not self._is_own:
            raise exc
        if fenced is not None:
            attempt, link, met = fenced
            attempt.fenced_at = self._fenced_at
            follow(attempt, link, met)
            self._fenced_at = attempt.fenced_at
            if attempt.is_moved:
                raise Moved
            return
        if not _is_deadlock(exc) or self._conflicts >= _MOST_CONFLICTS:
            raise exc
        self._conflicts += 1
        self._session.core.pause(_PAUSE_S)


def _is_deadlock(exc: errors.Error) -> bool:
    """Tell a conflict, after which nothing is left, from what has other reasons."""
    code = getattr(exc, "pgcode", None) or (exc.args[0] if exc.args else None)
    return exc.retry_is_safe and code in (1213, "40P01")
