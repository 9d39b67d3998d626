"""What the frontends that follow one driver have in common.

Each frontend is a package of its own, named like its driver.
"""

from __future__ import annotations

from routedb.frontends.base.connection import DriverConnection
from routedb.frontends.base.cursor import ClassSwitchingCursor, class_like
from routedb.frontends.base.inherited_cursor import InheritedCursor

__all__ = ["ClassSwitchingCursor", "DriverConnection", "InheritedCursor", "class_like"]
