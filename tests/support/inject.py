"""Raise an exception at one line of routedb, whichever: as a signal handler may.

CPython runs signal handlers between bytecodes, after calls and at loops; here each line
event of a frame of routedb is such a place, but for the second one of a `with`, before
its `__exit__`: no handler runs there, and no lock could be given back. The scripted
servers of `adapters.fake` stand for what is beyond the line: they are left out.
"""

from __future__ import annotations

import dis
import gc
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from weakref import ref

import routedb

_HOME = str(Path(routedb.__file__).parent)
_BEYOND = str(Path(_HOME) / "adapters" / "fake")


class TimeLimit(Exception):
    """As raised in a signal handler to end a task."""


class Interrupt(KeyboardInterrupt):
    """As raised for Ctrl-C; one that can be referred to weakly."""


KINDS: list[type[BaseException]] = [Interrupt, TimeLimit]


class Injection:
    """Runs an action, and raises a `kind` at line event number `at`, from 1; once more
    at number `then` after that, where it is not 0: while the first is cleaned up."""

    fired = 0  # in this process, which pytest says at its end

    def __init__(self, at: int, kind: type[BaseException], then: int = 0) -> None:
        self.kind = kind
        self.seen = 0
        self.place = ""  # where it was raised, and where again
        self.has_fired_again = False
        self._left = [at + then, at] if then else [at]
        self._raised: list[ref[BaseException]] = []

    def run(self, action: Callable[[], object]) -> BaseException | None:
        """Return what came out of the action: the exception, or another one that was
        raised because of it; None when the action was over before."""
        before = sys.gettrace()
        gc.disable()  # what finalizers do then is of other tests
        sys.settrace(self._enter)
        try:
            action()
        except BaseException as exc:
            return exc
        finally:
            sys.setprofile(None)
            sys.settrace(before)
            gc.enable()
        return None

    def check_made(self, came: BaseException | None) -> None:
        """What came out of the action was raised here, or is nothing: else it is the
        cause of the failure, which shows where it is from."""
        if came is None:  # a finalizer's, which the interpreter has dropped
            self._raised.clear()
        elif not any(known() is came for known in self._raised):
            raise AssertionError(f"of its own: {type(came).__name__}") from came

    def check_freed(self) -> None:
        """No frame keeps what has come, which keeps all frames: call it when the
        caller does not either."""
        assert not any(known() for known in self._raised), "a frame keeps it"

    @property
    def has_fired(self) -> bool:
        """Tell whether there was such a line."""
        return bool(self.place)

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self._line if self._is_ours(frame) else None

    @staticmethod
    def _is_ours(frame: FrameType) -> bool:
        name = frame.f_code.co_filename
        return name.startswith(_HOME) and not name.startswith(_BEYOND)

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line" and self._left and not _is_exit(frame):
            self.seen += 1
            if self.seen == self._left[-1]:
                self._left.pop()
                self.has_fired_again = self.has_fired
                self.place = f"{self.place} {_place(frame)}".strip()
                self._raise()
        return self._line

    def _raise(self) -> None:
        Injection.fired += 1
        if self._left:
            sys.setprofile(self._resume)
        exc = self.kind("now")
        self._raised.append(ref(exc))
        try:
            raise exc
        finally:
            del exc

    def _resume(self, frame: FrameType | None, event: str, arg: Any) -> None:
        """Go on tracing, which the interpreter ends when something is raised there: at
        the next call, or return, of whichever frame."""
        sys.setprofile(None)
        while frame is not None:
            if self._is_ours(frame):
                frame.f_trace = self._line
            frame = frame.f_back
        sys.settrace(self._enter)


def _place(frame: FrameType) -> str:
    file = Path(frame.f_code.co_filename).relative_to(_HOME)
    return f"{file}:{frame.f_lineno}"


def _is_exit(frame: FrameType) -> bool:
    """Tell whether what comes next is the `__exit__` of a `with`."""
    return frame.f_lasti in _exits(frame.f_code)


@cache
def _exits(code: CodeType) -> frozenset[int]:
    """Return where `__exit__(None, None, None)` begins; before it, the value of a
    `return` is put aside."""
    steps = list(dis.get_instructions(code))
    nones = [step.opname == "LOAD_CONST" and step.argval is None for step in steps]
    begin = [
        at
        for at in range(len(steps))
        if nones[at : at + 3] == [True] * 3 and not (at and nones[at - 1])
    ]
    swaps = [at - 1 for at in begin if at and steps[at - 1].opname == "SWAP"]
    return frozenset(steps[at].offset for at in begin + swaps)
