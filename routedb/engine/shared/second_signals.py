"""What is done after a signal, done although a second one comes.

Ctrl-C is pressed twice, a task's soft time limit is followed by its hard one. What a
handler raises ends the clean-up that the one before has begun as it ends anything else.
So what settles an interruption is done once more when it was interrupted itself; each
such step may be done twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def whatever_comes(settle: Callable[[], object]) -> None:
    """Call `settle`, and once more when something comes out of it; raise that then.

    It is for an `except` block. What comes before the first line of that finds nothing
    settled: where this must not be, see `done_or_undone`.
    """
    try:
        settle()
    except BaseException:
        settle()
        raise


def done_or_undone(act: Callable[[], T], undo: Callable[[], object]) -> T:
    """Return `act()`; when anything comes out of it, call `undo` before raising that.

    There is no line at which a second exception would leave it half done: one in the
    inner `except`, or on the way into it, is settled by the outer one, and one in the
    outer one finds that the inner one has settled all.
    """
    is_undone = False
    try:
        try:
            return act()
        except BaseException:
            undo()
            is_undone = True
            raise
    except BaseException:
        if not is_undone:
            undo()
        raise
