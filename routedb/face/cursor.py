"""Cursors that are of one class while they fetch by themselves, else of another."""

from __future__ import annotations

from typing import Any

from routedb.adapters.base import RawCursor
from routedb.cursor import Cursor
from routedb.face.half import Half


class Switching(Cursor):
    """A cursor that is of class `home` while its rows are its own, where fetching is
    the driver's; otherwise of `away`, where it is routedb's."""

    home: Any
    away: Any

    def seat(self, raw: RawCursor) -> None:
        """Fetch from `raw` from now on."""
        self._release()
        if isinstance(raw, Half):
            self.seated = raw
            self.__class__ = self.home
        else:
            super().seat(raw)

    def _release(self) -> None:
        super()._release()
        self.__class__ = self.away


def named(factory: Any, *bases: Any) -> Any:
    """Make a class that says it is the user's."""
    return type(factory.__name__, bases, {"__module__": factory.__module__})
