"""What is done after a signal, done although a second one comes.

Ctrl-C is pressed twice, a task's soft time limit is followed by its hard one. What a
handler raises ends the clean-up that the one before has begun as it ends anything else.
So what settles an interruption is done once more when it was interrupted itself; each
such step may be done twice.
"""

from __future__ import annotations

from collections.abc import Callable


def whatever_comes(settle: Callable[[], object]) -> None:
    """Call `settle`, and once more when something comes out of it; raise that then."""
    try:
        settle()
    except BaseException:
        settle()
        raise
