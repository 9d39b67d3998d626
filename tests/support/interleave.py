"""Two threads on one connection: the second acts at one moment of the first's work.

CPython changes threads where a function begins or has returned, in C or not, and at
the end of a loop's round. `Interruption` counts the former, and at the n-th has another
thread do its part, whole, or up to where it has to wait for the first. What it does
later comes when the first has done its work.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import routedb

_BLOCKED_S = 0.02  # whoever takes longer waits for a lock that the first thread has
_ROOT = os.path.dirname(routedb.__file__)
_INSIDE = tuple(
    os.path.join(_ROOT, part, "") for part in ("engine", "routing", "session")
)


class Interruption:
    """Has `inner` done by another thread at the `at`-th moment of `outer`."""

    def __init__(
        self, at: int, inner: Callable[[], None], later: Callable[[], None]
    ) -> None:
        self.left = at
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(inner, later))
        self._has_acted, self._is_late = threading.Event(), threading.Event()

    def run(self, outer: Callable[[], None]) -> bool:
        """Do both; tell whether that moment came. Raises what either has raised."""
        sys.setprofile(self._profile)
        try:
            outer()
        finally:
            sys.setprofile(None)
            self._is_late.set()
        has_come = self.left <= 0
        if has_come:
            self._thread.join()
        for error in self._errors:
            raise error
        return has_come

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if self.left > 0 and (_is_inside(frame) or _is_inside(frame.f_back)):
            self.left -= 1
            if not self.left:
                self._thread.start()
                self._has_acted.wait(_BLOCKED_S)

    def _run(self, inner: Callable[[], None], later: Callable[[], None]) -> None:
        try:
            inner()
            self._has_acted.set()
            self._is_late.wait()
            later()
        except BaseException as exc:
            self._errors.append(exc)


def _is_inside(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(_INSIDE)
