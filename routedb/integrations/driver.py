"""A driver's module with another `connect`, for ORMs that are told which module to use.

The driver itself stays as it is: the rest of the program goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any


def with_connect(driver: Any, connect: Callable[..., Any]) -> ModuleType:
    """Return a module that is the driver's in all but `connect`."""
    made = ModuleType(driver.__name__, driver.__doc__)
    vars(made).update({**vars(driver), "connect": connect})
    return made
