"""Frames keep no exception that has gone through them.

An exception refers to the frames that it went through, and a frame to its arguments. So
one that was given the exception, and raises it, is a cycle: what these frames hold (a
connection, with it a place in a pool) is freed by the garbage collector only, whenever
that may be. Names of an `except` clause are deleted at its end; arguments are not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def lets_go(step: Callable[P, T]) -> Callable[P, T]:
    """Have `step`, which is given an exception and may raise it, forget its arguments
    when it does."""

    @wraps(step)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return step(*args, **kwargs)
        except BaseException as exc:
            del args, kwargs
            _clear_inner(exc)
            raise

    return wrapped


def _clear_inner(exc: BaseException) -> None:
    """Clear the frame that was called by the one which `exc` has come to."""
    trace = exc.__traceback__
    if trace is not None and trace.tb_next is not None:
        trace.tb_next.tb_frame.clear()
