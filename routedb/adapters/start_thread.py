"""Start a thread where a signal handler may raise."""

from __future__ import annotations

import sys
import threading


def start_thread(thread: threading.Thread) -> None:
    """Start `thread`.

    `Thread.start` has locks and lists of its own, which what a signal handler raises
    leaves in disorder: that comes out as a KeyError or a RuntimeError then. Here the
    handler's exception comes out. Raises RuntimeError when no thread can be had.
    """
    handled = sys.exc_info()[1]
    try:
        thread.start()
    except (KeyError, RuntimeError) as exc:
        if exc.__context__ is None or exc.__context__ is handled:
            raise
        raise exc.__context__ from None
