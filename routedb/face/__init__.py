"""What the faces have in common: connections and cursors as one driver's users know
them. Each face is a package of its own: postgresql, mysql, sqlite."""

from __future__ import annotations

from routedb.face.connection import Faced
from routedb.face.cursor import Switching, named
from routedb.face.half import Half

__all__ = ["Faced", "Half", "Switching", "named"]
