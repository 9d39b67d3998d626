"""Whether all rows of a partition have come, which Spark tells nobody but its own loop.

When what makes the rows fails, Spark closes the line to the process that writes them,
and Arrow takes an end of the line between two batches for the end of the rows. So the
process would commit the first of them, and the task that runs again would find the
partition written. What follows the rows tells: Spark's mark that these were all, or
nothing.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from routedb import errors


def check_end() -> None:
    """Return when Spark has said that this process, which has read all rows it was
    sent, has all of them. Raises OperationalError when they broke off, and
    NotSupportedError in a Spark that is not known to tell."""
    line = _line(sys._getframe())  # noqa: SLF001  (there is no other way to its loop)
    if line is None:
        raise errors.NotSupportedError(
            "this Spark does not tell whether the rows of a partition are all here"
        )
    if not line.peek(1):
        raise errors.OperationalError(
            "the rows of the partition broke off: the task that makes them has failed"
        )


def _line(frame: FrameType | None) -> Any:
    """Return what the loop of Spark's worker, that `frame` is called from, reads from;
    None where there is none."""
    while frame is not None:
        if frame.f_code.co_name == "main" and "infile" in frame.f_code.co_varnames:
            return frame.f_locals["infile"]
        frame = frame.f_back
    return None
