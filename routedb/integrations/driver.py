"""A driver's module with another `connect`, for ORMs that take a module as argument.

The driver itself is not changed: the rest of the program goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any


def with_connect(driver: Any, connect: Callable[..., Any]) -> ModuleType:
    """Return a module with the names of `driver`, except for its own `connect`."""
    made = ModuleType(driver.__name__, driver.__doc__)
    vars(made).update({**vars(driver), "connect": connect})
    return made
