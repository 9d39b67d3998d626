"""Tools that trace a driver, and how routedb's calls get on with them.

Such a tool replaces the driver's `connect`, and some return a proxy of what that has
returned, whose cursors note every text. They are to see what the program runs, once:
links are opened through `connect` as it is then. What is routedb's own, a probe or a
question about a session, goes past them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any


class Opening:
    """The `connect` of a driver's module, looked up at each call.

    While `patch()` has replaced it, `below` is what it has replaced, the driver's own
    or a tool's: what a tool has set above sees the virtual connections already.
    """

    def __init__(self, module: ModuleType) -> None:
        self.below: Callable[..., Any] | None = None
        self._module = module

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self._connect(*args, **keywords)

    @property
    def is_traced(self) -> bool:
        """Tell whether the function is another than the module's own."""
        found = self._connect
        is_function = type(found) is FunctionType
        return not (is_function and found.__globals__ is vars(self._module))

    @property
    def _connect(self) -> Any:
        return self.below or self._module.connect


def unwrapped(raw: Any) -> Any:
    """Return the connection behind `raw`, which may be a tool's proxy of it."""
    while (inner := getattr(raw, "__wrapped__", None)) is not None:
        raw = inner
    return raw
