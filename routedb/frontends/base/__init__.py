"""What the frontends that follow a driver have in common.

In come the calls that a driver's users make; they are the engine's, or go to the
driver's own code, which runs in a virtual cursor as in a raw one (`inherited_cursor`).
A cursor that fetches by itself is of another class than one that does not (`cursor`).
"""

from __future__ import annotations

from routedb.frontends.base.connection import DriverConnection, opened
from routedb.frontends.base.cursor import ClassSwitchingCursor, class_like
from routedb.frontends.base.inherited_cursor import InheritedCursor

__all__ = [
    "ClassSwitchingCursor",
    "DriverConnection",
    "InheritedCursor",
    "class_like",
    "opened",
]
